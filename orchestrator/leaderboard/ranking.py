"""Ranks that a person may rely on: for each contender the ranks that its seeds cannot rule out, for all at once.

Confidence sets for ranks (Mogstad, Romano, Shaikh and Wilhelm, 2024): test every pair in both directions by Welch's
statistic, stepping down as Holm does. Who is surely better than a contender pushes its best rank down, who is surely
worse its worst rank up. With probability 95 % every set holds its true rank; contenders that are truly equal share
all the ranks among them.

The reference law is Student's t with the fewer seeds less one as degrees of freedom, at which no ratio of variances
makes the test reject too often (Mickey and Brown, 1966). Welch's own degrees of freedom do, far out in the tails
where many comparisons are decided: `tests/benchmarks/results/board_coverage.md`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
ROUNDING = 1e-12


def rank_sets(samples: Sequence[Sequence[float]], *, higher_is_better: bool = False) -> list[tuple[int, int]]:
    """Return the best and the worst rank that each contender may have, from the scores of its seeds."""
    if not samples:
        return []
    beaten = better(samples, higher_is_better=higher_is_better)
    return [
        (1 + int(by), len(samples) - int(over)) for by, over in zip(beaten.sum(axis=0), beaten.sum(axis=1), strict=True)
    ]


def better(samples: Sequence[Sequence[float]], *, higher_is_better: bool = False) -> NDArray[np.bool_]:
    """Return the matrix that says whether contender [row] is surely better than contender [column]."""
    sign = -1 if higher_is_better else 1
    counts = np.array([len(sample) for sample in samples])
    means = np.array([sign * np.mean(sample) for sample in samples])
    squared_errors = np.array([np.var(sample, ddof=1) for sample in samples]) / counts
    return holm(_doubts(means, squared_errors, counts), 1 - LEVEL)


def holm(doubts: NDArray[np.float64], alpha: float) -> NDArray[np.bool_]:
    """Return which of the p-values [row, column] off the diagonal are small enough, for all of them at once."""
    contenders = len(doubts)
    family = contenders * (contenders - 1)
    # Of a pair at most one direction is rejected, so no threshold ever comes to be larger than this one.
    rows, columns = np.nonzero((doubts <= alpha / (family / 2 + 1)) & ~np.eye(contenders, dtype=bool))
    order = np.argsort(doubts[rows, columns], kind="stable")
    passed = doubts[rows, columns][order] <= alpha / (family - np.arange(len(order)))
    kept = order[: len(order) if passed.all() else int(np.argmin(passed))]
    rejected = np.zeros_like(doubts, dtype=bool)
    rejected[rows[kept], columns[kept]] = True
    return rejected


def _doubts(
    means: NDArray[np.float64], squared_errors: NDArray[np.float64], counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the p-values [row, column] of the claim that the row's true mean is below the column's."""
    from scipy.special import stdtr

    gaps = means[:, None] - means[None, :]
    errors = np.sqrt(squared_errors[:, None] + squared_errors[None, :])
    # Where neither varies beyond rounding there is nothing to measure the gap by, so it tells nothing.
    sizes = np.abs(means)[:, None] + np.abs(means)[None, :]
    statistics = np.divide(gaps, errors, out=np.zeros_like(gaps), where=errors > ROUNDING * sizes)
    doubts: NDArray[np.float64] = stdtr(np.minimum(counts[:, None], counts[None, :]) - 1.0, statistics)
    return doubts
