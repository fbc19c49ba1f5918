"""Distances between two laws from a kernel: the unbiased squared maximum mean discrepancy (Gretton et al., 2012)."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from metrics.collected import Collected
from metrics.features import Features, require_finite
from metrics.intervals import FEWEST, Interval, stretched, student
from metrics.score import Score, Scores

BLOCK = 1024

# As many times the variance of second order must that of first order be, or the law is not near enough to a normal one.
AWAY = 8

Kernel = Callable[[Tensor, Tensor], Tensor]


def cubic(left: Tensor, right: Tensor) -> Tensor:
    """(xy / D + 1)^3 (Binkowski et al., 2018) [N, M]."""
    return torch.addmm(left.new_ones(1), left, right.T, alpha=1 / left.shape[1]).pow_(3)


def gaussian(left: Tensor, right: Tensor, *, bandwidth: Tensor) -> Tensor:
    """exp(-|x - y|^2 / 2 s^2) [N, M]; both sides lie near the origin, or the shortcut loses digits."""
    squared = torch.addmm(right.square().sum(1), left, right.T, alpha=-2) + left.square().sum(1, keepdim=True)
    return squared.clamp_min_(0).div_(-2 * bandwidth.square()).exp_()


@dataclass(frozen=True)
class Sums:
    """Of a kernel over pairs: for each left sample [N], and of all squares."""

    each: Tensor
    squares: Tensor


def across(left: Tensor, right: Tensor, kernel: Kernel) -> Sums:
    """Over all pairs of two sides."""
    return _gathered(kernel(block, right) for block in torch.split(left, BLOCK))


def within(rows: Tensor, kernel: Kernel) -> Sums:
    """Over all pairs of different samples of one side."""
    return _gathered(values for _, values in _others(rows, kernel))


def _others(rows: Tensor, kernel: Kernel) -> Iterator[tuple[int, Tensor]]:
    for start in range(0, len(rows), BLOCK):
        values = kernel(rows[start : start + BLOCK], rows)
        values[:, start : start + BLOCK].fill_diagonal_(0)
        yield start, values


def _gathered(blocks: Iterator[Tensor]) -> Sums:
    each, squares = zip(*((values.sum(1), values.square().sum()) for values in blocks), strict=True)
    return Sums(torch.cat(each), torch.stack(squares).sum())


@dataclass(frozen=True)
class Discrepancy:
    """The value, and the two orders of its variance over draws of the generated side: the second stays at the null."""

    value: float
    count: int
    linear: float
    quadratic: float

    @property
    def interval(self) -> Interval | None:
        """Of the expected value; None near the null, where the second order leads: the law is a skewed sum of squares.

        There it held 89 to 100 times in 100, by the law: ask `same_law` instead. Nor is there one that reaches down to
        0, whatever the orders seem to be: chance makes the first look large in some draws of the same law. The further
        away, the less sure: it reaches as far on the scale of the logarithm.
        """
        if self.count < FEWEST or self.linear <= AWAY * self.quadratic:
            return None
        reach = math.sqrt(self.linear + self.quadratic) * student(self.count - 1)
        return stretched(self.value, reach) if reach < self.value else None


def discrepancy(real: Tensor, generated: Tensor, kernel: Kernel, *, known: Tensor | None = None) -> Discrepancy:
    """MMD^2 without bias: the diagonals are left out; it may be negative.

    Against fixed reals it is their mean over pairs, `known`, plus a U-statistic of the generated samples alone,
    h(y, y') = k(y, y') - g(y) - g(y') with g the mean over reals, whose variance has an unbiased estimate
    (Hoeffding, 1948). The jackknife counts its second order twice.
    """
    real, generated = real.double(), generated.double()
    count = len(generated)
    base = (within(real, kernel).each.sum() if known is None else known) / (len(real) * (len(real) - 1))
    own, g = within(generated, kernel), across(generated, real, kernel).each / len(real)
    require_finite(own.each + g, name="the kernel's values")
    each = own.each - (count - 1) * g - (g.sum() - g)
    pairs = count * (count - 1)
    # sum over i != j of (g_i + g_j)^2 and of k_ij (g_i + g_j)
    squares = own.squares + 2 * (count - 2) * g.square().sum() + 2 * g.sum().square() - 4 * (g * own.each).sum()
    value = each.sum() / pairs
    if count < 4:
        return Discrepancy(float(base + value), count, 0.0, 0.0)
    apart = (each.sum().square() - 4 * each.square().sum() + 2 * squares) / (pairs * (count - 2) * (count - 3))
    first = (each.square().sum() - squares) / (pairs * (count - 2)) - apart
    second = squares / pairs - apart
    return Discrepancy(
        value=float(base + value),
        count=count,
        linear=max(0.0, float(4 * (count - 2) / pairs * first)),
        quadratic=max(0.0, float(2 / pairs * second)),
    )


def same_law(
    real: Tensor, generated: Tensor, kernel: Kernel = cubic, *, permutations: int = 199, seed: int = 0
) -> float:
    """How often relabelled samples are at least as far apart: a p-value of 'same law', exact at any N.

    Every relabelling is a column of signs s, and its discrepancy the quadratic form s' K s: one pass over K for all.
    """
    rows = torch.cat([real, generated]).double()
    random = torch.Generator().manual_seed(seed)
    orders = [torch.arange(len(rows)), *(torch.randperm(len(rows), generator=random) for _ in range(permutations))]
    first = torch.zeros(len(rows), len(orders), dtype=torch.float64)
    for column, order in enumerate(orders):
        first[order[: len(real)], column] = 1
    first, one, two = first.to(rows.device), len(real), len(generated)
    totals = torch.zeros(3, len(orders), dtype=torch.float64, device=rows.device)
    for start, values in _others(rows, kernel):
        mine = first[start : start + BLOCK]
        reach, everyone = values @ first, values.sum(1, keepdim=True)
        totals[0] += (mine * reach).sum(0)
        totals[1] += ((1 - mine) * reach).sum(0)
        totals[2] += ((1 - mine) * (everyone - reach)).sum(0)
    found = totals[0] / (one * (one - 1)) + totals[2] / (two * (two - 1)) - 2 * totals[1] / (one * two)
    return float((found >= found[0] - 1e-12 * found[0].abs()).double().mean())


def in_subsets(
    real: Tensor, generated: Tensor, kernel: Kernel = cubic, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> Tensor:
    """The discrepancy of each of the published 100 pairs of subsets of 1,000; what they spread by is no error bar."""
    random = torch.Generator().manual_seed(seed)
    size = min(size, len(real), len(generated))

    def drawn(rows: Tensor) -> Tensor:
        return rows[torch.randperm(len(rows), generator=random)[:size].to(rows.device)]

    found = [discrepancy(drawn(real), drawn(generated), kernel).value for _ in range(subsets)]
    return torch.tensor(found, dtype=torch.float64)


class KernelDistance(Collected):
    """`discrepancy` with the cubic kernel over all samples: unbiased at any N."""

    higher_is_better = False

    def compute(self) -> Tensor:
        """The distance, a float64 scalar; near 0 it may be negative."""
        return torch.tensor(self._found().value, dtype=torch.float64)

    def verdict(self, _features: Features, /) -> Scores:
        found = self._found()
        score = Score.of(found.value, found.interval, higher_is_better=False)
        return Scores(scores={"kd": score}, floors={"kd": 0.0})

    def _found(self) -> Discrepancy:
        return discrepancy(self.part("rows")["rows"], self.rows(), cubic, known=self.part("cubic")["within"])


class SubsetKernelDistance(Collected):
    """The mean of `in_subsets`, the protocol of the papers: more noise than `kd` for the same expectation."""

    higher_is_better = False

    def compute(self) -> Tensor:
        """The mean over subsets, a float64 scalar."""
        return in_subsets(self.part("rows")["rows"], self.rows()).mean()

    def verdict(self, _features: Features, /) -> Scores:
        score = Score(value=float(self.compute()), higher_is_better=False)
        return Scores(scores={"kd_subsets": score}, floors={"kd_subsets": 0.0})


class GaussianDiscrepancy(Collected):
    """`discrepancy` with a Gaussian kernel as wide as reals are apart: CMMD's statistic in any feature space."""

    higher_is_better = False
    key: ClassVar[str] = "mmd_rbf"

    def compute(self) -> Tensor:
        """The discrepancy, a float64 scalar; near 0 it may be negative."""
        return torch.tensor(self._found().value, dtype=torch.float64)

    def verdict(self, _features: Features, /) -> Scores:
        found = self._found()
        return Scores(
            scores={self.key: Score.of(found.value, found.interval, higher_is_better=False)}, floors={self.key: 0.0}
        )

    def _found(self) -> Discrepancy:
        known, real = self.part("gaussian_kernel"), self.part("rows")["rows"].double()
        middle = real.mean(0)
        kernel = partial(gaussian, bandwidth=known["bandwidth"])
        return discrepancy(real - middle, self.rows().double() - middle, kernel, known=known["within"])


def bandwidth(rows: Tensor, *, most: int = 2000) -> Tensor:
    """The median distance between the first so many rows: a width at which the kernel is neither flat nor a needle."""
    some = rows[:most].double()
    some = some - some.mean(0)
    return torch.pdist(some).median().clamp_min(torch.finfo(torch.float64).tiny ** 0.25)
