"""The judgement of one side of samples by the other: the document of `ganarena evaluate`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import metrics as judges
from metrics import Extractor, Features, MetricsError, Scores, catalogue
from orchestrator.code import allowed
from orchestrator.errors import RequestError, expect
from orchestrator.evaluating.sources import Source, dataset_of, source

if TYPE_CHECKING:
    from rich.progress import Progress


def judge(
    real: str,
    fake: str,
    *,
    extractor: str | None = None,
    weights: Path | None = None,
    metrics: Sequence[str] = ("fd",),
    samples: int | None = None,
    seed: int = 0,
    pixels: str | None = None,
    check: bool = False,
    download: bool = False,
    trust_code: bool = False,
    cache: Path | None = None,
    device: str = "cpu",
    progress: "Progress | None" = None,
) -> dict[str, Any]:
    """Return the document of `ganarena evaluate --json`; a cache is made for a download alone."""
    named = [("dataset", dataset_of(real)), ("dataset", dataset_of(fake)), ("extractor", extractor or "")]
    expect(list | tuple, metrics, "a list of metrics, such as ['fd']")
    named += [("metric", family) for family in metrics]
    allowed(named, trusted=trust_code, folder=Path.cwd()).load()
    if not download:
        cache = cache if cache and cache.is_dir() else None
    classes = any("classes" in family.parts for family in catalogue.named(metrics))
    reals, fakes = (
        source(text, cache=cache, pixels=pixels, classes=classes).take(samples, seed) for text in (real, fake)
    )
    _check_shapes(reals, fakes)
    usual = "identity" if reals.range == "features" else "inception"
    name = usual if extractor is None else extractor
    judges.check(metrics, name, reals.modes)
    network = judges.features.load(name, weights=weights, cache=cache, download=download).to(device)
    with _told_of(fake):
        grow = _growing(progress, "generated samples", len(fakes.samples))
        features = judges.features.extract(network, fakes.samples, range=fakes.range, on_batch=grow)
        features = replace(features, labels=fakes.labels)
    with _told_of(real):
        reference = judges.reference.build(
            network,
            reals.samples,
            range=reals.range,
            labels=reals.labels,
            digest=reals.about["digest"],
            split=f"{reals.about['split']}/{samples or 'all'}/{seed}",
            metrics=metrics,
            cache=cache if reals.dataset else None,
            on_batch=_growing(progress, "real samples", len(reals.samples)),
        )
    scored = judges.evaluate_features(features, reference, metrics, modes=reals.modes)
    return {
        "protocol": _protocol(reals, fakes, network, metrics, None if samples is None else seed),
        "scores": {key: asdict(score) for key, score in scored.scores.items()},
        "floors": scored.floors,
        **({"check": _beside_peers(metrics, network, reals, features, scored)} if check else {}),
    }


def _check_shapes(reals: Source, fakes: Source) -> None:
    shape, other = tuple(reals.samples.shape[1:]), tuple(fakes.samples.shape[1:])
    if shape != other:
        raise RequestError(
            f"expected samples of one shape on both sides, found {shape} in {reals.text} and {other} in {fakes.text}"
        )


def _protocol(
    reals: Source, fakes: Source, network: Extractor, metrics: Sequence[str], seed: int | None
) -> dict[str, Any]:
    """Return what the meaning of the scores depends on."""
    return {
        "version": judges.VERSION,
        "dataset": dict(reals.about),
        "generated_by": dict(fakes.about),
        "reals": len(reals.samples),
        "generated": len(fakes.samples),
        "resolution": list(reals.samples.shape[1:]),
        "extractor": {"name": network.name, "digest": network.digest},
        "resize": network.resize,
        "metrics": list(metrics),
        "seed": seed,
    }


def _beside_peers(
    metrics: Sequence[str], network: Extractor, reals: Source, features: Features, scored: Scores
) -> dict[str, dict[str, float]]:
    """Return what torchmetrics' own classes say, and by how much ours differ."""
    from orchestrator.evaluating.peers import peers

    real = judges.features.extract(network, reals.samples, range=reals.range)
    found = {judges.key(family, network.name): value for family, value in peers(metrics, real, features).items()}
    return {
        key: {"torchmetrics": value, "difference": scored.scores[key].value - value} for key, value in found.items()
    }


def _growing(progress: "Progress | None", what: str, total: int) -> Callable[[int], object] | None:
    """Return what lets a bar grow by the samples of each batch, if anybody looks."""
    if progress is None:
        return None
    task = progress.add_task(what, total=total)
    return lambda count: progress.advance(task, count)


@contextmanager
def _told_of(text: str) -> Iterator[None]:
    """Tell what is wrong with samples together with the side that they are."""
    try:
        yield
    except MetricsError as error:
        raise RequestError(f"{text}: {error}") from None
