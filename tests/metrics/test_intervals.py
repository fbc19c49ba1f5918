"""Intervals: the numbers of the textbooks, and nothing where there is too little to say."""

import math

import pytest
import torch
from scipy.stats import binom

from metrics.intervals import (
    FEW_HITS,
    dependent_share,
    jackknife,
    log_jackknife,
    mid_p,
    occupancy_jackknife,
    stretched,
    student,
    wilson,
)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (989, 1000, 0.9804, 0.9938)],
)
def test_wilson_gives_the_published_intervals(hits, count, low, high):
    assert wilson(hits, count) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(("hits", "count"), [(0, 10), (1, 20), (5, 10), (989, 1000), (9999, 10_000), (50, 50)])
def test_mid_p_leaves_a_fortieth_beyond_either_end(hits, count):
    low, high = mid_p(hits, count)
    as_many = binom.pmf(hits, count, [low, high]) / 2
    beyond = binom.sf(hits, count, low) + as_many[0], binom.cdf(hits - 1, count, high) + as_many[1]
    assert beyond[0] == pytest.approx(0.025, abs=1e-6) if hits else low == 0
    assert beyond[1] == pytest.approx(0.025, abs=1e-6) if hits < count else high == 1


@pytest.mark.parametrize("share", [0.66, 0.725, 0.88, 0.935, 0.983])
def test_mid_p_holds_a_share_as_often_as_it_says(share):
    intervals = [mid_p(hits, 200) for hits in range(201)]
    held = sum(binom.pmf(hits, 200, share) for hits, (low, high) in enumerate(intervals) if low <= share <= high)
    assert 0.94 < held < 0.97


def test_the_jackknife_of_a_mean_is_its_standard_error_times_students_t():
    values = torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64).sign()
    mean = values.mean().item()
    low, high = jackknife(mean, (values.sum() - values) / 49)
    assert (high - low) / 2 == pytest.approx(2.0096 * values.std().item() / 50**0.5, rel=1e-2)
    assert (high + low) / 2 == pytest.approx(mean)


def test_a_sample_that_outweighs_the_others_leaves_the_error_unsure():
    values = torch.linspace(-1, 1, 50, dtype=torch.float64)
    values[-1] = 20
    mean = values.mean().item()
    low, high = jackknife(mean, (values.sum() - values) / 49)
    assert (high - low) / 2 > 1.5 * 2.0096 * values.std().item() / 50**0.5


@pytest.mark.parametrize(("degrees", "reach"), [(3, 3.1824), (5, 2.5706), (49, 2.0096), (float("inf"), 1.95996)])
def test_students_t_is_that_of_the_tables(degrees, reach):
    assert student(degrees) == pytest.approx(reach, rel=2e-3)


def test_a_share_of_samples_whose_worth_is_estimated_reaches_further():
    assert wilson(50, 100, reach=student(10))[1] == pytest.approx(0.6087, abs=1e-4)


@pytest.mark.parametrize(("hits", "alone"), [(FEW_HITS - 1, True), (3, True), (2 * FEW_HITS, False)])
def test_with_few_hits_wilsons_low_end_is_missed_too_often_by_itself(hits, alone):
    low = wilson(hits, 10_000)[0]
    assert (binom.sf(hits - 1, 10_000, low) > 0.048) == alone


@pytest.mark.parametrize(
    ("share", "low", "high"), [(0.0, 0, 0.0370), (0.09, 0, 0.1622), (0.5, 0.4038, 0.5962), (0.98, 0.9300, 1)]
)
def test_few_dependent_hits_are_no_evidence_against_none(share, low, high):
    assert dependent_share(share, 100, math.inf) == pytest.approx((low, high), abs=1e-4)


def test_the_scale_of_the_logarithm_changes_little_where_the_error_is_small():
    left_out = 100 + torch.linspace(-0.01, 0.01, 50, dtype=torch.float64)
    assert log_jackknife(100.0, left_out) == pytest.approx(jackknife(100.0, left_out), rel=1e-4)
    low, high = log_jackknife(1.0, left_out - 99)
    assert 0 < low < 1 < high


@pytest.mark.parametrize(("bias", "given"), [(0.38, True), (0.42, False), (-0.42, False)])
def test_a_value_that_is_mostly_bias_has_no_interval(bias, given):
    left_out = 1 + bias / 49 + torch.linspace(-0.001, 0.001, 50, dtype=torch.float64)
    assert (log_jackknife(1.0, left_out) is not None) == given


@pytest.mark.parametrize(("bias", "given"), [(0.27, True), (0.30, False)])
def test_against_few_reals_bias_may_be_less_of_the_value(bias, given):
    left_out = 1 + bias / 49 + torch.linspace(-0.001, 0.001, 50, dtype=torch.float64)
    assert (log_jackknife(1.0, left_out, reals=50) is not None) == given


def test_a_value_that_chance_may_have_lifted_above_its_bias_has_no_interval():
    spread = torch.linspace(-1, 1, 50, dtype=torch.float64)
    assert log_jackknife(1.0, 1 + 0.2 / 49 + 0.01 * spread)
    assert log_jackknife(1.0, 1 + 0.2 / 49 + 0.1 * spread) is None
    assert log_jackknife(1e-10, 1e-5 * (spread + 2)) is None  # next to 0, where the error is of another size


def test_a_share_of_boxes_is_not_counted_more_than_once():
    # Of 100 boxes, from rare to frequent, how many get one of 200 samples: the jackknife has twice the variance.
    random = torch.Generator().manual_seed(0)
    chances = -torch.rand(100, generator=random, dtype=torch.float64).log()
    shares, plain, less = [], [], []
    for _ in range(300):
        places = torch.multinomial(chances, 200, replacement=True, generator=random)
        number = places.bincount(minlength=100)
        share = (number > 0).double().mean().item()
        left_out = share - (number[places] == 1) / 100
        low, high = occupancy_jackknife(share, left_out, float((number == 2).sum()) / 100**2, balls=100)
        shares.append(share)
        less.append(math.log(share / low) * share / student(199))
        low, high = jackknife(share, left_out)
        plain.append((high - low) / 2 / student(199))
    true = torch.tensor(shares).var().item()
    plain, less = (torch.tensor(errors).square().mean().item() for errors in (plain, less))
    assert plain > 1.5 * true
    assert 0.9 * true < less < 1.35 * true  # Student's t among it


def test_boxes_of_which_none_hangs_on_one_sample_are_unsure_by_one():
    low, high = occupancy_jackknife(1.0, torch.ones(100), 0.0, balls=50)
    assert high == 1
    assert low == pytest.approx(math.exp(-student(99) / 50))


def test_an_interval_that_is_stretched_reaches_as_far_in_ratio():
    low, high = stretched(2.0, 0.5)
    assert (low, high) == pytest.approx((2 * math.exp(-0.25), 2 * math.exp(0.25)))


def test_what_pairs_tell_is_told_once():
    left_out = 100 + torch.linspace(-0.01, 0.01, 50, dtype=torch.float64)
    pairs = (left_out - 100).square().sum().item() / 2
    wide, narrow = log_jackknife(100.0, left_out), log_jackknife(100.0, left_out, pairs=pairs)
    assert narrow[1] - narrow[0] == pytest.approx((wide[1] - wide[0]) * 3 ** (-1 / 8), rel=1e-4)


def test_an_interval_is_cut_to_where_the_score_can_lie():
    left_out = torch.linspace(0.7, 1.1, 50, dtype=torch.float64)
    assert jackknife(0.95, left_out, low=0.0, high=1.0) == (0.0, 1.0)


@pytest.mark.parametrize("count", [0, 1, 19])
def test_few_samples_give_no_interval(count):
    assert jackknife(1.0, torch.ones(count)) is None
    assert log_jackknife(1.0, torch.ones(count)) is None
    assert occupancy_jackknife(1.0, torch.ones(count), 0.0, balls=50) is None
