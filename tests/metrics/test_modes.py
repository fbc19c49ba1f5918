"""Scores where the modes are known: exact counts, published constants, and no NaN."""

import math

import pytest
import torch
from torch import Tensor

from metrics import HighQuality, ModeCount, Modes, ReverseKL, Scores, evaluate, features, reference
from metrics.divergences import DIVERGENCES, perfect_divergence, perfect_reverse_kl, reverse_kl
from metrics.errors import TooFewSamplesError, WidthError
from metrics.mixture import weights_of
from metrics.modes import perfect_modes, perfect_validity

WIDER = ["mode_tv", "mode_tv_valid", "jsd", "jsd_valid"]


def ring(number: int = 8, *, radius: float = 2.0, std: float = 0.1, weights: Tensor | None = None) -> Modes:
    angle = torch.arange(number) * (2 * math.pi / number)
    return Modes(radius * torch.stack([angle.cos(), angle.sin()], 1), std, weights=weights)


def draw(modes: Modes, count: int, seed: int = 0, *, blur: float = 1.0, held: int | None = None) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    places = torch.randint(held or len(modes.centres), (count,), generator=random)
    return modes.centres[places] + blur * modes.std * torch.randn(count, 2, generator=random)


def judged(points: Tensor, modes: Modes) -> Scores:
    identity = features.load("identity")
    families = ["modes", "high_quality", "reverse_kl", *WIDER]
    known = reference.build(identity, points, range="features", digest="d", split="select", metrics=families)
    return evaluate(points, known, identity, families, range="features", modes=modes)


def values(scores: Scores) -> dict[str, float]:
    return {key: score.value for key, score in scores.scores.items()}


def hits(points: Tensor, modes: Modes) -> Tensor:
    metric = ModeCount(modes)
    metric.update(points)
    return metric.hits


def test_samples_at_the_centres_are_counted_one_by_one():
    modes = ring()
    points = torch.cat([modes.centres, modes.centres[:2], torch.zeros(2, 2)])
    assert hits(points, modes).tolist() == [2, 2, 1, 1, 1, 1, 1, 1]
    found = {key: value for key, value in values(judged(points, modes)).items() if key not in WIDER}
    assert found == pytest.approx(
        {"modes": 8, "modes_1pct": 8, "high_quality": 10 / 12, "reverse_kl": reverse_kl_by_hand([0.2] * 2 + [0.1] * 6)}
    )


def reverse_kl_by_hand(shares: list[float]) -> float:
    return sum(share * math.log(share * len(shares)) for share in shares if share)


@pytest.mark.parametrize(("distance", "valid"), [(2.999, 1), (3.001, 0)])
def test_a_sample_is_valid_within_three_standard_deviations(distance, valid):
    modes = Modes(torch.zeros(1, 2), 0.1)
    assert hits(torch.tensor([[0.1 * distance, 0.0]]), modes).sum() == valid


@pytest.mark.parametrize("held", [1, 4, 7, 8])
def test_dropped_modes_are_not_counted(held):
    assert values(judged(draw(ring(), 2500, held=held), ring()))["modes"] == held


def test_a_mode_with_less_than_one_per_cent_of_all_samples_counts_once_and_not_twice():
    modes = ring()
    points = torch.cat([modes.centres[:7].repeat_interleave(142, 0), modes.centres[7:].repeat(9, 1)])
    found = values(judged(points, modes))
    assert (found["modes"], found["modes_1pct"]) == (8, 7)
    found = values(judged(torch.cat([points, modes.centres[7:].repeat(2, 1)]), modes))
    assert (found["modes"], found["modes_1pct"]) == (8, 8)


def test_a_blurred_generator_keeps_its_conditional_histogram_and_loses_only_quality():
    grid = Modes(torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0)) * 1.5, 0.1)
    blurred = judged(draw(grid, 10_000, blur=4.0), grid)
    found = values(blurred)
    assert found["high_quality"] < 0.3
    assert found["modes"] == 25
    assert found["modes_1pct"] < 20  # the rule that takes blur for collapse
    assert found["reverse_kl"] < 0.03
    assert blurred.histogram is not None
    assert sum(blurred.histogram) == pytest.approx(1)
    assert min(blurred.histogram) > 0.02


@pytest.mark.parametrize("key", ["reverse_kl", "mode_tv_valid", "jsd_valid"])
def test_the_floor_of_a_blurred_generator_is_that_of_as_many_valid_samples(key):
    modes = ring(25)
    found = [judged(draw(modes, 500, seed, blur=4.0), modes) for seed in range(200)]
    ratio = torch.tensor([one.scores[key].value / one.floors[key] for one in found]).mean().item()
    assert ratio == pytest.approx(1, abs=0.06)
    assert found[0].floors[key] > 1.3 * judged(draw(modes, 500), modes).floors[key]


def test_the_interval_of_modes_holds_where_it_saturates_and_where_it_does_not():
    for number, count in ((8, 200), (100, 150)):
        scores = [judged(draw(ring(number, radius=50.0), count, seed), ring(number, radius=50.0)) for seed in range(60)]
        expected = perfect_modes(torch.full((number,), perfect_validity(2, 3.0) / number).double(), count, 1)
        held = [score.scores["modes"] for score in scores]
        assert sum(one.low <= expected <= one.high for one in held) / 60 >= 0.95
        assert all(one.high <= number for one in held)
        assert all(one.high - one.low < 25 for one in held)


def test_without_a_valid_sample_there_is_no_divergence_and_no_nan():
    found = judged(torch.full((50, 2), 30.0), ring())
    assert values(found) == pytest.approx(
        {"modes": 0, "modes_1pct": 0, "high_quality": 0, "mode_tv": 1, "jsd": math.log(2)}
    )
    assert found.histogram is None
    metric = ReverseKL(ring())
    metric.update(torch.full((50, 2), 30.0))
    with pytest.raises(TooFewSamplesError, match="needs a valid sample"):
        metric.compute()


def test_the_true_shares_are_those_that_the_mixture_says():
    modes = ring(2, weights=torch.tensor([3.0, 1.0]))
    points = modes.centres[torch.tensor([0, 0, 0, 1])]
    assert weights_of(modes).tolist() == [0.75, 0.25]
    assert values(judged(points, modes))["reverse_kl"] == pytest.approx(0)
    assert values(judged(points, ring(2)))["reverse_kl"] > 0.1


def test_the_ceiling_of_high_quality_in_the_plane_is_the_published_one():
    assert perfect_validity(2, 3.0) == pytest.approx(0.98889, abs=1e-5)
    assert perfect_validity(1, 3.0) == pytest.approx(0.99730, abs=1e-5)


@pytest.mark.parametrize(
    ("number", "count", "published"),
    [
        (8, 2500, 0.0014),
        (8, 10_000, 0.0003),
        (25, 2500, 0.0048),
        (25, 10_000, 0.0012),
        (1000, 10_000, 0.0508),
        (1000, 25_600, 0.0196),
        (1000, 26_000, 0.0194),
        (1000, 50_000, 0.0100),
    ],
)
def test_the_floor_of_the_divergence_is_the_published_one(number, count, published):
    floor = perfect_reverse_kl(torch.full((number,), 1 / number, dtype=torch.float64), count)
    assert floor == pytest.approx(published, abs=2e-4)


def test_the_floor_of_the_divergence_is_the_mean_of_perfect_samplers():
    weights = torch.tensor([0.5, 0.3, 0.1, 0.1], dtype=torch.float64)
    random = torch.Generator().manual_seed(0)
    counts = [
        torch.multinomial(weights, 200, replacement=True, generator=random).bincount(minlength=4) for _ in range(500)
    ]
    drawn = torch.stack([reverse_kl(count, weights) for count in counts])
    error = drawn.std().item() / 500**0.5
    assert perfect_reverse_kl(weights, 200) == pytest.approx(drawn.mean().item(), abs=4 * error)


@pytest.mark.parametrize(("count", "published"), [(26_000, 1000.0), (10_000, 999.95)])
def test_the_modes_that_a_perfect_sampler_hits_are_the_published_ones(count, published):
    assert perfect_modes(torch.full((1000,), 1e-3), count, 1) == pytest.approx(published, abs=0.01)


def test_a_perfect_sampler_reaches_its_printed_floors():
    modes, seeds = ring(), range(20)
    found = [judged(draw(modes, 1000, seed), modes) for seed in seeds]
    for key in ("modes", "modes_1pct", "high_quality", "reverse_kl", *WIDER):
        scores = torch.tensor([values(one)[key] for one in found])
        error = scores.std().item() / len(seeds) ** 0.5
        assert scores.mean().item() == pytest.approx(found[0].floors[key], abs=4 * error + 1e-6)


def test_the_interval_of_high_quality_holds_the_true_share():
    modes = ring()
    scores = [judged(draw(modes, 400, seed), modes).scores["high_quality"] for seed in range(200)]
    assert sum(score.low <= 0.98889 <= score.high for score in scores) / 200 > 0.9


@pytest.mark.parametrize("metric", [ModeCount, HighQuality, ReverseKL])
def test_the_stream_and_merged_workers_give_what_the_whole_gives(metric):
    modes, points = ring(), draw(ring(), 300)
    whole, streamed, other = metric(modes), metric(modes), metric(modes)
    whole.update(points)
    for part in points[:200].split(30):
        streamed.update(part)
    other.update(points[200:])
    streamed.merge_state(other)
    streamed.update(points[:50], real=True)  # not read
    assert streamed.compute() == whole.compute()


def test_points_of_another_width_are_refused():
    with pytest.raises(WidthError, match="has the width 3, but 2 is expected"):
        ModeCount(ring()).update(torch.rand(5, 3))


def test_no_samples_are_too_few():
    metric = HighQuality(ring())
    metric.update(torch.empty(0, 2))
    with pytest.raises(TooFewSamplesError):
        metric.compute()


def test_total_variation_counts_blur_and_its_conditional_version_does_not():
    # The published 5 x 5 grid: 25.9 % valid and evenly covering has a total variation of .741, all of it invalid share.
    modes = ring(5)
    points = torch.cat([modes.centres.repeat(52, 1), torch.full((740, 2), 30.0)])
    found = values(judged(points, modes))
    assert found["mode_tv"] == pytest.approx(0.74)
    assert found["mode_tv_valid"] == found["jsd_valid"] == 0
    assert found["jsd"] > 0.3


@pytest.mark.parametrize(("held", "variation"), [(8, 0.0), (4, 0.5), (1, 0.875)])
def test_dropped_modes_are_the_variation_that_they_held(held, variation):
    modes = ring()
    points = modes.centres[:held].repeat(30, 1)
    found = values(judged(points, modes))
    assert found["mode_tv"] == found["mode_tv_valid"] == pytest.approx(variation)
    middle = [(1 / held + 1 / 8) / 2] * held
    by_hand = sum(math.log(8**-1 / m) / 8 + math.log(1 / held / m) / held for m in middle) / 2
    by_hand += (8 - held) / 8 * math.log(2) / 2
    assert found["jsd"] == found["jsd_valid"] == pytest.approx(by_hand)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_floor_of_a_divergence_is_its_mean_over_perfect_samplers(name):
    weights = torch.tensor([0.5, 0.3, 0.1, 0.1], dtype=torch.float64)
    random, drawn = torch.Generator().manual_seed(0), []
    for _ in range(500):
        hit = torch.multinomial(weights, 100, replacement=True, generator=random).bincount(minlength=4)
        drawn.append(DIVERGENCES[name](hit.double() / 100, weights).sum())
    mean, error = torch.stack(drawn).mean().item(), torch.stack(drawn).std().item() / 500**0.5
    assert perfect_divergence(DIVERGENCES[name], weights, weights, 100) == pytest.approx(mean, abs=4 * error)
