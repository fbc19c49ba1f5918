"""Distances between many points, one strip of pairs after another: never a matrix of all of them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

# Rows of one product of matrices, which likes to be large.
BLOCK = 1024
# Pairs that are looked at together, and numbers that are measured together: what the cache of a core holds.
PAIRS = 2**19
NUMBERS = 2**18
# Up to this many dimensions float64 costs nothing, and points may lie closer together than float32 can tell.
NARROW = 64
# How many candidates more than are wanted float32 hands to the exact measurement.
SPARE = 4


@dataclass(frozen=True)
class Points:
    """Rows [N, D] as they came, and moved to a common middle for |x|^2 + |y|^2 - 2 xy, twenty times faster than pairs.

    That shortcut runs in float32 where there are many dimensions. It only ever proposes: what is closer to a decision
    than its rounding errors is measured pair by pair in float64, so that a copy is at distance 0 exactly.
    """

    rows: Tensor
    quick: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, rows: Tensor, *, middle: Tensor, dtype: torch.dtype | None = None) -> Self:
        """Both sides of a comparison need the same middle."""
        dtype = dtype or (torch.float64 if rows.shape[1] <= NARROW else torch.float32)
        quick = (rows.double() - middle).to(dtype)
        return cls(rows, quick, quick.square().sum(1))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: slice | Tensor) -> "Points":
        return Points(self.rows[rows], self.quick[rows], self.lengths[rows])

    def squared(self, other: "Points") -> Tensor:
        """The squared distances of all pairs [N, M], right to a slack."""
        products = torch.addmm(other.lengths, self.quick, other.quick.T, alpha=-2)
        return products.add_(self.lengths[:, None])

    def slack(self, other: "Points") -> Tensor:
        """More than the shortcut can be wrong by, in squared distance, for each of these points [N, 1]."""
        unit = 4 * math.sqrt(self.quick.shape[1]) * torch.finfo(self.quick.dtype).eps
        return unit * (self.lengths.sqrt() + other.lengths.max().sqrt()).square()[:, None]

    def measured(self, mine: Tensor, other: "Points", theirs: Tensor) -> Tensor:
        """The distance of every named pair, in float64."""
        some = max(1, NUMBERS // self.rows.shape[1])
        parts = zip(torch.split(mine, some), torch.split(theirs, some), strict=True)
        return torch.cat([(self.rows[i].double() - other.rows[j].double()).square().sum(1).sqrt() for i, j in parts])


@dataclass(frozen=True)
class Strip:
    """A block of points against all others: squared distances [B, N], right to a slack [B, 1]."""

    block: Points
    others: Points
    squared: Tensor

    def within(self, radii: Tensor) -> Tensor:
        """Which pairs are closer than a radius [N] of the others, or [B, 1] of the block."""
        gap = self.squared - radii.square().to(self.squared)
        inside = gap < 0
        mine, theirs = (gap.abs_() < self.block.slack(self.others)).nonzero(as_tuple=True)
        if len(mine):
            inside[mine, theirs] = (
                self.block.measured(mine, self.others, theirs) < radii.expand_as(gap)[mine, theirs].double()
            )
        return inside


def strips(queries: Points, others: Points) -> Iterator[Strip]:
    """All pairs: multiplied a block of queries at a time, handed out in strips that the cache holds."""
    some = max(1, PAIRS // len(others))
    for start in range(0, len(queries), BLOCK):
        block = queries[start : start + BLOCK]
        for row, squared in enumerate(torch.split(block.squared(others), some)):
            yield Strip(block[row * some : (row + 1) * some], others, squared)


def nearest(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Distances from each row to its nearest `count`, itself the first of them, and their places, both [N, count].

    Rows that lie too close together for float32 are asked again in float64, and for that too pair by pair.
    """
    middle, taken = rows.double().mean(0), min(count + SPARE, len(rows))
    points = Points.of(rows, middle=middle)
    distances, places, doubtful = _settled(points, points, *candidates(points, taken), count)
    if not len(doubtful):
        return distances, places
    precise = Points.of(rows, middle=middle, dtype=torch.float64)
    for again in torch.split(doubtful, BLOCK):
        block = precise[again]
        found = block.squared(precise).topk(taken, dim=1, largest=False)
        distances[again], places[again], left = _settled(block, precise, *found, count)
        everyone = torch.arange(len(rows), device=rows.device)
        for row in again[left].tolist():
            exact = points.measured(torch.full_like(everyone, row), points, everyone).topk(count, largest=False)
            distances[row], places[row] = exact.values, exact.indices
    return distances, places


def _settled(
    block: Points, others: Points, squared: Tensor, places: Tensor, count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The nearest `count` of the candidates, measured, and the rows for which one that was left out may be nearer."""
    mine = torch.arange(len(block), device=places.device)
    distances, order = torch.stack([block.measured(mine, others, place) for place in places.T], 1).sort(1)
    distances, places = distances[:, :count], places.gather(1, order)[:, :count]
    last = distances[:, -1]
    # One that was left out lies beyond the last candidate, less the slack: is that beyond the last one wanted?
    doubtful = (squared[:, -1] - block.slack(others)[:, 0] < last.square()) & (last > 0)
    return distances, places, (doubtful & (squared.shape[1] < len(others))).nonzero()[:, 0]


def candidates(points: Points, count: int) -> tuple[Tensor, Tensor]:
    """Squared distances to the nearest `count` by the shortcut, ascending, and their places.

    Distances are the same both ways: each block meets those after it, and they take what they need from its columns.
    """
    squared = points.lengths.new_full((len(points), count), torch.inf)
    places = torch.zeros_like(squared, dtype=torch.int64)

    def offer(rows: slice, strip: Tensor, first: int) -> None:
        found = strip.topk(min(count, strip.shape[1]), dim=1, largest=False)
        values = torch.cat([squared[rows], found.values], 1)
        kept = values.topk(count, dim=1, largest=False)
        squared[rows] = kept.values
        places[rows] = torch.cat([places[rows], found.indices + first], 1).gather(1, kept.indices)

    for start in range(0, len(points), BLOCK):
        stop = min(start + BLOCK, len(points))
        strip = points[start:stop].squared(points[start:])
        offer(slice(start, stop), strip, start)
        for after in range(stop, len(points), BLOCK):
            columns = strip[:, after - start : after - start + BLOCK]
            offer(slice(after, after + columns.shape[1]), columns.T.contiguous(), start)
    return squared, places
