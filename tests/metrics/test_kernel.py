"""Kernel discrepancies: the definition, other people's code, unbiased at any N, and honest about the null."""

import pytest
import torch
from torch import Tensor, nn

from metrics import KernelDistance, SubsetKernelDistance, kernel
from metrics.kernel import Discrepancy, bandwidth, cubic, discrepancy, gaussian, in_subsets, same_law


def cloud(count: int, width: int, seed: int, *, shift: float = 0.0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=random, dtype=torch.float64) + shift


def plainly(real: Tensor, generated: Tensor) -> float:
    """The definition, pair by pair."""

    def mean(one: Tensor, other: Tensor, *, same: bool) -> float:
        values = [
            float((x @ y / len(x) + 1) ** 3)
            for i, x in enumerate(one)
            for j, y in enumerate(other)
            if not (same and i == j)
        ]
        return sum(values) / len(values)

    within = mean(real, real, same=True) + mean(generated, generated, same=True)
    return within - 2 * mean(real, generated, same=False)


@pytest.mark.parametrize("block", [1, 7, 100])
def test_the_distance_is_the_definition_for_every_size_of_block(monkeypatch, block):
    monkeypatch.setattr(kernel, "BLOCK", block)
    real, generated = cloud(30, 4, 0), cloud(20, 4, 1, shift=0.4)
    assert discrepancy(real, generated, cubic).value == pytest.approx(plainly(real, generated), rel=1e-12)


def test_torchmetrics_agrees_on_all_samples_at_once():
    from torchmetrics.image.kid import KernelInceptionDistance

    class Through(nn.Module):
        num_features = 8

        def forward(self, features: Tensor) -> Tensor:
            return features

    real, generated = cloud(100, 8, 0), cloud(100, 8, 1, shift=0.3)
    with pytest.warns(UserWarning, match="will save all extracted features"):
        theirs = KernelInceptionDistance(Through(), subsets=1, subset_size=100).set_dtype(torch.float64)
    with torch.random.fork_rng(devices=[]):
        theirs.update(real, real=True)
        theirs.update(generated, real=False)
        mean, _ = theirs.compute()
    ours = KernelDistance()
    ours.update(real, real=True)
    ours.update(generated)
    assert float(ours.compute()) == pytest.approx(float(mean), abs=1e-9)


def test_a_perfect_sampler_has_distance_zero_on_average_at_any_number_of_samples():
    for count in (5, 50):
        found = torch.tensor([discrepancy(cloud(60, 3, 7000 + s), cloud(count, 3, s), cubic).value for s in range(300)])
        assert abs(found.mean()) < 4 * found.std() / 300**0.5


def test_subsets_have_the_same_expectation_and_more_noise_and_move_no_global_stream():
    before = torch.get_rng_state()
    real, generated = cloud(400, 3, 0), cloud(300, 3, 1, shift=0.5)
    found = in_subsets(real, generated, size=100)
    assert torch.equal(found, in_subsets(real, generated, size=100))
    assert torch.equal(torch.get_rng_state(), before)
    assert found.mean().item() == pytest.approx(discrepancy(real, generated, cubic).value, rel=0.1)
    metric = SubsetKernelDistance()
    metric.update(real, real=True)
    metric.update(generated)
    assert float(metric.compute()) == pytest.approx(discrepancy(real, generated, cubic).value, rel=0.1)


@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_both_orders_of_the_variance_are_right_on_average(shift):
    real = cloud(40, 3, 9999)
    found = [discrepancy(real, cloud(30, 3, seed, shift=shift), cubic) for seed in range(1000)]
    values = torch.tensor([one.value for one in found])
    estimate = sum(one.linear + one.quadratic for one in found) / len(found)
    assert estimate == pytest.approx(values.var().item(), rel=0.25)


def test_the_interval_holds_the_expected_distance_away_from_the_null():
    real = cloud(300, 3, 0)
    found = [discrepancy(real, cloud(60, 3, seed, shift=1.0), cubic) for seed in range(1, 201)]
    expected = sum(one.value for one in found) / len(found)
    intervals = [one.interval for one in found if one.interval]
    assert len(intervals) == len(found)
    assert all(low * high == pytest.approx(one.value**2) for one, (low, high) in zip(found, intervals, strict=True))
    assert 0.89 < sum(low <= expected <= high for low, high in intervals) / len(intervals) < 1


def test_near_the_null_there_is_no_interval():
    real = cloud(300, 3, 0)
    found = [discrepancy(real, cloud(60, 3, seed), cubic) for seed in range(1, 201)]
    assert sum(one.interval is not None for one in found) <= 2


@pytest.mark.parametrize(("value", "given"), [(1.9, False), (2.1, True)])
def test_an_interval_that_would_reach_down_to_0_is_none(value, given):
    found = Discrepancy(value=value, count=100, linear=1.0, quadratic=0.01)
    assert (found.interval is not None) == given


def test_few_samples_have_a_distance_but_no_interval():
    assert discrepancy(cloud(300, 3, 0), cloud(10, 3, 1), cubic).interval is None


def test_relabelling_finds_another_law_and_does_not_suspect_the_same():
    chances = [same_law(cloud(60, 3, seed), cloud(50, 3, 500 + seed), permutations=99) for seed in range(100)]
    assert sum(chance <= 0.05 for chance in chances) <= 11  # 5 % of 100 and three standard deviations
    assert same_law(cloud(60, 3, 0), cloud(50, 3, 1, shift=1.0)) <= 0.01


def test_the_relabelled_statistic_is_the_distance(monkeypatch):
    monkeypatch.setattr(kernel, "BLOCK", 7)
    real, generated = cloud(20, 3, 0), cloud(15, 3, 1)
    worse = cloud(15, 3, 1, shift=3.0)
    assert same_law(real, worse, permutations=0) == 1
    assert same_law(real, worse) == pytest.approx(1 / 200)
    assert same_law(real, generated) > 0.01


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_the_gaussian_kernel_sees_distances_alone(offset):
    rows = cloud(50, 3, 0) + offset
    middle = rows.mean(0)
    width = bandwidth(rows)
    values = gaussian(rows - middle, rows - middle, bandwidth=width)
    expected = (-torch.cdist(rows - middle, rows - middle).square() / (2 * width**2)).exp()
    torch.testing.assert_close(values, expected, rtol=1e-5, atol=1e-8)
