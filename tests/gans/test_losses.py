"""Losses as closed forms, and the direction in which each pushes."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from gans import ConfigError
from gans.losses import LOSSES, Hinge, LeastSquares, Minimax, NonSaturating, Relativistic, Swapped, Wasserstein

REAL = torch.tensor([[0.75, -1.0, 0.5]], dtype=torch.float64)
FAKE = torch.tensor([[0.25, 0.9, 0.5]], dtype=torch.float64)  # short of every target and within every margin


@pytest.mark.parametrize("loss", [Minimax(), NonSaturating()], ids=repr)
def test_discriminator_minimises_the_cross_entropy_of_real_and_fake(loss):
    ones, zeros = torch.ones_like(REAL), torch.zeros_like(FAKE)
    expected = cross_entropy(REAL, ones, reduction="none") + cross_entropy(FAKE, zeros, reduction="none")
    assert torch.allclose(loss.discriminator(REAL, FAKE), expected)


def test_the_value_of_the_game_at_equilibrium_is_minus_log_4():
    undecided = torch.zeros(1, 1, dtype=torch.float64)
    assert -Minimax().discriminator(undecided, undecided).item() == pytest.approx(-math.log(4))


def test_minimax_generator_plays_the_discriminators_value_with_the_other_sign():
    of_fakes = Minimax().discriminator(REAL, FAKE) - torch.nn.functional.softplus(-REAL)
    assert torch.allclose(Minimax().generator(REAL, FAKE), -of_fakes)


def test_minimax_fades_against_a_confident_discriminator_and_non_saturating_does_not():
    slopes = []
    for loss in (Minimax(), NonSaturating()):
        fake = torch.tensor([[-20.0]], requires_grad=True)
        loss.generator(fake, fake).sum().backward()
        slopes.append(fake.grad.abs().item())
    assert slopes[0] < 1e-8
    assert slopes[1] == pytest.approx(1)


def test_non_saturating_generator_minimises_the_cross_entropy_of_calling_its_samples_real():
    expected = cross_entropy(FAKE, torch.ones_like(FAKE), reduction="none")
    assert torch.allclose(NonSaturating().generator(REAL, FAKE), expected)


def test_swapped_generator_minimises_the_discriminators_loss_with_the_sides_exchanged():
    assert torch.equal(Swapped().generator(REAL, FAKE), Swapped().discriminator(FAKE, REAL))


def test_least_squares_draws_reals_to_1_and_fakes_to_0_and_the_generators_to_1():
    at = torch.tensor([[3.0]], dtype=torch.float64)
    assert LeastSquares().discriminator(at, at).item() == (3 - 1) ** 2 / 2 + 3**2 / 2
    assert LeastSquares().generator(at, at).item() == (3 - 1) ** 2 / 2


def test_hinge_costs_nothing_past_the_margin():
    far, near = torch.tensor([[1.5, -1.5]]), torch.tensor([[0.25, -0.25]])
    assert Hinge().discriminator(far[:, :1], far[:, 1:]).item() == 0
    assert Hinge().discriminator(near[:, :1], near[:, 1:]).item() == 2 * 0.75
    assert torch.equal(Hinge().generator(near, far), -far)
    with pytest.raises(ConfigError, match=r"loss\.margin must be a finite number above 0"):
        Hinge(margin=0)


def test_relativistic_losses_see_only_differences_and_sum_to_log_4_at_equilibrium():
    loss = Relativistic()
    assert torch.allclose(loss.discriminator(REAL + 7, FAKE + 7), loss.discriminator(REAL, FAKE))
    both = loss.discriminator(REAL, REAL) + loss.generator(REAL, REAL)
    assert torch.allclose(both, torch.full_like(REAL, math.log(4)))


def test_wasserstein_compares_scores_without_a_sigmoid():
    assert torch.equal(Wasserstein().discriminator(REAL, FAKE), FAKE - REAL)
    assert torch.equal(Wasserstein().generator(REAL, FAKE), -FAKE)


@pytest.mark.parametrize("loss", [make() for make in LOSSES.values()], ids=repr)
def test_extreme_logits_stay_finite(loss):
    far = torch.tensor([[1e4, -1e4]])
    assert loss.discriminator(far, -far).isfinite().all()
    assert loss.generator(far, far).isfinite().all()
