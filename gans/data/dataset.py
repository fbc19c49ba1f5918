"""What a data set is to the rest: a shape, three fixed disjoint splits, a digest, and the truth where it is known."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
from torch import Tensor

from ..configuration import ConfigError, whole
from ..streams import generator

SPLITS = ("train", "select", "final")
SplitName = Literal["train", "select", "final"]


@dataclass(frozen=True)
class Split:
    """Samples (images: uint8 `[N, C, H, W]`; points: float32 `[N, D]`) and their classes `[N]`, if there are any."""

    samples: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True, eq=False)
class Modes:
    """The known truth of a mixture of equal round Gaussians: a sample within `radius` stds of a centre is valid."""

    centres: Tensor  # [K, D]
    std: float
    radius: float = 3.0


class Dataset(Protocol):
    """Where reals come from."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample: `(dimensions,)`, or `(channels, height, width)`."""

    @property
    def kind(self) -> Literal["points", "images"]:
        """Images are bytes, points are numbers as they are."""

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names that labels count through, if it has labels."""

    @property
    def modes(self) -> Modes | None:
        """The truth, where it is known."""

    @property
    def digest(self) -> str:
        """What two sets share only if they hold the same."""

    def split(self, name: SplitName, count: int | None = None) -> Split:
        """`count` samples of one of the three fixed parts."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Finite:
    """A data set that has an end: three tensors of images or points."""

    name: str
    splits: Mapping[str, Split]
    classes: tuple[str, ...] | None = None
    digest: str = field(init=False)

    modes: None = None

    def __post_init__(self) -> None:
        content = hashlib.sha256()
        for name in SPLITS:
            samples, labels = self.splits[name].samples, self.splits[name].labels
            if len(samples) < 2:
                raise ConfigError(
                    f"the {name} split of {self.name} needs at least 2 samples, but it has {len(samples)}"
                )
            for part in (samples,) if labels is None else (samples, labels):
                content.update(f"{name} {part.dtype} {tuple(part.shape)}".encode())
                content.update(part.contiguous().numpy().tobytes())
        object.__setattr__(self, "digest", content.hexdigest())

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.splits["train"].samples.shape[1:])

    @property
    def kind(self) -> Literal["points", "images"]:
        return "images" if len(self.shape) == 3 else "points"

    def split(self, name: SplitName, count: int | None = None) -> Split:
        """The first `count` of the split, in its fixed shuffled order; all of it by default."""
        if name not in self.splits:
            raise ConfigError(f"there is no split {name!r}; there are {', '.join(SPLITS)}")
        split = self.splits[name]
        if count is None:
            return split
        whole("count", count)
        if count > len(split):
            raise ConfigError(
                f"{self.name} has {len(split)} samples in its {name} split, but {count} were asked for;"
                f" ask for {len(split)} at most or bring more data"
            )
        return Split(split.samples[:count], None if split.labels is None else split.labels[:count])


class Law(Protocol):
    """A distribution one can draw from without an end; a frozen value, so that its description identifies it."""

    @property
    def dimensions(self) -> int:
        """Of a point."""

    @property
    def modes(self) -> Modes | None:
        """The truth, where it is known."""

    def draw(self, count: int, random: torch.Generator) -> Split:
        """So many points, from this generator alone."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Synthetic:
    """A data set without an end: fresh draws from a law, a fixed stream for each split and one for each replica."""

    name: str
    law: Law

    kind: Literal["points", "images"] = "points"
    classes: None = None
    default_count: int = 10_000

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.law.dimensions,)

    @property
    def modes(self) -> Modes | None:
        return self.law.modes

    @property
    def digest(self) -> str:
        text = json.dumps({"law": type(self.law).__name__, **vars(self.law)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def split(self, name: SplitName, count: int | None = None) -> Split:
        """`count` draws (10,000 by default) from the stream that belongs to this split alone."""
        if name not in SPLITS:
            raise ConfigError(f"there is no split {name!r}; there are {', '.join(SPLITS)}")
        count = self.default_count if count is None else count
        whole("count", count)
        return self.law.draw(count, generator(0, "split", name))


def class_shares(dataset: Dataset) -> tuple[float, ...]:
    """The share of every class in the training data; none where they have no labels."""
    if isinstance(dataset, Synthetic):
        labels = dataset.split("train", 1).labels
        number = 0 if labels is None or dataset.modes is None else len(dataset.modes.centres)
        return (1 / number,) * number if number else ()
    labels = dataset.split("train").labels
    if labels is None:
        return ()
    counts = torch.bincount(labels, minlength=len(dataset.classes or ()))
    return tuple((counts / len(labels)).tolist())


def shuffled(samples: Tensor, labels: Tensor | None, sizes: Mapping[str, int], *, seed: int = 0) -> dict[str, Split]:
    """Disjoint splits of the given sizes from one shuffle that is fixed for ever; every class is spread over all."""
    order = torch.randperm(len(samples), generator=generator(seed, "splits"))
    if labels is not None:
        # The i-th of the k members of a class stands at (i + 1/2) / k: every stretch of the order holds its share.
        stands = torch.empty(len(order), dtype=torch.float64)
        for label in torch.unique(labels):
            members = (labels[order] == label).nonzero().squeeze(1)
            stands[members] = (torch.arange(len(members), dtype=torch.float64) + 0.5) / len(members)
        order = order[stands.argsort(stable=True)]
    places = torch.split(order, [*sizes.values(), len(samples) - sum(sizes.values())])
    return {
        name: Split(samples[place], None if labels is None else labels[place])
        for name, place in zip(sizes, places, strict=False)
    }
