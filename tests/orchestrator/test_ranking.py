"""Rank sets: worked out by hand, and held to their promise where the truth is known."""

import math

import numpy as np
import pytest

from orchestrator.leaderboard.ranking import holm, rank_sets


def around(*means: float) -> list[list[float]]:
    """Three seeds about each mean, of variance 1, so that a gap has the standard error of the square root of 2/3."""
    return [[mean - 1, mean, mean + 1] for mean in means]


def gap(rejected_at: float) -> float:
    """The gap of two such means whose p-value is exactly this one.

    Student's t of 2 degrees of freedom has the distribution function 1/2 + t / (2 sqrt(2 + t^2)).
    """
    share = (1 - 2 * rejected_at) ** 2
    return math.sqrt(2 * share / (1 - share)) * math.sqrt(2 / 3)


def test_thresholds_by_hand():
    # Of four contenders there are 12 comparisons; Holm asks for 0.05 / 12 first, then 0.05 / 11, and so on.
    assert [round(gap(0.05 / left), 3) for left in (12, 11, 10, 9, 8)] == [8.888, 8.505, 8.104, 7.681, 7.234]


@pytest.mark.parametrize(
    ("means", "sets"),
    [
        # Gaps of 16.9, 16.7, 8.9, 8.7 and 8 pass one threshold each; without stepping down 8.7 and 8 would not.
        ((0, 8, 16.7, 16.9), [(1, 1), (2, 2), (3, 4), (3, 4)]),
        # 7.2 does not reach the fifth threshold, so the first two may change places.
        ((0, 7.2, 16.7, 16.9), [(1, 2), (1, 2), (3, 4), (3, 4)]),
        # 8.8 is the largest gap and does not reach the first threshold, so nothing is known.
        ((0, 8.8, 8.8, 8.8), [(1, 4)] * 4),
        # 8.9 does, three times in a row.
        ((0, 8.9, 8.9, 8.9), [(1, 1), (2, 4), (2, 4), (2, 4)]),
    ],
)
def test_rank_sets_are_those_worked_out_by_hand(means, sets):
    assert rank_sets(around(*means)) == sets
    turned = rank_sets(around(*(-mean for mean in means)), higher_is_better=True)
    assert turned == sets
    assert rank_sets(around(*means), higher_is_better=True) != sets or len(set(sets)) == 1


def test_more_seeds_leave_fewer_ranks_open():
    def widths(count: int) -> list[int]:
        seeds = [[mean + (-1) ** seed for seed in range(count)] for mean in (0, 2, 4)]
        return [high - low for low, high in rank_sets(seeds)]

    assert [widths(count) for count in (4, 8)] == [[1, 2, 1], [0, 0, 0]]


@pytest.mark.parametrize("value", [8.0, 0.1, 1e6 / 3])
def test_contenders_without_any_spread_are_not_told_apart_by_it(value):
    assert rank_sets([[value] * 3, [value * (1 + 1e-15)] * 3, [value + 1] * 3]) == [(1, 3)] * 3


def test_few_contenders_are_no_trouble():
    assert rank_sets([]) == []
    assert rank_sets([[1, 2, 3]]) == [(1, 1)]


def test_holm_stops_at_the_first_that_is_too_large():
    doubts = np.array([[1, 0.05 / 6, 0.9], [0.9, 1, 0.05 / 4], [0.9, 0.0126, 1]])
    # 0.05 / 6 passes, 0.05 / 4 would pass at the third place, and stands at the second.
    assert holm(doubts, 0.05).nonzero() == (0, 1)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("means", [(0, 0, 0, 0, 0, 0), (0, 0, 2, 2, 4, 40)], ids=["all equal", "some equal"])
def test_all_true_ranks_are_covered_at_once_as_often_as_promised(seeds, means):
    stream, repeats = np.random.default_rng(seeds), 300
    spreads = np.geomspace(0.3, 3, len(means))
    best = [1 + sum(other < mean for other in means) for mean in means]
    worst = [sum(other <= mean for other in means) for mean in means]
    covered = 0
    for _ in range(repeats):
        drawn = np.array(means) + spreads * stream.standard_normal((seeds, len(means)))
        sets = rank_sets(drawn.T.tolist())
        covered += all(low <= a and b <= high for (low, high), a, b in zip(sets, best, worst, strict=True))
    assert covered >= 0.95 * repeats
