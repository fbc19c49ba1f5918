"""Samples to scores: features once, every metric on the same features, against a finished reference."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

from metrics.catalogue import check, family, named
from metrics.errors import UnfitError, expect
from metrics.family import Family
from metrics.features import Extractor, Features, Range, Samples, extract
from metrics.mixture import Mixture
from metrics.reference import Reference
from metrics.score import Scores

_REFERENCE = "a reference of the reals, such as metrics.reference.build gives"


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
    expect(Extractor, extractor, "an extractor, such as metrics.features.load('lenet')")
    expect(Reference, reference, _REFERENCE)
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
    expect(Features, features, "features, such as metrics.features.extract gives")
    expect(Reference, reference, _REFERENCE)
    known, verdicts = replace(reference, modes=modes), dict[str, Scores]()
    for chosen in named(metrics):
        if chosen.judge not in verdicts:  # one judge may know several families, and looks once for all of them
            wanted = [other for other in metrics if family(other).judge == chosen.judge]
            judge = chosen.load().against(known, wanted).to(features.pooled.device)
            judge.distributed_available_fn = _nobody_else  # these features are all that there are
            judge.update(features, real=False)
            verdicts[chosen.judge] = judge.verdict(features)
    return reduce(Scores.__or__, (_of(family(name), verdicts, reference.extractor) for name in metrics), Scores())


def _nobody_else() -> bool:
    return False


def _of(family: Family, verdicts: Mapping[str, Scores], extractor: str) -> Scores:
    """What belongs to this family, under its keys."""
    found = verdicts[family.judge]
    names = {plain: family.key(plain, extractor) for plain in family.yields or (family.name,)}
    return Scores(
        scores={key: found.scores[plain] for plain, key in names.items() if plain in found.scores},
        floors={key: found.floors[plain] for plain, key in names.items() if plain in found.floors},
        histogram=found.histogram,
    )
