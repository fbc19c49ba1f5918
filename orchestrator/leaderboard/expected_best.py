"""What a search of so many random draws would have found: the expected best against the budget spent.

`expected` is the mean of the best over all subsets of k of the n draws, which is unbiased for k independent draws;
beyond half of the draws it rests on too few of them, so there it ends. The band is that of the median of the best of
k: order statistics, by the binomial law, for all points at once with 95 % confidence and whatever the scores' law; an
end that the draws cannot bound is null. A draw that came to no score counts as worse than all others, and costs what
it used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
MOST_POINTS = 64


@dataclass(frozen=True, kw_only=True)
class Point:
    """The best of `draws` contenders."""

    draws: int
    costs: Mapping[str, float]
    """What so many draws cost on average, in each unit."""
    scored: float
    """How likely at least one of them came to a score at all; `expected` is the mean where one did."""
    expected: float | None
    median: float | None
    low: float | None
    high: float | None
    """The interval of the median."""


def expected_best(
    scores: Sequence[float | None], costs: Mapping[str, Sequence[float]], *, higher_is_better: bool
) -> list[Point]:
    """Return the curve for contenders that were drawn independently of each other; None is one without a score."""
    sign = -1 if higher_is_better else 1
    best_first = np.sort([np.inf if score is None else sign * score for score in scores])
    mean_costs = {unit: float(np.mean(spent)) for unit, spent in costs.items() if len(spent)}
    counts = _counts(len(scores) // 2)
    return [_point(k, best_first, mean_costs, len(counts), sign) for k in counts]


def _counts(most: int) -> list[int]:
    """Return numbers of draws up to `most`: all of them, or as many as a curve needs."""
    if most <= MOST_POINTS:
        return list(range(1, most + 1))
    return sorted({round(float(each)) for each in np.geomspace(1, most, MOST_POINTS)})


def _point(k: int, best_first: NDArray[np.float64], costs: Mapping[str, float], points: int, sign: int) -> Point:
    chances = chance_to_be_best(len(best_first), k)
    finite = np.isfinite(best_first)
    scored = 1.0 if finite.all() else float(chances[finite].sum())
    expected = float((chances[finite] * best_first[finite]).sum() / scored) if scored > 0 else None
    median = best_first[min(int(np.searchsorted(np.cumsum(chances), 0.5 - 1e-12)), len(best_first) - 1)]
    better, worse = _median_bounds(best_first, k, (1 - LEVEL) / 2 / points)
    low, high = (better, worse) if sign > 0 else (worse, better)
    return Point(
        draws=k,
        costs={unit: k * cost for unit, cost in costs.items()},
        scored=scored,
        expected=None if expected is None else sign * expected,
        median=sign * float(median) if np.isfinite(median) else None,
        low=None if low is None else sign * low,
        high=None if high is None else sign * high,
    )


def chance_to_be_best(n: int, k: int) -> NDArray[np.float64]:
    """Return for each of n, the best first, the share of subsets of size k whose best it is.

    For the one that i are better than, that is C(n-1-i, k-1) / C(n, k).
    """
    ranks = np.arange(n - 1)
    steps = np.maximum(n - k - ranks, 0) / (n - 1 - ranks)
    chances: NDArray[np.float64] = k / n * np.concatenate([[1.0], np.cumprod(steps)])
    return chances


def _median_bounds(best_first: NDArray[np.float64], k: int, alpha: float) -> tuple[float | None, float | None]:
    """Return draws between which the median of the best of k lies, each side missed with probability `alpha`.

    The best of k is below x with probability 1 - (1 - F(x))^k, so its median is the quantile q of a single draw, and
    how many of n draws lie below that is binomial.
    """
    from scipy.special import bdtr

    n, q = len(best_first), 1 - 0.5 ** (1 / k)
    at_most = bdtr(np.arange(n), n, q)  # the probability that at most r draws lie below
    certain = int((at_most <= alpha).sum())
    enough = int((1 - at_most > alpha).sum())
    better = float(best_first[certain - 1]) if certain else None
    worse = float(best_first[enough]) if enough < n and np.isfinite(best_first[enough]) else None
    return better if better is None or np.isfinite(better) else None, worse
