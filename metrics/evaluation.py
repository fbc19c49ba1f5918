"""Samples to scores: features once, every metric on the same features, against a finished reference."""

from collections.abc import Sequence
from dataclasses import replace

from metrics.catalogue import check, family
from metrics.errors import UnfitError
from metrics.features import Extractor, Features, Range, Samples, extract
from metrics.mixture import Mixture
from metrics.reference import Reference
from metrics.score import Scores


def evaluate(
    samples: Samples,
    reference: Reference,
    extractor: Extractor,
    metrics: Sequence[str],
    *,
    range: Range,  # noqa: A002 - the word of the experiment file and the command line
    modes: Mixture | None = None,
) -> Scores:
    """Score generated samples, a tensor [N, ...] or a stream of batches."""
    check(metrics, extractor, modes)
    if extractor.digest != reference.digest:
        raise UnfitError(
            f"the reference was made with {reference.extractor} of digest {reference.digest[:12]}, the samples are read"
            f" with {extractor.name} of digest {extractor.digest[:12]}; build the reference with the same extractor"
        )
    return evaluate_features(extract(extractor, samples, range=range), reference, metrics, modes=modes)


def evaluate_features(
    features: Features, reference: Reference, metrics: Sequence[str], *, modes: Mixture | None = None
) -> Scores:
    """Score features that are there already."""
    known, total = replace(reference, modes=modes), Scores()
    for name in metrics:
        chosen = family(name)
        judge = chosen.load().against(known).to(features.pooled.device)
        judge.update(features, real=False)
        found = judge.verdict(features)
        total = Scores(
            scores=total.scores
            | {chosen.key(plain, reference.extractor): score for plain, score in found.scores.items()},
            floors=total.floors
            | {chosen.key(plain, reference.extractor): floor for plain, floor in found.floors.items()},
            histogram=found.histogram or total.histogram,
        )
    return total
