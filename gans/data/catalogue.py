"""The catalogue of data sets, and the one door through which a request for data becomes a data set."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..configuration import ConfigError
from .dataset import Dataset, Law, Synthetic
from .laws import Gaussian, Grid, Ring


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of the catalogue: what the data are, and how they are made."""

    summary: str
    paper: str
    make: Callable[[dict[str, Any], Path | None, bool], Dataset]  # parameters, cache, download


def _synthetic(name: str, law: type[Any]) -> Callable[[dict[str, Any], Path | None, bool], Dataset]:
    def make(parameters: dict[str, Any], cache: Path | None, download: bool) -> Dataset:  # noqa: ARG001
        known = [field.name for field in fields(law)]
        _refuse_unknown(name, parameters, known)
        chosen: Law = law(**parameters)
        return Synthetic(name=name, law=chosen)

    return make


def _refuse_unknown(name: str, parameters: dict[str, Any], known: list[str]) -> None:
    if unknown := [key for key in parameters if key not in known]:
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise ConfigError(f"data {name!r} have no parameter {unknown[0]!r}; {has}")


DATASETS: dict[str, Entry] = {
    "ring8": Entry(
        summary="8 round Gaussians on a circle: radius 2, std 0.1 (others take radius 1, std 0.01: give `radius` and `std`).",
        paper="paired-discriminator benchmark, 2026; PacGAN (Lin et al., 2018) for the narrow one",
        make=_synthetic("ring8", Ring),
    ),
    "grid25": Entry(
        summary="5 x 5 round Gaussians: spacing 1.5, std 0.1 (others take spacing 2, std 0.05: give `spacing` and `std`).",
        paper="paired-discriminator benchmark, 2026; PacGAN (Lin et al., 2018) for the narrow one",
        make=_synthetic("grid25", Grid),
    ),
    "gaussian1d": Entry(
        summary="One Gaussian on the line, the example of the first GAN paper: mean 4, std 0.5.",
        paper="Goodfellow et al., 2014",
        make=_synthetic("gaussian1d", Gaussian),
    ),
}


def load(spec: str | dict[str, Any], *, cache: Path | None = None, download: bool = False) -> Dataset:
    """The data set that `spec` names: a name, `{"name": ..., parameters}`, `{"images": ...}` or `{"npz": ...}`."""
    parameters = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = parameters.pop("name", None)
    if name not in DATASETS:
        raise ConfigError(f"there are no data {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name].make(parameters, cache, download)
