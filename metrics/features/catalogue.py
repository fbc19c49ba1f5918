"""The extractors that have a name: what each gives, and how it is made."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from metrics.errors import UnknownNameError, WeightsError, expect
from metrics.features import inception
from metrics.features.dinov2 import DINOv2
from metrics.features.extractor import Extractor
from metrics.features.identity import Identity
from metrics.features.inception import Inception
from metrics.features.lenet import LeNet
from metrics.features.vision import PREFIX, TorchVision
from metrics.names import nearest


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
            make=lambda weights, cache, download: Inception(inception.find(weights, cache, download=download)),
        ),
        Entry(
            name="inception-antialias",
            summary="the same behind an antialiased resize, as torchmetrics has it; not comparable with inception",
            paper="Parmar et al., 2022",
            logits=True,
            make=lambda weights, cache, download: Inception(
                inception.find(weights, cache, download=download), protocol="antialias"
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
    expect(str, name, "the name of an extractor, such as 'lenet'")
    if name.startswith(PREFIX):
        return TorchVision(name, weights)
    if name not in EXTRACTORS:
        raise UnknownNameError(f"there is no extractor {name!r}; {nearest(name, EXTRACTORS)}")
    return EXTRACTORS[name].make(weights, cache, download)
