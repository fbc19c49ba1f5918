"""Scores of samples from anywhere, without training anything."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame
    from torch import Tensor


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
    cache: Path | None = None,
    device: str = "cpu",
) -> dict[str, Any]:
    """Return the document of `ganarena evaluate --json`; nothing is written."""
    import metrics as judges
    from orchestrator.errors import RequestError
    from orchestrator.sampling import source

    reals, real_range, about_real = source(real, cache=cache, pixels=pixels)
    fakes, fake_range, about_fake = source(fake, cache=cache, pixels=pixels)
    if reals.shape[1:] != fakes.shape[1:]:
        found = f"{tuple(reals.shape[1:])} in {real} and {tuple(fakes.shape[1:])} in {fake}"
        raise RequestError(f"expected samples of one shape on both sides, found {found}")
    reals, fakes = _taken(reals, samples, seed, real), _taken(fakes, samples, seed, fake)
    name = extractor or ("identity" if real_range == "features" else "inception")
    network = judges.features.load(name, weights=weights, cache=cache).to(device)
    modes = _modes(real)
    reference = judges.reference.build(
        network,
        reals,
        range=real_range,
        digest=about_real["digest"],
        split=f"{about_real['split']}/{samples or 'all'}/{seed}",
        metrics=metrics,
    )
    features = judges.features.extract(network, fakes, range=fake_range)
    judges.check(metrics, network, modes)
    scores = judges.evaluate_features(features, reference, metrics, modes=modes)
    document: dict[str, Any] = {
        "protocol": {
            "version": judges.VERSION,
            "dataset": about_real,
            "generated_by": about_fake,
            "reals": len(reals),
            "generated": len(fakes),
            "resolution": list(reals.shape[1:]),
            "extractor": {"name": network.name, "digest": network.digest},
            "resize": network.resize,
            "metrics": list(metrics),
            "seed": seed if samples else None,
        },
        "scores": {key: asdict(score) for key, score in scores.scores.items()},
    }
    if check:
        real_features = judges.features.extract(network, reals, range=real_range)
        document["check"] = {
            judges.key(family, name): {
                "torchmetrics": peer,
                "difference": scores.scores[judges.key(family, name)].value - peer,
            }
            for family, peer in _peers(metrics, real_features, features).items()
        }
    return document


def _taken(samples: "Tensor", count: int | None, seed: int, text: str) -> "Tensor":
    """Return `count` of the samples, drawn without replacement from `seed`; all of them where no count is given."""
    import torch

    from orchestrator.errors import RequestError

    if count is None:
        return samples
    if count > len(samples):
        raise RequestError(f"{text} holds {len(samples)} samples, but --samples asks for {count}; lower it or add data")
    return samples[torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed))[:count]]


def _modes(text: str) -> Any:
    import gans

    name = text.partition(":")[0]
    return gans.data.load(name).modes if name in ("ring8", "grid25", "gaussian1d") else None


def _peers(families: Sequence[str], real: Any, fake: Any) -> dict[str, float]:
    """Return what torchmetrics' own classes make of the same features."""
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
    if "fd" in families:
        distance = FrechetInceptionDistance(feature=Same(real.pooled.shape[1])).set_dtype(real.pooled.double().dtype)
        distance.update(real.pooled.double(), real=True)
        distance.update(fake.pooled.double(), real=False)
        peers["fd"] = float(distance.compute())
    if "is" in families:
        score = InceptionScore(feature=Same(fake.logits.shape[1]), splits=1)
        score.update(fake.logits.double())
        peers["is"] = float(score.compute()[0])
    return peers
