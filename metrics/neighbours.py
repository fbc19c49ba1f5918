"""Scores from nearest neighbours among features, block by block: never a matrix of all pairs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from metrics.errors import TooFewSamplesError, UnfitError
from metrics.features import Features
from metrics.intervals import FEWEST, jackknife
from metrics.judge import Judge, pooled
from metrics.reference import Reference
from metrics.score import Score, Scores

NEIGHBOURS = 5  # of the paper's experiments
BLOCK = 1024
# Fewer covered reals than this, or fewer that are not, and the jackknife sees no spread where there is some.
RARE = 5


@dataclass(frozen=True)
class Neighbourhoods:
    """Real samples [M, D], each with a ball that reaches to its nearest real neighbours [M]."""

    centres: Tensor
    radii: Tensor

    @classmethod
    def of(cls, real: Tensor, neighbours: int = NEIGHBOURS) -> Self:
        """A sample is its own nearest neighbour, hence the + 1."""
        if len(real) <= neighbours:
            raise TooFewSamplesError(
                f"{neighbours} neighbours need more than {neighbours} real samples, not {len(real)}"
            )
        nearest = [distances[:, -1] for distances, _ in _nearest(real, real, neighbours + 1)]
        return cls(real, torch.cat(nearest))


def coverage(real: Neighbourhoods, generated: Tensor) -> Tensor:
    """Share of real samples whose ball holds a generated one (Naeem et al., 2020)."""
    closest = torch.cat([distances[:, 0] for distances, _ in _nearest(real.centres, generated, 1)])
    return (closest < real.radii).double().mean()


def without_each(real: Neighbourhoods, generated: Tensor) -> Tensor:
    """The coverage without each generated sample in turn [N]: a ball is lost with the only sample that it holds."""
    first, lonely = [], []
    for (distances, places), radii in zip(
        _nearest(real.centres, generated, 2), torch.split(real.radii, BLOCK), strict=True
    ):
        held = distances < radii[:, None]
        lonely.append(held[:, 0] & ~held[:, 1])
        first.append(places[:, 0])
    lost = torch.cat(first)[torch.cat(lonely)].bincount(minlength=len(generated))
    return coverage(real, generated) - lost / len(real.centres)


def _nearest(queries: Tensor, points: Tensor, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Distances to the nearest `count` points, ascending, and their places, for one block of queries after another.

    They are found through |x|^2 + |y|^2 - 2 xy in float64, twenty times faster than pair by pair at 2048 dimensions,
    and then measured anew pair by pair: a copy is at distance 0 exactly, which float32's shortcut misses by 0.2.
    """
    queries, points = queries.double(), points.double()
    middle = points.mean(0)
    queries, points = queries - middle, points - middle
    lengths = points.square().sum(1)
    for block in torch.split(queries, BLOCK):
        places = _closest(block, points, lengths, count)
        exact = torch.stack([(block - points[place]).square().sum(1) for place in places.T], 1).sqrt()
        distances, order = exact.sort(1)
        yield distances, places.gather(1, order)


def _closest(block: Tensor, points: Tensor, lengths: Tensor, count: int) -> Tensor:
    best = block.new_empty(len(block), 0)
    places = torch.empty(len(block), 0, dtype=torch.int64, device=block.device)
    for start in range(0, len(points), BLOCK):
        near = torch.addmm(lengths[start : start + BLOCK], block, points[start : start + BLOCK].T, alpha=-2)
        values, found = near.topk(min(count, near.shape[1]), dim=1, largest=False)
        best, places = torch.cat([best, values], 1), torch.cat([places, found + start], 1)
        best, kept = best.topk(min(count, best.shape[1]), dim=1, largest=False)
        places = places.gather(1, kept)
    return places


class Coverage(Judge):
    """`coverage` over a stream of feature batches, against real batches or a finished reference."""

    higher_is_better = True
    real: list[Tensor]
    generated: list[Tensor]
    reference_centres: Tensor | None
    reference_radii: Tensor | None

    def __init__(
        self, neighbours: int = NEIGHBOURS, *, reference: Neighbourhoods | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.neighbours = neighbours
        self.add_state("real", [], dist_reduce_fx="cat")
        self.add_state("generated", [], dist_reduce_fx="cat")
        self.register_buffer("reference_centres", reference.centres if reference else None, persistent=False)
        self.register_buffer("reference_radii", reference.radii if reference else None, persistent=False)

    @classmethod
    def against(cls, reference: Reference, /) -> Self:
        return cls(reference=Neighbourhoods(**reference.part("neighbourhoods")))

    def update(self, features: Features | Tensor, *, real: bool = False) -> None:
        """Take a batch of pooled features [N, D] into one side."""
        if real and self.reference_centres is not None:
            raise UnfitError("this coverage is measured against a finished reference; make one without to add reals")
        width = None if self.reference_centres is None else self.reference_centres.shape[1]
        (self.real if real else self.generated).append(self.checked(pooled(features), real=real, width=width))

    def compute(self) -> Tensor:
        """The share of covered reals, a float64 scalar."""
        return coverage(self._reals(), self._generated())

    def verdict(self, features: Features, /) -> Scores:
        real, value, interval = self._reals(), float(self.compute()), None
        covered = round(value * len(real.centres))
        if features.count >= FEWEST and min(covered, len(real.centres) - covered) >= RARE:
            interval = jackknife(value, without_each(real, features.pooled), low=0.0, high=1.0)
        return Scores(scores={"coverage": Score.of(value, interval, higher_is_better=True)})

    def _generated(self) -> Tensor:
        generated = dim_zero_cat(self.generated) if len(self.generated) else torch.empty(0)
        if not len(generated):
            raise TooFewSamplesError("coverage needs at least one generated sample, but there are none")
        return generated

    def _reals(self) -> Neighbourhoods:
        if self.reference_centres is not None and self.reference_radii is not None:
            return Neighbourhoods(self.reference_centres, self.reference_radii)
        return Neighbourhoods.of(dim_zero_cat(self.real) if len(self.real) else torch.empty(0, 1), self.neighbours)
