"""Penalties against closed forms: each known way of writing them wrong gives another number."""

import pytest
import torch
from torch import Tensor

from gans import ConfigError
from gans.losses import Wasserstein
from gans.networks import Convolutional, Perceptrons
from gans.penalties import Clip, UnitSlope, ZeroSlope, ZeroSlopeAtFakes, ZeroSlopes
from gans.variants import Variant

SEED = torch.Generator().manual_seed(0)
REAL = torch.randn(2, 5, 3, 4, 4, generator=SEED, dtype=torch.float64)
FAKE = torch.randn(2, 5, 3, 4, 4, generator=SEED, dtype=torch.float64)
SLOPES = [UnitSlope(), ZeroSlope(), ZeroSlopeAtFakes(), ZeroSlopes()]


def uniform(shape: tuple[int, ...]) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def linear(direction: Tensor):
    return lambda samples: (samples * direction).flatten(2).sum(2)


def quadratic(samples: Tensor) -> Tensor:
    return samples.square().flatten(2).sum(2) / 2  # its slope at x is x


def test_slope_of_a_linear_critic_is_the_norm_over_all_dimensions_of_its_direction():
    direction = torch.randn(3, 4, 4, generator=SEED, dtype=torch.float64)
    value = UnitSlope()(linear(direction), REAL, FAKE, uniform)
    # Over channels only, or over pixels only, the norm would be a map of numbers and not this one.
    assert torch.allclose(value, (direction.norm() - 1).square().expand(2, 5))


def test_reals_and_fakes_are_mixed_by_one_share_per_sample():
    value = UnitSlope()(quadratic, REAL, FAKE, uniform)
    share = uniform((2, 5))[..., None, None, None]
    mixed = REAL + share * (FAKE - REAL)
    assert torch.allclose(value, (mixed.flatten(2).norm(dim=2) - 1).square())


def test_zero_slope_is_half_the_squared_slope_at_the_data():
    value = ZeroSlope()(quadratic, REAL, FAKE, uniform)
    assert torch.allclose(value, REAL.square().flatten(2).sum(2) / 2)


def test_zero_slopes_are_those_at_the_data_and_at_the_samples():
    at_both = ZeroSlope()(quadratic, REAL, FAKE, uniform) + ZeroSlopeAtFakes()(quadratic, REAL, FAKE, uniform)
    assert torch.allclose(ZeroSlopeAtFakes()(quadratic, REAL, FAKE, uniform), FAKE.square().flatten(2).sum(2) / 2)
    assert torch.allclose(ZeroSlopes()(quadratic, REAL, FAKE, uniform), at_both)


def test_zero_slopes_at_intervals_are_refused_with_the_reason():
    with pytest.raises(
        ConfigError, match=r"penalty\.every must be 1 .* 8 came: taken at intervals, .* did not converge"
    ):
        ZeroSlopes(every=8)


@pytest.mark.parametrize("penalty", SLOPES, ids=repr)
def test_slopes_of_one_sample_do_not_depend_on_the_others(penalty):
    whole = penalty(quadratic, REAL, FAKE, uniform)
    first = penalty(quadratic, REAL[:, :1], FAKE[:, :1], lambda shape: uniform((2, 5))[:, : shape[1]])
    assert torch.allclose(whole[:, :1], first)


@pytest.mark.parametrize("penalty", SLOPES, ids=repr)
def test_penalty_reaches_the_discriminators_weights(penalty):
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    penalty(lambda samples: scale * quadratic(samples), REAL, FAKE, uniform).sum().backward()
    # |grad D| = scale |x|, so that both penalties grow with the scale here.
    assert scale.grad > 0


def test_critic_without_a_slope_has_a_finite_gradient():
    scale = torch.tensor(0.0, requires_grad=True)
    UnitSlope()(lambda samples: scale * quadratic(samples), REAL, FAKE, uniform).sum().backward()
    assert scale.grad.isfinite()


@pytest.mark.parametrize("penalty", SLOPES, ids=repr)
def test_batch_norm_under_a_slope_penalty_is_refused_with_the_reason(penalty):
    mixing = Convolutional(discriminator_norm="batch")
    with pytest.raises(ConfigError, match="batch norm in the discriminator"):
        Variant(name="wrong", networks=mixing, loss=Wasserstein(), penalty=penalty)
    Variant(name="right", networks=Convolutional(discriminator_norm="none"), loss=Wasserstein(), penalty=penalty)
    Variant(name="right", networks=Perceptrons(), loss=Wasserstein(), penalty=penalty)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "10", True, None])
def test_numbers_that_cannot_be_meant_are_refused(value):
    with pytest.raises(ConfigError, match=r"penalty\.weight must be"):
        ZeroSlope(weight=value)
    with pytest.raises(ConfigError, match=r"constraint\.limit must be"):
        Clip(limit=value)
