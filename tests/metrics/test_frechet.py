"""The Frechet distance: closed forms, other people's code, an honest interval, and no dead process."""

import math
import pickle
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from metrics import Features, FrechetDistance, frechet
from metrics.errors import NonFiniteError, RangeError, TooFewSamplesError, UnfitError, WidthError
from metrics.frechet import distance_interval, frechet_distance, told_by_pairs, without_each
from metrics.intervals import log_jackknife
from metrics.moments import Gaussian, Moments
from metrics.reference import Reference


def cloud(count: int, width: int, seed: int, *, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    """Skewed, correlated, of very different variances: like the features of a network."""
    random = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    mixing *= torch.logspace(0, -1, width, dtype=torch.float64) / math.sqrt(width)
    return (torch.randn(count, width, generator=random, dtype=torch.float64) @ mixing * scale + shift).relu()


def distance(real: Tensor, generated: Tensor) -> float:
    return float(frechet_distance(Gaussian.of(real), Gaussian.of(generated)))


def by_the_book(real: Tensor, generated: Tensor) -> float:
    """With an explicit square root of each covariance."""

    def root(matrix: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(matrix)
        return vectors * values.clamp_min(0).sqrt() @ vectors.T

    left, right = torch.cov(real.T), torch.cov(generated.T)
    shared = torch.linalg.svdvals(root(left) @ root(right)).sum()
    return float((real.mean(0) - generated.mean(0)).square().sum() + left.trace() + right.trace() - 2 * shared)


def test_distance_between_scaled_gaussians_matches_the_closed_form():
    width, shift, scale = 8, 3.0, 2.0
    eye, origin = torch.eye(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64)
    found = frechet_distance(Gaussian(origin, eye), Gaussian(origin + shift, scale * eye))
    assert found.item() == pytest.approx(width * shift**2 + width * (scale - 1) ** 2)


@pytest.mark.parametrize("real", [5, 16, 17, 200])
@pytest.mark.parametrize("generated", [2, 5, 16, 17, 200])
def test_every_route_by_rank_gives_the_distance_of_the_book(real, generated):
    one, two = cloud(real, 16, 0), cloud(generated, 16, 1, shift=0.3, scale=1.2)
    assert distance(one, two) == pytest.approx(by_the_book(one, two), rel=1e-6)
    assert distance(one, two) == pytest.approx(distance(two, one), rel=1e-7)


def test_samples_are_at_distance_zero_from_themselves():
    samples = cloud(100, 16, 0)
    assert 0 <= distance(samples, samples) < 1e-9


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_moving_both_sides_far_away_changes_nothing(offset):
    one, two = cloud(200, 8, 0), cloud(200, 8, 1, shift=0.2)
    assert distance(one + offset, two + offset) == pytest.approx(distance(one, two), rel=1e-6)


def test_constant_features_are_at_the_distance_of_their_means():
    ones = torch.ones(50, 4, dtype=torch.float64)
    assert distance(ones, ones + 2) == pytest.approx(16)
    assert without_each(Gaussian.of(ones), ones + 2).tolist() == pytest.approx([16] * 50)


def test_torchmetrics_agrees_where_it_is_right():
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Through(nn.Module):
        num_features = 16

        def forward(self, features: Tensor) -> Tensor:
            return features

    theirs, ours = FrechetInceptionDistance(Through()), FrechetDistance(16)
    for real in (True, False):
        samples = cloud(400, 16, int(real), shift=0.1 * real)
        theirs.update(samples, real)
        ours.update(samples, real=real)
    assert float(ours.compute()) == pytest.approx(float(theirs.compute()), abs=1e-6)


@pytest.mark.parametrize("sizes", [[60], [1] * 60, [3, 57], [17, 17, 26]])
@pytest.mark.parametrize("width", [8, 64])
def test_the_stream_gives_the_distance_of_the_whole_however_it_is_cut(sizes, width):
    one, two = cloud(60, width, 0), cloud(60, width, 1, shift=0.2)
    metric = FrechetDistance(width)
    for real, generated in zip(one.split(sizes), two.split(sizes), strict=True):
        metric.update(real, real=True)
        metric.update(generated, real=False)
    assert float(metric.compute()) == pytest.approx(distance(one, two), rel=1e-7)


@pytest.mark.parametrize("first", [1, 5, 30, 59])
@pytest.mark.parametrize("width", [8, 64])
def test_workers_merge_their_states_into_the_state_of_one(first, width):
    one, two = cloud(60, width, 0), cloud(60, width, 1, shift=0.2)
    workers = [FrechetDistance(width) for _ in range(2)]
    for metric, part in zip(workers, (slice(None, first), slice(first, None)), strict=True):
        metric.update(one[part], real=True)
        metric.update(two[part], real=False)
    workers[0].merge_state(workers[1])
    assert float(workers[0].compute()) == pytest.approx(distance(one, two), rel=1e-7)


def test_what_pairs_tell_is_taken_off_where_that_is_cheap(monkeypatch):
    real, rows = Gaussian.of(cloud(400, 8, 0)), cloud(60, 8, 1, shift=0.2)
    value = float(frechet_distance(real, Moments.of(rows)))
    once = distance_interval(real, rows, value, reals=400)
    monkeypatch.setattr(frechet, "CHEAP", 7)
    twice = distance_interval(real, rows, value, reals=400)
    assert twice[0] < once[0] < value < once[1] < twice[1]


def test_memory_does_not_grow_with_the_stream():
    metric = FrechetDistance(8)
    for seed in range(50):
        metric.update(cloud(20, 8, seed), real=False)
    assert sum(map(len, metric.generated_rows)) <= 8


def test_a_copy_and_a_pickle_go_on_where_the_metric_was():
    metric = FrechetDistance(8, reference=Gaussian.of(cloud(60, 8, 0)))
    metric.update(cloud(30, 8, 1))
    for other in (deepcopy(metric), pickle.loads(pickle.dumps(metric))):  # noqa: S301 - our own bytes
        other.update(cloud(30, 8, 2))
        whole = distance(cloud(60, 8, 0), torch.cat([cloud(30, 8, 1), cloud(30, 8, 2)]))
        assert float(other.compute()) == pytest.approx(whole, rel=1e-12)


def test_half_precision_features_give_a_double_precision_distance():
    metric = FrechetDistance(8)
    metric.update(cloud(60, 8, 0).bfloat16(), real=True)
    metric.update(cloud(60, 8, 1).bfloat16(), real=False)
    assert metric.compute().dtype == torch.float64


def test_computing_twice_gives_the_same_bits_and_moves_no_global_stream():
    before = torch.get_rng_state()
    metric = FrechetDistance(8)
    metric.update(cloud(60, 8, 0), real=True)
    metric.update(cloud(60, 8, 1), real=False)
    first = metric.compute()
    metric._computed = None  # the second time is not to come from torchmetrics' memory
    assert torch.equal(metric.compute(), first)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("side", [True, False])
def test_a_feature_that_is_not_finite_is_an_error_and_not_a_dead_process(bad, side):
    metric = FrechetDistance(8)
    metric.update(cloud(20, 8, 0), real=side)
    broken = cloud(20, 8, 1)
    broken[3, 4] = bad
    with pytest.raises(NonFiniteError, match=f"batch 2 of the {'real' if side else 'generated'} features, .* row 3"):
        metric.update(broken, real=side)


def test_features_whose_squares_overflow_are_an_error_and_not_a_dead_process():
    with pytest.raises(NonFiniteError):
        distance(cloud(60, 8, 0), cloud(60, 8, 1) * 1e200)
    with pytest.raises(NonFiniteError):
        distance(cloud(60, 8, 0), cloud(5, 8, 1) * 1e200)


@pytest.mark.parametrize(
    ("features", "error", "says"),
    [
        (torch.rand(5, 7), WidthError, "batch 1 of the generated features has the width 7, but 8 is expected"),
        (torch.rand(8), WidthError, r"should be \[N, D\]"),
        (torch.ones(5, 8, dtype=torch.int64), RangeError, "should be floating point"),
    ],
)
def test_features_of_another_shape_or_type_are_refused(features, error, says):
    with pytest.raises(error, match=says):
        FrechetDistance(8).update(features)


@pytest.mark.parametrize("count", [0, 1])
def test_a_side_with_fewer_than_two_samples_is_refused(count):
    metric = FrechetDistance(8, reference=Gaussian.of(cloud(60, 8, 0)))
    metric.update(cloud(count, 8, 1))
    with pytest.raises(TooFewSamplesError, match=f"at least 2 samples on each side, but one side has {count}"):
        metric.compute()


def test_a_finished_reference_takes_no_more_reals():
    metric = FrechetDistance(8, reference=Gaussian.of(cloud(60, 8, 0)))
    with pytest.raises(UnfitError, match="finished reference"):
        metric.update(cloud(5, 8, 1), real=True)


@pytest.mark.parametrize(
    ("real", "generated", "width"), [(99, 30, 8), (99, 20, 32), (10, 20, 32), (40, 40, 40), (9, 9, 8)]
)
def test_leaving_out_each_sample_by_one_decomposition_is_leaving_it_out(real, generated, width):
    reference, samples = Gaussian.of(cloud(real, width, 0)), cloud(generated, width, 1, shift=0.1, scale=1.2)
    slowly = [
        float(frechet_distance(reference, Gaussian.of(torch.cat([samples[:place], samples[place + 1 :]]))))
        for place in range(generated)
    ]
    assert without_each(reference, samples).tolist() == pytest.approx(slowly, abs=1e-5)


def test_pairs_tell_what_goes_with_both_beyond_what_goes_with_either(monkeypatch):
    reference, samples = Gaussian.of(cloud(60, 16, 0)), cloud(9, 16, 1, shift=0.1)

    def without(*places: int) -> float:
        return float(frechet_distance(reference, Gaussian.of(samples[[i for i in range(9) if i not in places]])))

    left_out = without_each(reference, samples)
    slowly = [
        (without(one, other) - without(one) - without(other) + without()) ** 2
        for one in range(9)
        for other in range(one)
    ]
    monkeypatch.setattr(frechet, "PAIRED", 9)
    assert told_by_pairs(reference, samples, without(), left_out) == pytest.approx(sum(slowly), rel=1e-4)


@pytest.mark.parametrize(
    ("count", "width", "shift"), [(200, 16, 0.3), (60, 64, 0.5)], ids=["more than dimensions", "fewer"]
)
def test_the_interval_holds_the_expected_distance_at_this_number_of_samples(count, width, shift):
    reference = Gaussian.of(cloud(2000, width, 0))
    draws = [cloud(count, width, seed, shift=shift) for seed in range(1, 301)]
    values = [float(frechet_distance(reference, Gaussian.of(draw))) for draw in draws]
    expected = sum(values) / len(values)
    held = 0
    for value, draw in zip(values, draws, strict=True):
        low, high = distance_interval(reference, draw, value, reals=2000)
        held += low <= expected <= high
    assert 0.912 < held / len(draws) < 0.985  # 95 % of 300 and three standard deviations


def given(count: int, width: int, *, drawn_from: int, reals: float) -> int:
    """To how many of fifty draws of the law of the reference an interval is given."""
    reference, found = Gaussian.of(cloud(drawn_from, width, 0)), 0
    for seed in range(1, 51):
        draw = cloud(count, width, seed)
        value = float(frechet_distance(reference, Gaussian.of(draw)))
        found += distance_interval(reference, draw, value, reals=reals) is not None
    return found


@pytest.mark.parametrize(("count", "width", "reals"), [(400, 2, 2000), (100, 16, 2000), (60, 64, 2000), (500, 16, 200)])
def test_a_generator_of_the_same_law_has_no_interval(count, width, reals):
    assert given(count, width, drawn_from=reals, reals=reals) <= 1


def test_of_few_reals_it_must_be_told():
    assert given(500, 16, drawn_from=200, reals=math.inf) >= 5


@pytest.mark.parametrize("held", [6, 60], ids=["rows", "moments"])
def test_a_verdict_knows_how_many_reals_there_were(held, monkeypatch):
    asked = []
    monkeypatch.setattr(frechet, "distance_interval", lambda *_, reals: asked.append(reals))
    real, features = cloud(held, 8, 0), Features(cloud(60, 8, 1))
    known = Reference(count=held, extractor="identity", digest="", parts={"gaussian": vars(Gaussian.of(real))})
    finished, streamed = FrechetDistance.against(known), FrechetDistance(8)
    streamed.update(real, real=True)
    for metric in (finished, streamed):
        metric.update(features)
        metric.verdict(features)
    assert asked == [held, held]


def test_a_feature_that_fires_for_one_sample_only_does_not_unsettle_the_jackknife():
    # That sample spans a direction of its own: its share of it is 1, or a rounding error above.
    real, samples = cloud(500, 16, 0), cloud(200, 16, 1, shift=0.1)
    real[:, 3] *= torch.arange(500) < 3
    for rare in (1e-6, 1e-4, 1.0):
        samples[:, 3] = rare * (torch.arange(200) == 7)
        reference = Gaussian.of(real)
        slowly = float(frechet_distance(reference, Gaussian.of(torch.cat([samples[:7], samples[8:]]))))
        assert float(without_each(reference, samples)[7]) == pytest.approx(slowly, abs=1e-5)


@pytest.mark.parametrize(("count", "given"), [(49, False), (50, True)])
def test_few_samples_have_a_distance_but_no_interval(count, given):
    metric, features = (
        FrechetDistance(8, reference=Gaussian.of(cloud(600, 8, 0))),
        Features(cloud(count, 8, 1, shift=3)),
    )
    metric.update(features)
    score = metric.verdict(features).scores["fd"]
    assert score.value > 0
    assert (score.low is not None) == given


def test_with_fewer_samples_than_dimensions_pairs_are_told_once():
    reference, draw = Gaussian.of(cloud(2000, 64, 0)), cloud(60, 64, 1, shift=0.5)
    value = float(frechet_distance(reference, Gaussian.of(draw)))
    told = distance_interval(reference, draw, value, reals=2000)
    plain = log_jackknife(value, without_each(reference, draw), reals=2000)
    assert math.log(told[1] / told[0]) < 0.97 * math.log(plain[1] / plain[0])


def test_a_distance_from_nothing_is_refused():
    metric = FrechetDistance(8)
    metric.update(cloud(60, 8, 0))
    with pytest.raises(TooFewSamplesError):
        metric.compute()


def test_moments_and_rows_may_meet():
    real, generated = cloud(60, 16, 0), cloud(10, 16, 1)
    assert float(frechet_distance(Gaussian.from_moments(Moments.of(real)), Gaussian.of(generated))) == pytest.approx(
        by_the_book(real, generated), rel=1e-6
    )
