"""Intervals: the numbers of the textbooks, and nothing where there is too little to say."""

import pytest
import torch

from metrics.intervals import jackknife, root_jackknife, wilson


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (989, 1000, 0.9804, 0.9938)],
)
def test_wilson_gives_the_published_intervals(hits, count, low, high):
    assert wilson(hits, count) == pytest.approx((low, high), abs=1e-4)


def test_the_jackknife_of_a_mean_is_its_standard_error_times_students_t():
    values = torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mean = values.mean().item()
    low, high = jackknife(mean, (values.sum() - values) / 49)
    assert (high - low) / 2 == pytest.approx(2.0096 * values.std().item() / 50**0.5, rel=1e-3)
    assert (high + low) / 2 == pytest.approx(mean)


def test_the_scale_of_the_root_changes_little_far_from_zero_and_stays_positive_near_it():
    left_out = 100 + torch.linspace(-0.01, 0.01, 50, dtype=torch.float64)
    assert root_jackknife(100.0, left_out) == pytest.approx(jackknife(100.0, left_out), rel=1e-4)
    low, high = root_jackknife(0.01, left_out)
    assert 0 <= low < 0.01 < high


def test_an_interval_is_cut_to_where_the_score_can_lie():
    left_out = torch.linspace(0.7, 1.1, 50, dtype=torch.float64)
    assert jackknife(0.95, left_out, low=0.0, high=1.0) == (0.0, 1.0)


@pytest.mark.parametrize("count", [0, 1, 19])
def test_few_samples_give_no_interval(count):
    assert jackknife(1.0, torch.ones(count)) is None
    assert root_jackknife(1.0, torch.ones(count)) is None
