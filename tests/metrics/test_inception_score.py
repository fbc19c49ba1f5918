"""The Inception score: closed forms, torchmetrics without its dice, and an honest interval."""

import math

import pytest
import torch
from torch import Tensor, nn

from metrics import Features, InceptionScore
from metrics.errors import NonFiniteError, TooFewSamplesError, UnfitError, WidthError
from metrics.inception_score import inception_score, without_each
from metrics.intervals import jackknife


def logits(count: int, seed: int = 0, *, classes: int = 10, sharpness: float = 3.0) -> Tensor:
    return sharpness * torch.randn(count, classes, generator=torch.Generator().manual_seed(seed))


def test_sure_and_evenly_spread_answers_score_the_number_of_classes():
    assert inception_score(100 * torch.eye(10).repeat(5, 1)).item() == pytest.approx(10)


def test_one_answer_for_all_samples_scores_one():
    assert inception_score(logits(1).repeat(20, 1)).item() == pytest.approx(1)


def test_doubt_scores_one():
    assert inception_score(torch.zeros(20, 10)).item() == pytest.approx(1)


@pytest.mark.parametrize(("count", "mean", "spread"), [(64, 9.31, 0.32), (1000, 9.955, 0.021)])
def test_a_perfect_generator_scores_what_it_is_published_to_score(count, mean, spread):
    scores = []
    for seed in range(100):
        classes = torch.randint(10, (count,), generator=torch.Generator().manual_seed(seed))
        scores.append(inception_score(100 * torch.eye(10)[classes]))
    assert torch.stack(scores).mean().item() == pytest.approx(mean, abs=4 * spread / 10)
    assert torch.stack(scores).std().item() == pytest.approx(spread, rel=0.3)


def test_torchmetrics_agrees_when_it_does_not_split():
    from torchmetrics.image.inception import InceptionScore as Theirs

    class Through(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            return features

    with pytest.warns(UserWarning, match="will save all extracted features"):
        theirs = Theirs(Through(), splits=1)
    ours = InceptionScore()
    with torch.random.fork_rng(devices=[]):
        theirs.update(logits(200).double())
        with pytest.warns(UserWarning, match="degrees of freedom"):
            mean, _ = theirs.compute()
    ours.update(logits(200))
    assert float(ours.compute()) == pytest.approx(float(mean), rel=1e-9)


def test_the_stream_and_the_order_of_samples_do_not_matter():
    metric = InceptionScore()
    for part in logits(100).flip(0).split(17):
        metric.update(Features(torch.zeros(len(part), 1), part))
    assert float(metric.compute()) == pytest.approx(inception_score(logits(100)).item(), rel=1e-12)


def test_workers_merge_their_states_into_the_state_of_one():
    one, two = InceptionScore(), InceptionScore()
    one.update(logits(100)[:30])
    two.update(logits(100)[30:])
    one.merge_state(two)
    assert float(one.compute()) == pytest.approx(inception_score(logits(100)).item(), rel=1e-12)


def test_computing_twice_gives_the_same_bits_and_moves_no_global_stream():
    before = torch.get_rng_state()
    metric = InceptionScore()
    metric.update(logits(100))
    first = metric.compute()
    metric._computed = None
    assert torch.equal(metric.compute(), first)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_reals_are_not_read():
    metric = InceptionScore()
    metric.update(logits(100))
    before = float(metric.compute())
    metric.update(logits(100, 1), real=True)
    assert float(metric.compute()) == before


def test_an_extractor_without_logits_is_refused():
    with pytest.raises(UnfitError, match="needs class logits"):
        InceptionScore().update(Features(torch.rand(5, 3)))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_logits_that_are_not_finite_are_refused(bad):
    broken = logits(10)
    broken[4, 1] = bad
    with pytest.raises(NonFiniteError, match="batch 1 of the generated features"):
        InceptionScore().update(broken)


def test_huge_logits_are_scored():
    assert math.isfinite(inception_score(1e300 * logits(30).double()).item())


def test_logits_of_another_width_are_refused():
    metric = InceptionScore()
    metric.update(logits(5))
    with pytest.raises(WidthError, match="has the width 7, but 10 is expected"):
        metric.update(logits(5, classes=7))


def test_one_sample_is_too_few():
    metric = InceptionScore()
    metric.update(logits(1))
    with pytest.raises(TooFewSamplesError):
        metric.compute()


def test_leaving_out_each_sample_at_once_is_leaving_it_out():
    samples = logits(30)
    slowly = [inception_score(torch.cat([samples[:place], samples[place + 1 :]])).item() for place in range(30)]
    assert without_each(samples).tolist() == pytest.approx(slowly, rel=1e-12)


@pytest.mark.parametrize("count", [30, 300])
def test_the_interval_holds_the_expected_score_at_this_number_of_samples(count):
    draws = [logits(count, seed) for seed in range(300)]
    values = [inception_score(draw).item() for draw in draws]
    expected = sum(values) / len(values)
    intervals = [jackknife(value, without_each(draw)) for value, draw in zip(values, draws, strict=True)]
    assert sum(low <= expected <= high for low, high in intervals) / len(draws) > 0.912
