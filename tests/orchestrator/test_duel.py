"""Two contenders against each other: as in the textbook, and as often right as promised."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from orchestrator.leaderboard.duel import Duel, duel, power, seeds_to_decide, step_down

FIRST, SECOND = [1.0, 2, 3, 4], [2.5, 4, 5.1]


def test_difference_interval_and_p_are_welch_s():
    found = duel(FIRST, SECOND, higher_is_better=False)
    theirs = ttest_ind(FIRST, SECOND, equal_var=False)
    interval = theirs.confidence_interval()
    assert found.p == pytest.approx(theirs.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.difference == pytest.approx(2.5 - 11.6 / 3)
    assert not found.decided


def test_turning_the_pair_or_the_direction_round_turns_the_answer_round():
    found, turned = duel(FIRST, SECOND, higher_is_better=False), duel(SECOND, FIRST, higher_is_better=False)
    assert (turned.difference, turned.low, turned.high) == pytest.approx((-found.difference, -found.high, -found.low))
    assert found.beats > 0.5
    assert turned.beats == pytest.approx(1 - found.beats)
    assert duel(FIRST, SECOND, higher_is_better=True).beats == pytest.approx(1 - found.beats)
    assert turned.p == pytest.approx(found.p)


def test_equal_means_beat_each_other_every_second_time():
    assert duel([1, 2, 3], [0, 2, 4], higher_is_better=False).beats == pytest.approx(0.5)


def test_a_new_seed_is_ahead_as_often_as_foretold_where_any_difference_is_as_likely():
    stream, foretold, ahead = np.random.default_rng(0), [], []
    for shift in stream.normal(0, 10, 800):
        first, second = stream.normal(0, 1, 4), stream.normal(shift, 2, 6)
        foretold.append(duel(first.tolist()[:3], second.tolist()[:5], higher_is_better=False).beats)
        ahead.append(first[-1] < second[-1])
    for least, most in ((0.3, 0.7), (0.7, 0.9), (0.9, 1.0)):
        chosen = (np.array(foretold) > least) & (np.array(foretold) <= most)
        assert np.mean(np.array(ahead)[chosen]) == pytest.approx(np.mean(np.array(foretold)[chosen]), abs=0.08)


@pytest.mark.parametrize(("seeds", "reason"), [([1], "at least 2 seeds"), ([], "at least 2 seeds")])
def test_too_few_seeds_are_not_estimable(seeds, reason):
    found = duel(seeds, [1, 2, 3], higher_is_better=False)
    assert reason in found.reason
    assert (found.p, found.low, found.beats, found.seeds_to_decide) == (None,) * 4


@pytest.mark.parametrize("other", [8.0, 9.0])
def test_seeds_that_do_not_differ_at_all_are_not_estimable(other):
    assert "no seed differs" in duel([8.0] * 3, [other] * 3, higher_is_better=True).reason


@pytest.mark.parametrize(("difference", "seeds"), [(1.0, 17), (0.5, 64), (2.0, 6)])
def test_seeds_to_decide_are_those_of_the_tables_of_cohen(difference, seeds):
    # 17, 64 and 6 a side are the tabled sizes for 80 % power at two-sided 5 %, equal variances.
    assert seeds_to_decide(difference, [1, 1]) == seeds


def test_so_many_seeds_do_decide_eight_times_of_ten():
    needed = seeds_to_decide(1.5, [1.0, 4.0])
    stream = np.random.default_rng(0)
    first, second = stream.normal(0, 1, (4000, needed)), stream.normal(1.5, 2, (4000, needed))
    share = float((ttest_ind(first, second, axis=1, equal_var=False).pvalue < 0.05).mean())
    assert share == pytest.approx(0.8, abs=0.04)
    assert power(1.5, [1.0, 4.0], needed - 1) < 0.8 <= power(1.5, [1.0, 4.0], needed)


def test_no_number_of_seeds_decides_what_does_not_differ():
    assert seeds_to_decide(0.0, [1, 1]) is None


def test_pairs_looked_at_together_are_adjusted_as_holm_does():
    found = step_down([Duel(p=0.03), Duel(reason="not estimable"), Duel(p=0.01), Duel(p=0.04)])
    assert [each.adjusted_p for each in found] == [pytest.approx(0.06), None, pytest.approx(0.03), pytest.approx(0.06)]
    assert [each.decided for each in found] == [False, False, True, False]
    assert math.isclose(step_down([Duel(p=0.9), Duel(p=0.8)])[0].adjusted_p, 1.0)
