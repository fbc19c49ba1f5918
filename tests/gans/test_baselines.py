"""Baselines: a mixture finds the modes of a mixture, draws from streams, and says what it cannot do."""

import pytest
import torch

from gans import ConfigError, baseline
from gans.baselines import BASELINES, FittedMixture
from gans.data import load


@pytest.fixture(scope="module")
def ring():
    return load("ring8")


def test_a_mixture_of_eight_finds_the_ring(ring):
    fitted = baseline("gmm", {"components": 8, "points": 2000}).fit(ring)
    assert fitted.converged
    distance = torch.cdist(ring.modes.centres.double(), fitted.means).amin(1)
    assert distance.max() < 0.05
    assert fitted.stds.mean().item() == pytest.approx(ring.modes.std, rel=0.1)
    samples = fitted.sample(4000)
    nearest = torch.cdist(samples, ring.modes.centres).min(1)
    assert nearest.indices.bincount(minlength=8).min() > 400
    assert (nearest.values <= 3 * ring.modes.std).float().mean() > 0.97


def test_one_component_is_the_mean_and_the_standard_deviation(ring):
    train = ring.split("train", 500).samples.double()
    fitted = baseline("gmm", {"components": 1, "points": 500, "floor": 1e-9}).fit(ring)
    torch.testing.assert_close(fitted.means[0], train.mean(0))
    torch.testing.assert_close(fitted.stds[0], train.std(0, correction=0), rtol=1e-6, atol=0)


def test_samples_are_given_by_seed_and_stream_alone(ring):
    made = baseline("gmm", {"components": 4, "points": 200})
    one, other = made.fit(ring, seed=1), made.fit(ring, seed=2)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert torch.equal(one.sample(20), made.fit(ring, seed=1).sample(20))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(one.sample(20), one.sample(20, "final"))
    assert not torch.equal(one.sample(20), other.sample(20))


def test_images_come_in_the_range_of_images(pictures):
    fitted = baseline("gmm", {"components": 3}).fit(pictures)
    images = fitted.sample(50)
    assert images.shape == (50, 1, 8, 8)
    assert images.dtype == torch.float32
    assert (images.amin().item(), images.amax().item()) == (-1, 1)


def test_shares_are_drawn_as_they_were_learned():
    means, stds = torch.tensor([[0.0], [9.0]]), torch.full((2, 1), 0.1)
    fitted = FittedMixture(0, (1,), torch.tensor([0.25, 0.75]), means.double(), stds.double(), converged=True)
    assert (fitted.sample(20_000) > 4).float().mean().item() == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"components": 0}, "components must be a whole number of at least 1, but 0 came"),
        ({"floor": 0}, "floor must be a finite number above 0, but 0 came"),
        ({"latent": 3}, "Mixture has no 'latent'"),
        ({"components": 41}, "41 components need as many samples, but pictures has 40 to learn from"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, said, pictures):
    with pytest.raises(ConfigError, match=said):
        baseline("gmm", changes).fit(pictures)


def test_an_unknown_baseline_is_answered_with_those_that_there_are():
    with pytest.raises(ConfigError, match="there is no baseline 'kde'; there are gmm"):
        baseline("kde")
    assert all(each.summary and each.paper for each in BASELINES.values())


def test_a_fit_that_ran_out_of_passes_says_so(ring):
    assert not baseline("gmm", {"components": 8, "points": 2000, "passes": 1}).fit(ring).converged
