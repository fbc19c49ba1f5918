"""Neighbour scores against the plain definition, with copies, and in blocks."""

import math

import pytest
import torch
from torch import Tensor

from metrics import Features, Neighbours, distances, evaluate_features, neighbours, reference
from metrics.errors import NonFiniteError, TooFewSamplesError, UnfitError, WidthError
from metrics.features import load
from metrics.neighbours import (
    NAMES,
    Meeting,
    Neighbourhoods,
    coverage,
    density,
    independent_reals,
    precision,
    recall,
    recalls_of_parts,
    without_both,
    without_each,
)


def cloud(count: int, width: int, seed: int, *, shift: float = 0.0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) + shift


def pairs(left: Tensor, right: Tensor) -> Tensor:
    return (left.double()[:, None] - right.double()[None]).square().sum(2).sqrt()


def plainly(real: Tensor, generated: Tensor, count: int) -> dict[str, float]:
    """The four definitions, pair by pair."""
    balls, own = (pairs(side, side).kthvalue(count + 1, dim=1).values for side in (real, generated))
    apart = pairs(real, generated)
    held = apart < balls[:, None]
    return {
        "precision": held.any(0).double().mean().item(),
        "recall": (apart < own).any(1).double().mean().item(),
        "density": held.double().sum(0).mean().item() / count,
        "coverage": held.any(1).double().mean().item(),
    }


def met(real: Tensor, generated: Tensor, count: int = 5) -> Meeting:
    return Meeting.of(Neighbourhoods.of(real, count), generated, Neighbourhoods.of(generated, count).radii)


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
@pytest.mark.parametrize(("width", "shift"), [(2, 0.5), (2, 1e4), (40, 0.3), (80, 0.1), (80, 1e4)])
def test_the_scores_are_their_definitions_for_every_size_of_block(monkeypatch, block, width, shift):
    monkeypatch.setattr(distances, "BLOCK", block)
    real, generated = cloud(90, width, 0, shift=shift - 0.1), cloud(60, width, 1, shift=shift)
    metric = Neighbours(neighbours=3)
    metric.update(real, real=True)
    metric.update(generated)
    assert {name: float(value) for name, value in metric.compute().items()} == pytest.approx(
        plainly(real, generated, 3), rel=1e-15
    )


def test_float32_decides_nothing_that_it_cannot_tell():
    # Three tight heaps far apart: all distances within one are rounding errors of the shortcut.
    heaps = 100 * cloud(3, 80, 0)[torch.arange(90) % 3].double()
    real, generated = (heaps[:size] + 1e-6 * cloud(size, 80, seed).double() for seed, size in ((1, 90), (2, 60)))
    meeting, expected = met(real, generated, 3), plainly(real, generated, 3)
    assert expected["precision"] > 0.5
    for score, name in ((precision, "precision"), (recall, "recall"), (coverage, "coverage")):
        assert score(meeting).item() == expected[name]
    assert density(meeting, 3).item() == pytest.approx(expected["density"], rel=1e-15)


def test_a_sample_of_the_same_law_covers_and_one_far_away_does_not():
    same, away = (met(cloud(500, 2, 0), cloud(500, 2, 1, shift=shift)) for shift in (0, 50))
    for score in (precision, recall, density, coverage):
        assert score(same) > 0.85
        assert score(away) == 0


def test_one_mode_of_two_is_half_covered_and_half_recalled_but_wholly_precise():
    modes = torch.cat([cloud(200, 2, 0), cloud(200, 2, 1, shift=100)])
    meeting = met(modes, cloud(2000, 2, 2))
    assert coverage(meeting).item() == pytest.approx(0.5, abs=0.01)
    assert recall(meeting).item() == pytest.approx(0.5, abs=0.02)
    assert precision(meeting) > 0.95


def test_a_perfect_sampler_has_density_one():
    found = [density(met(cloud(300, 3, 2 * seed), cloud(300, 3, 2 * seed + 1))).item() for seed in range(20)]
    assert sum(found) / 20 == pytest.approx(1, abs=0.03)


def test_a_copy_is_at_distance_zero_in_2048_dimensions():
    # The shortcut through a matrix product puts up to 0.2 there in float32.
    samples = cloud(64, 2048, 0, shift=3)
    nearest, places = distances.nearest(samples, 1)
    assert (nearest == 0).all()
    assert torch.equal(places[:, 0], torch.arange(64))


@pytest.mark.parametrize("apart", [0.0, 1e-7, 1e-3, 1.0])
def test_the_nearest_are_right_however_tight_the_heaps_are(apart):
    heaps = 100 * cloud(3, 80, 0)[torch.arange(60) % 3].double() + apart * cloud(60, 80, 1).double()
    found, places = distances.nearest(heaps, 4)
    exact = pairs(heaps, heaps)
    assert torch.equal(found, exact.sort(1).values[:, :4])
    assert torch.equal(found, exact.gather(1, places))


def test_a_collapsed_generator_is_not_measured_pair_by_pair(monkeypatch):
    measured = []
    measure = distances.Points.measured
    monkeypatch.setattr(distances.Points, "measured", lambda *all: measured.append(len(all[1])) or measure(*all))
    distances.nearest(cloud(5, 80, 0)[torch.arange(300) % 5], 4)
    assert sum(measured) <= 300 * (4 + distances.SPARE)


def test_samples_that_are_all_copies_have_balls_without_an_inside():
    same = torch.ones(20, 3)
    meeting = met(same, same)
    assert [score(meeting).item() for score in (precision, recall, density, coverage)] == [0, 0, 0, 0]


def test_four_families_of_one_request_look_at_the_pairs_once(monkeypatch):
    calls = []
    meet = Meeting.of
    monkeypatch.setattr(Meeting, "of", lambda *all, **named: calls.append(1) or meet(*all, **named))
    identity = load("identity")
    known = reference.build(identity, cloud(90, 4, 0), range="features", digest="d", split="select", metrics=NAMES)
    together = evaluate_features(Features(cloud(60, 4, 1)), known, NAMES)
    assert len(calls) == 1
    for name in reversed(NAMES):
        alone = evaluate_features(Features(cloud(60, 4, 1)), known, [name])
        assert alone.scores[f"{name}_identity"] == together.scores[f"{name}_identity"]


def test_the_stream_gives_what_the_whole_gives():
    real, generated = cloud(90, 4, 0), cloud(60, 4, 1)
    metric = Neighbours(neighbours=3)
    for part in real.split(20):
        metric.update(part, real=True)
    for part in generated.split(17):
        metric.update(part, real=False)
    assert metric.compute() == pytest.approx(plainly(real, generated, 3))


def test_workers_merge_their_states_into_the_state_of_one():
    real, generated = cloud(90, 4, 0), cloud(60, 4, 1)
    workers = [Neighbours(neighbours=3, reference=Neighbourhoods.of(real, 3)) for _ in range(2)]
    for metric, part in zip(workers, generated.split(40), strict=True):
        metric.update(part)
    workers[0].merge_state(workers[1])
    assert workers[0].compute() == pytest.approx(plainly(real, generated, 3))


@pytest.mark.parametrize(
    ("features", "error", "says"),
    [
        (torch.full((3, 4), float("nan")), NonFiniteError, "NaN or infinity in 3 of 3 rows"),
        (torch.rand(3, 5), WidthError, "has the width 5, but 4 is expected"),
    ],
)
def test_features_that_cannot_be_compared_are_refused(features, error, says):
    metric = Neighbours(reference=Neighbourhoods.of(cloud(20, 4, 0)))
    with pytest.raises(error, match=says):
        metric.update(features)


def test_a_density_without_a_hit_has_no_interval():
    metric = Neighbours(["density"], reference=Neighbourhoods.of(cloud(60, 4, 0)))
    for shift, given in ((100.0, False), (0.0, True)):
        metric.reset()
        rows = cloud(60, 4, 1) + shift
        metric.update(rows)
        assert (metric.verdict(Features(rows)).scores["density"].low is not None) == given


def test_a_finished_reference_takes_no_more_reals():
    with pytest.raises(UnfitError, match="finished reference"):
        Neighbours(reference=Neighbourhoods.of(cloud(20, 4, 0))).update(cloud(3, 4, 1), real=True)


def test_too_few_reals_or_no_generated_samples_are_refused():
    with pytest.raises(TooFewSamplesError, match="5 neighbours need more than 5 real samples, not 5"):
        Neighbourhoods.of(cloud(5, 4, 0))
    metric = Neighbours(reference=Neighbourhoods.of(cloud(20, 4, 0)))
    metric.update(cloud(0, 4, 1))
    with pytest.raises(TooFewSamplesError, match="at least one generated sample"):
        metric.compute()
    metric.update(cloud(5, 4, 1))
    with pytest.raises(TooFewSamplesError, match="5 neighbours need more than 5 generated samples, not 5"):
        metric.compute()


def test_leaving_out_each_sample_at_once_is_leaving_it_out():
    real, generated = Neighbourhoods.of(cloud(90, 2, 0)), cloud(25, 2, 1)
    slowly = [
        coverage(Meeting.of(real, torch.cat([generated[:place], generated[place + 1 :]]))).item() for place in range(25)
    ]
    assert without_each(Meeting.of(real, generated)).tolist() == pytest.approx(slowly)


@pytest.mark.parametrize(("width", "shift"), [(4, 1.0), (4, 2.0), (8, 0.0), (80, 0.2)])
def test_as_many_independent_reals_vary_as_the_recall_does_over_draws_of_the_generator(width, shift):
    real = Neighbourhoods.of(cloud(100, width, 0))
    draws = [cloud(200, width, seed, shift=shift) for seed in range(1, 61)]
    recalled = torch.stack([recall(Meeting.of(real, draw, Neighbourhoods.of(draw).radii)) for draw in draws])
    estimates = [1 / independent_reals(real.centres, draw)[0] for draw in draws]
    single = recalled.mean() * (1 - recalled.mean())
    assert single * sum(estimates) / len(estimates) == pytest.approx(recalled.var().item(), rel=0.4)


def test_recalls_that_never_vary_tell_nothing_of_how_many_are_independent():
    assert independent_reals(cloud(50, 2, 0), cloud(40, 2, 1, shift=90.0)) is None


def test_parts_of_a_sample_are_recalled_as_if_they_were_alone():
    # With one partition only, and few enough samples for every neighbour to be listed.
    real, generated = cloud(50, 3, 0), cloud(40, 3, 1)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0)) % 2
    alone = [recall(met(real, generated[order == part])).item() for part in (0, 1)]
    assert recalls_of_parts(real, generated)(order, 2).tolist() == alone


@pytest.mark.parametrize("scale", [2.0, 4.0])
def test_balls_that_hold_many_reals_are_not_kept_pair_by_pair(scale, monkeypatch):
    kept, thinned = [], neighbours.with_fewest
    monkeypatch.setattr(neighbours, "with_fewest", lambda *given: kept.append(thinned(*given)) or kept[-1])
    monkeypatch.setattr(distances, "PAIRS", 2**12)
    real, generated = cloud(60, 16, 0), scale * cloud(1200, 16, 1)
    order = torch.randperm(1200, generator=torch.Generator().manual_seed(0)) % 4
    alone = [recall(met(real, generated[order == part])).item() for part in range(4)]
    assert recalls_of_parts(real, generated)(order, 4).tolist() == pytest.approx(alone, abs=0.02)
    assert kept
    assert all(each.shape[1] <= neighbours.ENOUGH * 60 for each in kept)


def test_of_balls_that_hold_a_real_those_are_kept_that_need_the_fewest_neighbours():
    ball, real = torch.arange(300), torch.arange(300) % 2
    nearer = torch.where(real == 0, 47 - torch.arange(300) // 7, 3)
    kept = neighbours.with_fewest(torch.stack([ball, real, nearer]), 2)
    assert (kept[1] == 0).sum() == (kept[1] == 1).sum() == neighbours.ENOUGH
    left = sorted(set(ball[real == 0].tolist()) - set(kept[0, kept[1] == 0].tolist()))
    assert kept[2, kept[1] == 0].max() <= nearer[left].min()


def test_two_samples_that_share_a_ball_take_it_with_them_together(monkeypatch):
    monkeypatch.setattr(distances, "BLOCK", 7)
    real, generated = Neighbourhoods.of(cloud(60, 2, 0)), cloud(20, 2, 1)
    meeting = Meeting.of(real, generated)
    alone, more = coverage(meeting) - without_each(meeting), []
    for one in range(20):
        for other in range(one + 1, 20):
            rest = torch.cat([generated[:one], generated[one + 1 : other], generated[other + 1 :]])
            lost = coverage(meeting) - coverage(Meeting.of(real, rest))
            more.append((lost - alone[one] - alone[other]).item())
    found = sorted(without_both(meeting).tolist())
    assert found
    assert sorted(more)[-len(found) :] == pytest.approx(found, abs=1e-6)
    assert sorted(more)[: -len(found)] == pytest.approx([0.0] * (190 - len(found)), abs=1e-6)


def interval(real: Neighbourhoods, generated: Tensor, name: str = "coverage") -> tuple[float, float] | None:
    metric = Neighbours([name], reference=real)
    metric.update(generated)
    score = metric.verdict(Features(generated)).scores[name]
    return None if score.low is None or score.high is None else (score.low, score.high)


@pytest.mark.parametrize("count", [20, 100, 400])
def test_the_interval_holds_the_expected_coverage_at_this_number_of_samples(count):
    real = Neighbourhoods.of(cloud(200, 8, 0))
    draws = [cloud(count, 8, seed, shift=0.3) for seed in range(1, 401)]
    expected = sum(coverage(Meeting.of(real, draw)).item() for draw in draws) / len(draws)
    intervals = [interval(real, draw) or (0, 1) for draw in draws]
    assert sum(low <= expected <= high for low, high in intervals) / len(draws) > 0.917  # three standard deviations


@pytest.mark.parametrize(("spread", "shift"), [(0.01, 2.0), (0.01, 9.0)], ids=["hardly any", "none"])
def test_a_coverage_next_to_0_has_no_interval(spread, shift):
    real = Neighbourhoods.of(cloud(50, 2, 0))
    assert interval(real, spread * cloud(2000, 2, 1) + shift) is None


def test_a_whole_coverage_may_be_one_real_less():
    low, high = interval(Neighbourhoods.of(cloud(50, 2, 0)), cloud(2000, 2, 1))
    assert 1 - 2.1 / 50 < low < 1 - 1.9 / 50
    assert high == 1


@pytest.mark.parametrize("name", ["coverage", "recall"])
def test_the_interval_holds_next_to_an_end_in_draws_that_chance_has_not_chosen(name):
    # Many draws of the narrower law recall none of the reals; many of the wider one leave none uncovered.
    width, scale, count = (2, 1.5, 300) if name == "coverage" else (24, 0.5, 60)
    real = Neighbourhoods.of(cloud(100, width, 0))
    draws = [scale * cloud(count, width, seed) for seed in range(1, 41)]
    score = {"coverage": coverage, "recall": recall}[name]
    values = [float(score(met(real.centres, draw))) for draw in draws]
    assert sum(value in (0, 1) for value in values) > 6
    expected, intervals = sum(values) / len(values), [interval(real, draw, name) for draw in draws]
    assert sum(one is not None for one in intervals) >= 38
    assert sum(low <= expected <= high for low, high in filter(None, intervals)) >= 34


def test_a_recall_that_no_two_halves_tell_apart_has_no_interval():
    # So many reals lie among the samples, and the others far away, each in its own direction.
    samples = cloud(100, 2, 1)
    away = 1e3 * torch.stack([torch.arange(1, 101), torch.ones(100)], 1)
    for reached in (0, 3, 97):
        real = Neighbourhoods.of(torch.cat([0.1 * cloud(reached, 2, 0), away[reached:]]))
        assert interval(real, samples, "recall") is None


def test_the_less_is_known_of_what_a_recall_varies_by_the_further_its_interval_reaches(monkeypatch):
    real, samples, reaches = Neighbourhoods.of(cloud(100, 8, 0)), cloud(100, 8, 1, shift=1.0), []
    for degrees in (5.0, 50.0, math.inf):
        monkeypatch.setattr(neighbours, "independent_reals", lambda *_, degrees=degrees: (100.0, degrees))
        low, high = interval(real, samples, "recall")
        reaches.append(high - low)
    assert reaches == sorted(reaches, reverse=True)
    assert reaches[0] > 1.2 * reaches[2]
