"""Scores of samples from anywhere, without training anything."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas import DataFrame
    from rich.progress import Progress
    from torch import Tensor

    from metrics import Features


def evaluate(real: str, fake: str, **how: Any) -> "DataFrame":
    """Judge samples from Python; return a row for each score."""
    from pandas import DataFrame

    document = judge(real, fake, **how)
    return DataFrame([{"score": key, **score} for key, score in document["scores"].items()])


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
    import metrics as judges
    from orchestrator.code import allowed
    from orchestrator.errors import RequestError
    from orchestrator.sampling import dataset_of, source

    named = [("dataset", dataset_of(real)), ("dataset", dataset_of(fake)), ("extractor", extractor or "")]
    named += [("metric", family) for family in metrics]
    allowed(named, trusted=trust_code, folder=Path.cwd()).load()
    if not download:
        cache = cache if cache and cache.is_dir() else None
    reals = source(real, cache=cache, pixels=pixels).take(samples, seed)
    fakes = source(fake, cache=cache, pixels=pixels).take(samples, seed)
    shape, other = tuple(reals.samples.shape[1:]), tuple(fakes.samples.shape[1:])
    if shape != other:
        raise RequestError(
            f"expected samples of one shape on both sides, found {shape} in {real} and {other} in {fake}"
        )
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
    scores = judges.evaluate_features(features, reference, metrics, modes=reals.modes).scores
    document: dict[str, Any] = {
        "protocol": {
            "version": judges.VERSION,
            "dataset": dict(reals.about),
            "generated_by": dict(fakes.about),
            "reals": len(reals.samples),
            "generated": len(fakes.samples),
            "resolution": list(shape),
            "extractor": {"name": network.name, "digest": network.digest},
            "resize": network.resize,
            "metrics": list(metrics),
            "seed": None if samples is None else seed,
        },
        "scores": {key: asdict(score) for key, score in scores.items()},
    }
    if check:
        peers = _peers(metrics, judges.features.extract(network, reals.samples, range=reals.range), features)
        keys = {judges.key(family, network.name): value for family, value in peers.items()}
        document["check"] = {
            key: {"torchmetrics": value, "difference": scores[key].value - value} for key, value in keys.items()
        }
    return document


def _growing(progress: "Progress | None", what: str, total: int) -> "Callable[[int], object] | None":
    """Return what lets a bar grow by the samples of each batch, if anybody looks."""
    if progress is None:
        return None
    task = progress.add_task(what, total=total)
    return lambda count: progress.advance(task, count)


@contextmanager
def _told_of(text: str) -> Iterator[None]:
    """Tell what is wrong with samples together with the side that they are."""
    from metrics import MetricsError
    from orchestrator.errors import RequestError

    try:
        yield
    except MetricsError as error:
        raise RequestError(f"{text}: {error}") from None


def _peers(families: Sequence[str], real: "Features", fake: "Features") -> dict[str, float]:
    """Return what torchmetrics' own classes make of the same features, for the families that it has."""
    import warnings

    import torch
    from torch import nn
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.inception import InceptionScore

    class Same(nn.Module):
        """Features in, features out."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.num_features = width

        def forward(self, features: "Tensor") -> "Tensor":
            return features

    peers: dict[str, float] = {}
    # Its Inception score warns of the memory that it takes, and shuffles by the generator that everybody shares.
    with warnings.catch_warnings(action="ignore"), torch.random.fork_rng(devices=[]):
        if "fd" in families:
            reals, fakes = real.pooled.cpu().double(), fake.pooled.cpu().double()
            distance = FrechetInceptionDistance(feature=Same(reals.shape[1])).set_dtype(torch.float64)
            distance.update(reals, real=True)
            distance.update(fakes, real=False)
            peers["fd"] = float(distance.compute())
        if "is" in families and fake.logits is not None:
            logits = fake.logits.cpu().double()
            score = InceptionScore(feature=Same(logits.shape[1]), splits=1)
            score.update(logits)
            peers["is"] = float(score.compute()[0])
    return peers
