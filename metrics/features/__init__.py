"""Samples to features, once, for every metric."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from metrics.errors import RangeError, TooFewSamplesError, UnfitError, UnknownNameError, WeightsError
from metrics.features import inception as _inception
from metrics.features.dinov2 import DINOv2
from metrics.features.extractor import Extractor, Features, Kind
from metrics.features.identity import Identity
from metrics.features.inception import Inception
from metrics.features.lenet import LeNet
from metrics.features.ranges import RANGES, Range, conform, require_finite
from metrics.features.vision import PREFIX, TorchVision
from metrics.features.wrapped import wrap
from metrics.names import nearest

__all__ = [
    "EXTRACTORS",
    "RANGES",
    "Entry",
    "Extractor",
    "Features",
    "Kind",
    "Range",
    "extract",
    "load",
    "require_finite",
    "wrap",
]

Samples = Tensor | Iterable[Tensor]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An extractor as the catalogue knows it, before anything is loaded."""

    name: str
    summary: str
    paper: str
    logits: bool
    make: Callable[[Path | None, Path | None, bool], Extractor]


def _identity(weights: Path | None) -> Identity:
    if weights is not None:
        raise WeightsError(f"identity reads no weights, but {weights} was given; leave it out, or name an extractor")
    return Identity()


EXTRACTORS = {
    entry.name: entry
    for entry in (
        Entry(
            name="identity",
            summary="points as they are, images as their pixels in [0, 1]",
            paper="none",
            logits=False,
            make=lambda weights, _cache, _download: _identity(weights),
        ),
        Entry(
            name="lenet",
            summary="84 features and 10 logits of a small classifier, for 28 x 28 digits",
            paper="LeCun et al., 1998",
            logits=True,
            make=lambda weights, _cache, _download: LeNet(weights),
        ),
        Entry(
            name="inception",
            summary="2048 features and 1008 logits of Inception-v3, as in every published FID",
            paper="Szegedy et al., 2016; Heusel et al., 2017",
            logits=True,
            make=lambda weights, cache, download: Inception(_inception.find(weights, cache, download=download)),
        ),
        Entry(
            name="inception-antialias",
            summary="the same behind an antialiased resize, as torchmetrics has it; not comparable with inception",
            paper="Parmar et al., 2022",
            logits=True,
            make=lambda weights, cache, download: Inception(
                _inception.find(weights, cache, download=download), protocol="antialias"
            ),
        ),
        Entry(
            name="dinov2",
            summary="1024 features of ViT-L/14, closer to what people see; needs timm and a file of weights",
            paper="Oquab et al., 2023; Stein et al., 2023",
            logits=False,
            make=lambda weights, _cache, _download: DINOv2(weights),
        ),
    )
}


def load(name: str, *, weights: Path | None = None, cache: Path | None = None, download: bool = False) -> Extractor:
    """The extractor of this name, in evaluation mode; `torchvision:resnet18` is that model of torchvision's.

    Nothing is fetched from the network unless `download` says so.
    """
    if name.startswith(PREFIX):
        return TorchVision(name, weights)
    if name not in EXTRACTORS:
        raise UnknownNameError(f"there is no extractor {name!r}; {nearest(name, EXTRACTORS)}")
    return EXTRACTORS[name].make(weights, cache, download)


@torch.no_grad()
def extract(
    extractor: Extractor,
    samples: Samples,
    *,
    range: Range,  # noqa: A002 - the word of the experiment file and the command line
    batch: int | None = None,
    on_batch: Callable[[int], object] | None = None,
) -> Features:
    """One forward over all samples, a tensor or a stream of batches: what every metric is then given.

    After each batch `on_batch` is told how many samples it had: where a bar grows.
    """
    kind: Kind = "points" if range == "features" else "images"
    parts = []
    for number, part in enumerate(_batches(samples, batch or extractor.batch), 1):
        name = f"batch {number} of the samples"
        if problem := _unfit(extractor, part, kind):
            raise UnfitError(problem)
        features = extractor(conform(part, range=range, name=name).to(extractor.device))
        require_finite(features.pooled, name=f"the features of batch {number}")
        parts.append(features)
        if on_batch:
            on_batch(len(part))
    if not parts:
        raise TooFewSamplesError("there are no samples to extract features from")
    logits = [part.logits for part in parts if part.logits is not None]
    return Features(_joined([part.pooled for part in parts]), _joined(logits) if logits else None)


def _batches(samples: Samples, batch: int) -> Iterator[Tensor]:
    for part in [samples] if isinstance(samples, Tensor) else samples:
        if not isinstance(part, Tensor):
            raise RangeError(f"samples are tensors, not {type(part).__name__}; use torch.as_tensor")
        yield from torch.split(part, batch)


def _unfit(extractor: Extractor, part: Tensor, kind: Kind) -> str | None:
    if part.dim() != (dimensions := {"points": 2, "images": 4}[kind]):
        return f"{kind} have {dimensions} dimensions, [N, {'D' if kind == 'points' else 'C, H, W'}], not {part.dim()}"
    return extractor.check(tuple(part.shape[1:]), kind)


def _joined(parts: list[Tensor]) -> Tensor:
    joined = torch.cat(parts)
    return joined.cpu() if joined.device.type == "mps" else joined  # that device has no float64
