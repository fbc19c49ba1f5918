"""The other judges of features: closed forms and what each is for."""

import math

import pytest
import torch
from torch import Tensor

from metrics import ClassFrechet, Features, FrechetInfinity, MemorisationInformed, Utility, evaluate_features, reference
from metrics.classwise import accuracy, within_classes
from metrics.errors import TooFewSamplesError, UnfitError, WidthError
from metrics.extrapolation import extrapolated
from metrics.features import load
from metrics.frechet import frechet_distance
from metrics.memorisation import nearest_cosine, penalty
from metrics.moments import Gaussian
from metrics.parzen import log_likelihood, parzen
from metrics.sliced import sliced_wasserstein
from metrics.vendi import vendi


def cloud(count: int, width: int, seed: int, *, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def test_the_extrapolated_distance_of_the_same_law_has_lost_most_of_its_bias():
    real, found, biased = Gaussian(torch.zeros(8).double(), torch.eye(8).double()), [], []
    for seed in range(20):
        draw = cloud(200, 8, seed)
        biased.append(float(frechet_distance(real, Gaussian.of(draw))))
        found.append(float(extrapolated(real, draw)))
    assert abs(sum(found)) < 0.15 * sum(biased)


def test_too_few_samples_for_a_line_give_no_extrapolation():
    identity = load("identity")
    known = reference.build(
        identity, cloud(50, 8, 0), range="features", digest="d", split="select", metrics=["fd_infinity"]
    )
    assert evaluate_features(Features(cloud(50, 8, 1)), known, ["fd_infinity"]).scores == {}
    assert set(evaluate_features(Features(cloud(64, 8, 1)), known, ["fd_infinity"]).scores) == {"fd_infinity_identity"}
    few = FrechetInfinity(reference=known)
    few.update(cloud(3, 8, 1))
    with pytest.raises(TooFewSamplesError, match="at least 20 generated samples, but there are 3"):
        few.compute()


def test_copies_are_penalised_by_the_mean_over_generated_samples():
    real = cloud(2000, 16, 0)
    # torchmetrics takes the mean over reals: these few copies are far from nearly all of them, and go unpunished.
    copies = real[:20]
    assert penalty(nearest_cosine(real, copies)) > 1e10
    assert penalty(nearest_cosine(copies, real)) == 1
    assert penalty(nearest_cosine(real, cloud(200, 16, 1))) == 1


def test_the_informed_distance_is_the_distance_unless_something_was_copied():
    real, fresh = cloud(200, 16, 0), cloud(200, 16, 1)
    for generated, times in ((fresh, 1.0), (real + 1e-3 * fresh, penalty(nearest_cosine(real, real + 1e-3 * fresh)))):
        metric = MemorisationInformed()
        metric.update(real, real=True)
        metric.update(generated)
        distance = frechet_distance(Gaussian.of(real), Gaussian.of(generated))
        assert float(metric.compute()) == pytest.approx(float(distance * times), rel=1e-6)


@pytest.mark.parametrize("count", [100, 130, 250])
def test_the_sliced_distance_of_a_moved_cloud_is_the_step_over_the_root_of_the_width(count):
    rows = cloud(100, 4, 0)
    longer = rows.repeat(5, 1)[: 5 * 100] if count == 250 else rows[: min(count, 100)]
    step = torch.tensor([3.0, 0.0, 0.0, 0.0]).double()
    assert sliced_wasserstein(rows, longer + step).item() == pytest.approx(1.5, rel=0.05)


def test_unequal_samples_are_compared_by_their_quantile_functions():
    one, other = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[0.0], [0.0], [1.0]]).double()
    # They differ by 1 between 1/2 and 2/3.
    assert sliced_wasserstein(one, other, directions=3).item() == pytest.approx(math.sqrt(1 / 6))
    assert sliced_wasserstein(one, one.repeat(3, 1), directions=3).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("copies", [1, 7])
def test_the_vendi_score_counts_what_is_different(copies):
    assert vendi(torch.eye(5).repeat(copies, 1)).item() == pytest.approx(5)
    assert vendi(torch.ones(5, 3)).item() == pytest.approx(1)


def test_the_density_of_one_kernel_is_the_gaussian():
    points, widths = cloud(50, 3, 0), torch.tensor([0.5, 2.0]).double()
    for width, found in zip(widths, log_likelihood(points, torch.zeros(1, 3), widths), strict=True):
        truth = torch.distributions.Normal(0, width).log_prob(points).sum(1).mean()
        assert found.item() == pytest.approx(truth.item())


def test_the_likelihood_of_the_same_law_is_greater_than_that_of_another():
    real = cloud(300, 3, 0)
    assert parzen(real, cloud(300, 3, 1)) > parzen(real, cloud(300, 3, 1, shift=1.0))


def labelled(count: int, seed: int, *, swapped: bool = False) -> Features:
    labels = torch.arange(count) % 2
    rows = cloud(count, 4, seed)
    rows[:, 0] += 6 * (labels.double() - 0.5)
    return Features(rows, labels=1 - labels if swapped else labels)


@pytest.mark.parametrize(("swapped", "accurate", "apart"), [(False, True, False), (True, False, True)])
def test_swapped_classes_are_seen_by_the_scores_that_read_them(swapped, accurate, apart):
    metrics = ClassFrechet(), Utility()
    for metric in metrics:
        metric.update(labelled(400, 0), real=True)
        metric.update(labelled(400, 1, swapped=swapped))
    distance, worth = metrics[0].compute(), metrics[1].compute()
    assert (distance > 20) == apart
    assert (worth["utility"] > 0.98) == accurate
    assert worth["utility_gain"] <= 0.01


def test_classes_are_what_the_extractor_says_unless_there_are_labels():
    logits = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
    assert Features(torch.zeros(2, 1), logits).classes.tolist() == [1, 0]
    assert Features(torch.zeros(2, 1), logits, torch.tensor([5, 6])).classes.tolist() == [5, 6]
    with pytest.raises(UnfitError, match="needs the class of each sample"):
        Utility().update(Features(torch.zeros(2, 1)))


def test_classes_of_one_sample_are_left_out():
    rows, classes = cloud(5, 2, 0), torch.tensor([0, 0, 1, 2, 2])
    assert len(within_classes(rows, classes, rows, classes)) == 2
    with pytest.raises(TooFewSamplesError, match="a class with 2 real and 2 generated"):
        within_classes(rows[:1], classes[:1], rows[:1], classes[:1])


def test_a_constant_feature_teaches_nothing_and_breaks_nothing():
    ones, answers = torch.ones(10, 3), torch.arange(10) % 2
    assert accuracy(ones, answers, ones, answers) == 0.5


@pytest.mark.parametrize("family", ["kd", "mifd", "sliced_wasserstein", "spread", "ndb", "parzen"])
def test_another_width_is_refused(family):
    identity = load("identity")
    known = reference.build(identity, cloud(50, 8, 0), range="features", digest="d", split="select", metrics=[family])
    with pytest.raises(WidthError, match="width 5, but 8 is expected"):
        evaluate_features(Features(cloud(50, 5, 1)), known, [family])
