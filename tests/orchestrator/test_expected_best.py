"""The best to expect of so many draws: worked out by hand, against every subset, and where the truth is known."""

import math
from itertools import combinations
from statistics import NormalDist, fmean

import numpy as np
import pytest

from orchestrator.leaderboard.expected_best import chance_to_be_best, expected_best

COSTS = {"images": [10.0, 20.0, 30.0, 40.0]}


def test_the_curve_of_four_draws_is_the_one_worked_out_by_hand():
    one, two = expected_best([4.0, 1.0, 3.0, 2.0], COSTS, higher_is_better=False)
    # Of six pairs the best is 1 in three, 2 in two, and 3 in one: (3 + 4 + 3) / 6.
    assert (one.draws, one.expected, one.median, one.costs) == (1, 2.5, 2.0, {"images": 25.0})
    assert (two.draws, two.expected, two.median, two.costs) == (2, pytest.approx(10 / 6), 1.0, {"images": 50.0})
    # Four draws all miss the median's upper side with probability 1/16, which is more than 0.0125.
    assert (one.low, one.high, two.low) == (None, None, None)
    # The median of the best of two is the quantile 0.29: three of four draws lie below it with probability 0.079, and
    # all four with 0.0074.
    assert two.high == 4.0


def test_where_more_is_better_the_curve_is_turned_upside_down():
    scores = [4.0, 1.0, 3.0, 2.0]
    lower = expected_best(scores, COSTS, higher_is_better=False)
    higher = expected_best([-score for score in scores], COSTS, higher_is_better=True)
    assert [(p.expected, p.median, p.low, p.high) for p in higher] == [
        tuple(None if each is None else -each for each in (p.expected, p.median, p.high, p.low)) for p in lower
    ]


@pytest.mark.parametrize("scores", [[3.0, 1.0, 4.0, 1.5, 9.0, 2.6, 5.0], [1.0, 1.0, 2.0, 2.0]])
def test_it_is_the_mean_of_the_best_over_all_subsets(scores):
    for point in expected_best(scores, {}, higher_is_better=False):
        assert point.expected == pytest.approx(fmean(map(min, combinations(scores, point.draws))))


def test_draws_without_a_score_are_worse_than_all_and_cost_what_they_used():
    scores = [3.0, None, 1.0, None, None, 2.0]
    points = expected_best(scores, {"images": [9.0, 3, 9, 3, 3, 9]}, higher_is_better=False)
    for point in points:
        best = [[each for each in subset if each is not None] for subset in combinations(scores, point.draws)]
        found = [min(each) for each in best if each]
        assert point.scored == pytest.approx(len(found) / len(best))
        assert point.expected == pytest.approx(fmean(found))
        assert point.costs == {"images": 6.0 * point.draws}
    assert points[0].median is None or points[0].median == 3.0
    assert points[0].high is None  # half of the draws came to nothing, so nothing bounds a single one


def test_it_ends_at_half_of_the_draws_and_a_long_one_is_told_at_some_points():
    assert [len(expected_best([1.0] * n, {}, higher_is_better=False)) for n in (0, 1, 2, 9)] == [0, 0, 1, 4]
    long = expected_best(list(np.arange(1000.0)), {}, higher_is_better=False)
    assert len(long) <= 64
    assert (long[0].draws, long[-1].draws) == (1, 500)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (7, 1), (7, 3), (7, 7), (300, 150)])
def test_chances_are_those_of_counting(n, k):
    counted = [math.comb(n - 1 - i, k - 1) / math.comb(n, k) for i in range(n)]
    assert chance_to_be_best(n, k) == pytest.approx(counted, abs=1e-14)


def test_the_whole_band_holds_the_median_as_often_as_promised():
    stream, repeats, covered = np.random.default_rng(0), 200, 0
    for _ in range(repeats):
        points = expected_best(stream.lognormal(size=24).tolist(), {}, higher_is_better=False)
        truth = [math.exp(NormalDist().inv_cdf(1 - 0.5 ** (1 / point.draws))) for point in points]
        covered += all(
            (point.low is None or point.low <= median) and (point.high is None or median <= point.high)
            for point, median in zip(points, truth, strict=True)
        )
    assert covered >= 0.95 * repeats
    assert points[0].low is not None
    assert points[-1].high is not None


def test_the_estimate_is_unbiased_where_a_plug_in_is_not():
    stream, k, n = np.random.default_rng(1), 4, 8
    draws = stream.exponential(size=(2000, n))
    ours = [expected_best(row.tolist(), {}, higher_is_better=False)[k - 1].expected for row in draws]
    # The best of four exponentials has the mean 1/4; the best of four with replacement is another law's.
    assert np.mean(ours) == pytest.approx(1 / k, abs=4 * np.std(ours) / math.sqrt(len(ours)))
    ordered = np.sort(draws, axis=1)
    left = 1 - np.arange(n + 1) / n
    plug_in = ordered @ (left[:-1] ** k - left[1:] ** k)
    assert np.mean(plug_in) > 1 / k + 10 * np.std(plug_in) / math.sqrt(len(plug_in))
