"""Distances between many points, one strip of pairs after another: never a matrix of all of them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

BLOCK = 1024
# Up to this many dimensions float64 costs nothing, and points may lie closer together than float32 can tell.
NARROW = 64
# How many candidates more than are wanted float32 hands to the exact measurement.
SPARE = 6
PAIRS = 4096


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
    def of(cls, rows: Tensor, *, middle: Tensor) -> Self:
        """Both sides of a comparison need the same middle."""
        dtype = torch.float64 if rows.shape[1] <= NARROW else torch.float32
        quick = (rows.double() - middle).to(dtype)
        return cls(rows, quick, quick.square().sum(1))

    def __len__(self) -> int:
        return len(self.rows)

    def blocks(self) -> Iterator["Points"]:
        parts = (torch.split(tensor, BLOCK) for tensor in (self.rows, self.quick, self.lengths))
        return (Points(*part) for part in zip(*parts, strict=True))

    def slack(self, other: "Points") -> Tensor:
        """More than the shortcut can be wrong by, in squared distance, for each of these points [N, 1]."""
        unit = 4 * math.sqrt(self.quick.shape[1]) * torch.finfo(self.quick.dtype).eps
        return unit * (self.lengths.sqrt() + other.lengths.max().sqrt()).square()[:, None]

    def measured(self, mine: Tensor, other: "Points", theirs: Tensor) -> Tensor:
        """The distance of every named pair, in float64."""
        parts = zip(torch.split(mine, PAIRS), torch.split(theirs, PAIRS), strict=True)
        return torch.cat([(self.rows[i].double() - other.rows[j].double()).square().sum(1).sqrt() for i, j in parts])


@dataclass(frozen=True)
class Strip:
    """A block of points against all others: squared distances [B, N], right to a slack [B, 1]."""

    block: Points
    others: Points
    squared: Tensor

    @classmethod
    def of(cls, block: Points, others: Points) -> Self:
        products = torch.addmm(others.lengths, block.quick, others.quick.T, alpha=-2)
        return cls(block, others, products.add_(block.lengths[:, None]))

    def within(self, radii: Tensor) -> Tensor:
        """Which pairs are closer than a radius [N] of the others, or [B, 1] of the block."""
        gap = self.squared - radii.square().to(self.squared)
        inside = gap < 0
        mine, theirs = (gap.abs() < self.block.slack(self.others)).nonzero(as_tuple=True)
        if len(mine):
            inside[mine, theirs] = (
                self.block.measured(mine, self.others, theirs) < radii.expand_as(gap)[mine, theirs].double()
            )
        return inside

    def nearest(self, count: int) -> tuple[Tensor, Tensor]:
        """Distances to the nearest `count` of the others, ascending, and their places, both [B, count]."""
        rough = self.squared.dtype != torch.float64
        taken = min(count + SPARE * rough, len(self.others))
        bounds, places = self.squared.topk(taken, dim=1, largest=False)
        distances, places = self._sorted(places)
        if rough and taken < len(self.others):
            # One that was left out lies beyond the last candidate, less the slack: is that beyond the last one wanted?
            doubtful = bounds[:, -1:] - self.block.slack(self.others) < distances[:, [count - 1]].square()
            for row in doubtful[:, 0].nonzero()[:, 0].tolist():
                everyone = torch.arange(len(self.others), device=places.device)
                exact = self.block.measured(torch.full_like(everyone, row), self.others, everyone)
                found = exact.topk(taken, largest=False)
                distances[row], places[row] = found.values, found.indices
        return distances[:, :count], places[:, :count]

    def _sorted(self, places: Tensor) -> tuple[Tensor, Tensor]:
        mine = torch.arange(len(places), device=places.device)
        exact = torch.stack([self.block.measured(mine, self.others, place) for place in places.T], 1)
        distances, order = exact.sort(1)
        return distances, places.gather(1, order)


def strips(queries: Points, others: Points) -> Iterator[Strip]:
    """All pairs, a block of queries at a time."""
    return (Strip.of(block, others) for block in queries.blocks())


def nearest(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Distances from each row to its nearest `count`, itself the first of them, and their places, both [N, count]."""
    points = Points.of(rows, middle=rows.double().mean(0))
    found = [strip.nearest(count) for strip in strips(points, points)]
    return torch.cat([distances for distances, _ in found]), torch.cat([places for _, places in found])
