"""Moments of a stream: the same however it was cut, and where the textbook's formula has no digits left."""

import pytest
import torch

from metrics.moments import Gaussian, Moments, factor, merge


def rows(count: int, width: int = 6, *, mean: float = 0.0, std: float = 1.0) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return mean + std * torch.randn(count, width, generator=random, dtype=torch.float64)


@pytest.mark.parametrize("sizes", [[100], [1, 99], [99, 1], [50, 0, 50], [1] * 100, [7, 30, 13, 50]])
def test_any_cut_of_the_stream_gives_the_same_moments(sizes):
    whole = Moments.of(rows(100, mean=10))
    parts = sum(map(Moments.of, rows(100, mean=10).split(sizes)), start=Moments.of(rows(0)))
    assert parts.count == 100
    torch.testing.assert_close(parts.mean, whole.mean, rtol=1e-12, atol=0)
    torch.testing.assert_close(parts.scatter, whole.scatter, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sizes", [[100], [1, 99], [0, 100], [25, 25, 25, 25]])
def test_packed_moments_of_several_workers_merge_into_those_of_all(sizes):
    whole = Moments.of(rows(100))
    merged = merge(torch.stack([Moments.of(part).packed() for part in rows(100).split(sizes)]))
    torch.testing.assert_close(merged, whole.packed(), rtol=1e-12, atol=1e-12)
    assert Moments.unpacked(merged).count == 100


@pytest.mark.parametrize(("mean", "std"), [(1e4, 1e-2), (1e6, 1.0)])
def test_a_mean_far_from_zero_costs_no_digits(mean, std):
    # In one pass E[xx'] - E[x]E[x]' is off by 4e-4 in the first case and has a negative distance in the second.
    samples = rows(1000, mean=mean, std=std)
    centred = samples - samples.mean(0)
    covariance = sum(map(Moments.of, samples.split(64)), start=Moments.of(samples[:0])).covariance
    assert (covariance - centred.T @ centred / 999).abs().max() < 1e-9 * std**2


@pytest.mark.parametrize("rank", [0, 1, 3, 6])
def test_a_factor_rebuilds_a_covariance_of_any_rank(rank):
    half = rows(rank)
    covariance = half.T @ half
    root = factor(covariance)
    torch.testing.assert_close(root @ root.T, covariance, rtol=1e-12, atol=1e-12)
    assert root.shape[1] <= max(rank, 6 if rank == 6 else rank)


@pytest.mark.parametrize("count", [2, 6, 7, 50])
def test_rows_and_their_moments_describe_the_same_gaussian(count):
    one, other = Gaussian.of(rows(count)), Gaussian.from_moments(Moments.of(rows(count)))
    torch.testing.assert_close(one.mean, other.mean)
    torch.testing.assert_close(one.factor @ one.factor.T, other.factor @ other.factor.T)
