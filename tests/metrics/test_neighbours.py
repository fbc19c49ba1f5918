"""Neighbour scores against the plain definition, with copies, and in blocks."""

import pytest
import torch
from torch import Tensor

from metrics import Coverage, Features, neighbours
from metrics.errors import NonFiniteError, TooFewSamplesError, UnfitError, WidthError
from metrics.neighbours import Neighbourhoods, coverage, without_each


def cloud(count: int, width: int, seed: int, *, shift: float = 0.0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) + shift


def plainly(real: Tensor, generated: Tensor, count: int) -> float:
    """The definition, pair by pair."""

    def pairs(left: Tensor, right: Tensor) -> Tensor:
        return (left.double()[:, None] - right.double()[None]).square().sum(2).sqrt()

    radii = pairs(real, real).kthvalue(count + 1, dim=1).values
    return (pairs(real, generated).amin(1) < radii).double().mean().item()


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
@pytest.mark.parametrize(("width", "shift"), [(2, 0.5), (2, 1e4), (40, 0.3)])
def test_coverage_is_the_definition_for_every_size_of_block(monkeypatch, block, width, shift):
    monkeypatch.setattr(neighbours, "BLOCK", block)
    real, generated = cloud(90, width, 0, shift=shift - 0.3), cloud(60, width, 1, shift=shift)
    assert coverage(Neighbourhoods.of(real, 3), generated).item() == plainly(real, generated, 3)


def test_a_sample_of_the_same_law_covers_and_one_far_away_does_not():
    real = Neighbourhoods.of(cloud(500, 2, 0))
    assert coverage(real, cloud(500, 2, 1)) > 0.9
    assert coverage(real, cloud(500, 2, 1, shift=50)) == 0


def test_one_mode_of_two_is_half_covered():
    modes = torch.cat([cloud(200, 2, 0), cloud(200, 2, 1, shift=100)])
    assert coverage(Neighbourhoods.of(modes), cloud(2000, 2, 2)).item() == pytest.approx(0.5, abs=0.01)


def test_a_copy_is_at_distance_zero_in_2048_dimensions():
    # The shortcut through a matrix product puts up to 0.2 there in float32.
    samples = cloud(64, 2048, 0, shift=3)
    (nearest,) = [distances for distances, _ in neighbours._nearest(samples, samples, 1)]
    assert (nearest == 0).all()


def test_reals_that_are_all_copies_have_balls_without_an_inside():
    same = torch.ones(20, 3)
    assert coverage(Neighbourhoods.of(same), same) == 0


def test_the_stream_gives_what_the_whole_gives():
    real, generated = cloud(90, 4, 0), cloud(60, 4, 1)
    metric = Coverage(neighbours=3)
    for part in real.split(20):
        metric.update(part, real=True)
    for part in generated.split(17):
        metric.update(part, real=False)
    assert float(metric.compute()) == plainly(real, generated, 3)


def test_workers_merge_their_states_into_the_state_of_one():
    real, generated = cloud(90, 4, 0), cloud(60, 4, 1)
    workers = [Coverage(3, reference=Neighbourhoods.of(real, 3)) for _ in range(2)]
    for metric, part in zip(workers, generated.split(40), strict=True):
        metric.update(part)
    workers[0].merge_state(workers[1])
    assert float(workers[0].compute()) == plainly(real, generated, 3)


@pytest.mark.parametrize(
    ("features", "error", "says"),
    [
        (torch.full((3, 4), float("nan")), NonFiniteError, "NaN or infinity in 3 of 3 rows"),
        (torch.rand(3, 5), WidthError, "has the width 5, but 4 is expected"),
    ],
)
def test_features_that_cannot_be_compared_are_refused(features, error, says):
    metric = Coverage(reference=Neighbourhoods.of(cloud(20, 4, 0)))
    with pytest.raises(error, match=says):
        metric.update(features)


def test_a_finished_reference_takes_no_more_reals():
    with pytest.raises(UnfitError, match="finished reference"):
        Coverage(reference=Neighbourhoods.of(cloud(20, 4, 0))).update(cloud(3, 4, 1), real=True)


def test_too_few_reals_or_no_generated_samples_are_refused():
    with pytest.raises(TooFewSamplesError, match="5 neighbours need more than 5 real samples, not 5"):
        Neighbourhoods.of(cloud(5, 4, 0))
    metric = Coverage(reference=Neighbourhoods.of(cloud(20, 4, 0)))
    metric.update(cloud(0, 4, 1))
    with pytest.raises(TooFewSamplesError, match="at least one generated sample"):
        metric.compute()


def test_leaving_out_each_sample_at_once_is_leaving_it_out():
    real, generated = Neighbourhoods.of(cloud(90, 2, 0)), cloud(25, 2, 1)
    slowly = [coverage(real, torch.cat([generated[:place], generated[place + 1 :]])).item() for place in range(25)]
    assert without_each(real, generated).tolist() == pytest.approx(slowly)


def interval(real: Neighbourhoods, generated: Tensor) -> tuple[float, float] | None:
    metric = Coverage(reference=real)
    metric.update(generated)
    score = metric.verdict(Features(generated)).scores["coverage"]
    return None if score.low is None or score.high is None else (score.low, score.high)


@pytest.mark.parametrize("count", [20, 100, 400])
def test_the_interval_holds_the_expected_coverage_at_this_number_of_samples(count):
    real = Neighbourhoods.of(cloud(200, 8, 0))
    draws = [cloud(count, 8, seed, shift=0.3) for seed in range(1, 201)]
    expected = sum(coverage(real, draw).item() for draw in draws) / len(draws)
    intervals = [interval(real, draw) or (0, 1) for draw in draws]
    assert sum(low <= expected <= high for low, high in intervals) / len(draws) > 0.90


@pytest.mark.parametrize(("spread", "shift"), [(1.0, 0.0), (0.01, 2.0), (0.01, 9.0)], ids=["all", "hardly any", "none"])
def test_a_coverage_at_either_end_has_no_interval(spread, shift):
    real = Neighbourhoods.of(cloud(50, 2, 0))
    assert interval(real, spread * cloud(2000, 2, 1) + shift) is None
