"""The spread within known modes: closed forms, a true interval, and blind to which modes are hit."""

import math

import pytest
import torch
from torch import Tensor

from metrics import Features, Modes, ModeSpread, Score
from metrics.errors import TooFewSamplesError, UnfitError
from metrics.mode_spread import perfect_square

CENTRES = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0)) * 1.5


def draw(count: int, seed: int = 0, *, spread: float = 1.0, held: int = 25) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    places = torch.randint(held, (count,), generator=random)
    return CENTRES[places] + 0.1 * spread * torch.randn(count, 2, generator=random)


def judged(points: Tensor, modes: Modes | None = None) -> Score:
    metric = ModeSpread(modes or Modes(CENTRES, 0.1))
    metric.update(points)
    return metric.verdict(Features(points)).scores["mode_spread"]


@pytest.mark.parametrize(("dimensions", "radius"), [(1, 3.0), (2, 3.0), (3, 3.0), (3, 1.0), (64, 9.0)])
def test_the_truth_within_a_radius_spreads_as_an_integral_over_its_density_says(dimensions, radius):
    distance = torch.linspace(0, radius, 20_001, dtype=torch.float64)
    density = distance ** (dimensions - 1) * (-distance.square() / 2).exp()
    expected = torch.trapezoid(distance.square() * density, distance) / torch.trapezoid(density, distance)
    assert perfect_square(dimensions, radius) == pytest.approx(expected.item(), rel=1e-6)


def test_where_nothing_of_a_gaussian_lies_within_the_radius_there_is_no_spread_to_be_right():
    with pytest.raises(UnfitError, match="a Gaussian in 784 dimensions nothing lies within 3 deviations"):
        ModeSpread(Modes(torch.zeros(1, 784), 1.0))
    assert 0 < perfect_square(200, 3.0) < 9


def test_without_a_radius_a_round_gaussian_has_a_variance_a_dimension():
    assert perfect_square(3, 50.0) == pytest.approx(3)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 10])
def test_a_perfect_sampler_has_the_spread_of_the_truth_in_any_dimensions(dimensions):
    points = torch.randn(20_000, dimensions, generator=torch.Generator().manual_seed(dimensions))
    assert judged(points, Modes(torch.zeros(1, dimensions), 1.0)).value == pytest.approx(1, abs=0.015)


def test_samples_all_at_one_distance_have_that_spread_and_no_other():
    points = CENTRES + torch.tensor([0.05, 0.0])
    assert judged(points).value == pytest.approx(0.5 / math.sqrt(perfect_square(2, 3.0)), rel=1e-5)
    assert judged(CENTRES).value == 0


@pytest.mark.parametrize("held", [1, 12, 25])
def test_it_is_the_width_of_modes_that_counts_and_not_how_many_are_hit(held):
    whole, halved = judged(draw(4000, held=held)), judged(draw(4000, held=held, spread=0.5))
    assert whole.value == pytest.approx(1, abs=0.03)
    # Nothing of a halved spread lies outside of the radius, so that the truth's cut tail lifts the ratio by 2.6 %.
    assert halved.value == pytest.approx(0.5 / math.sqrt(perfect_square(2, 3.0) / 2), abs=0.02)


def test_a_blurred_generator_fills_the_radius_and_has_more():
    everywhere = 3.0 / math.sqrt(2 * perfect_square(2, 3.0))  # a disc's mean square is half that of its edge
    assert 1.3 < judged(draw(20_000, spread=4.0)).value < everywhere


def test_its_interval_holds_the_expected_ratio_in_95_of_100_draws():
    for spread, count in ((1.0, 100), (0.5, 100), (2.0, 400)):
        expected = judged(draw(400_000, 10**6, spread=spread)).value
        scores = [judged(draw(count, seed, spread=spread)) for seed in range(400)]
        assert 0.92 <= sum(one.low <= expected <= one.high for one in scores) / 400 <= 0.98


def test_below_twenty_valid_samples_there_is_a_value_and_no_interval():
    points = torch.cat([CENTRES[:19] + 0.05, torch.full((500, 2), 30.0)])
    assert (judged(points).low, judged(points).high) == (None, None)
    assert judged(torch.cat([points, CENTRES[:1]])).low is not None


def test_without_a_valid_sample_there_is_no_ratio():
    metric, far = ModeSpread(Modes(CENTRES, 0.1)), torch.full((50, 2), 30.0)
    metric.update(far)
    assert not metric.verdict(Features(far)).scores
    with pytest.raises(TooFewSamplesError, match="needs a valid sample"):
        metric.compute()


def test_the_stream_and_merged_workers_give_what_the_whole_gives():
    points, (whole, streamed, other) = draw(300), (ModeSpread(Modes(CENTRES, 0.1)) for _ in range(3))
    whole.update(points)
    for part in points[:200].split(30):
        streamed.update(part)
    other.update(points[200:])
    streamed.merge_state(other)
    streamed.update(points[:50], real=True)  # not read
    merged, once = (metric.verdict(Features(points)).scores["mode_spread"] for metric in (streamed, whole))
    assert (merged.value, merged.low, merged.high) == pytest.approx((once.value, once.low, once.high), rel=1e-12)
    assert once.value**2 - once.low**2 == pytest.approx(once.high**2 - once.value**2)
