"""What theory says about the game, found again by training: optimal discriminators, the equilibrium, parallel lines."""

import math
from dataclasses import dataclass, replace

import pytest
import torch

from gans import variant
from gans.data import Split, Synthetic, load
from gans.replicas import Stack
from gans.schedules import Cosine


def affine(stack, scale, shift):
    """Make the generator z -> scale z + shift, exactly: leaky(a) - leaky(-a) is 1.2 a."""
    network = stack.generator.network
    (w0, b0), (w1, b1), (w2, b2) = network.layers
    for tensor in (w0, b0, w1, b1, w2, b2):
        tensor.data.zero_()
    for place, (factor, _) in enumerate(zip(scale, shift, strict=True)):
        here = slice(2 * place, 2 * place + 2)
        w0.data[0, min(place, w0.shape[1] - 1), here] = torch.tensor([1.0, -1.0])
        w1.data[0, here, here] = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]) / 1.2
        w2.data[0, here, place] = torch.tensor([factor, -factor]) / 1.2
    b2.data[0, 0] = torch.tensor(shift)


def frozen(name, data, scale, shift, *, images, width=64, batch=512, **fields):
    """A game whose generator is affine and stays so."""
    changes = {"width": width, "batch": batch, "latent": len(scale), "generator_lr": 1e-30, "discriminator_lr": 5e-3}
    made = replace(variant(name, changes), schedule=Cosine(images=images), discriminator_steps=1, **fields)
    stack = Stack([made], data, (0,))
    affine(stack, scale, shift)
    return stack


def played(stack, images):
    start = stack.generator.weights.clone()
    while stack.step * stack.variant.images_per_step < images:
        stack.advance()
    assert torch.allclose(stack.generator.weights, start)
    return stack


def density(x, mean, std):
    return torch.exp(-(((x - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))


def test_against_a_frozen_generator_the_discriminator_becomes_p_over_p_plus_q():
    data = load({"name": "gaussian1d", "mean": 1.0, "std": 0.8})
    stack = played(frozen("gan", data, [1.2], [-0.5], images=1_500_000), 1_500_000)
    x = torch.linspace(-3, 3, 121).unsqueeze(1)
    p, q = density(x, 1.0, 0.8), density(x, -0.5, 1.2)
    seen = (p + q).squeeze(1) > 0.04  # where there are samples to learn from
    probability = stack.look(0, x).sigmoid()
    assert (probability - (p / (p + q)).squeeze(1))[seen].abs().max() < 0.02


@pytest.mark.parametrize("name", ["gan", "gan_minimax"])
def test_the_value_of_a_generator_that_is_exact_is_minus_log_4(name):
    stack = played(frozen(name, load("gaussian1d"), [0.5], [4.0], images=400_000), 400_000)
    assert stack.diagnostics(0)["value_above_equilibrium"] == pytest.approx(0, abs=0.01)
    assert stack.diagnostics(0)["real_probability"] == pytest.approx(0.5, abs=0.02)


@dataclass(frozen=True)
class Line:
    """The points (0, z): the data of example 1 of Arjovsky et al. (2017), with a normal in place of a uniform z."""

    dimensions: int = 2
    modes: None = None

    def draw(self, count, random):
        z = torch.randn(count, generator=random, device=random.device)
        return Split(torch.stack([torch.zeros_like(z), z], 1))


@pytest.mark.parametrize("distance", [0.25, 0.5, 1.0])
def test_between_parallel_lines_jensen_shannon_is_flat_and_wasserstein_is_linear(distance):
    lines, images = Synthetic(name="line", law=Line()), 60_000
    parted = played(frozen("gan", lines, [0.0, 1.0], [distance, 0.0], images=images, batch=128), images)
    # The value is 2 JS - log 4 at the optimum, and JS = log 2 wherever the lines do not touch.
    jensen_shannon = parted.diagnostics(0)["value_above_equilibrium"] / 2
    assert jensen_shannon == pytest.approx(math.log(2), abs=0.02)
    critic = played(frozen("wgan_gp", lines, [0.0, 1.0], [distance, 0.0], images=images, batch=128, width=16), images)
    assert critic.diagnostics(0)["wasserstein_estimate"] == pytest.approx(distance, rel=0.15)


def test_slopes_of_a_perceptron_equal_those_of_finite_differences_in_double_precision():
    from gans.networks import Perceptrons
    from gans.penalties import UnitSlope, ZeroSlopes, squared_slope

    random = torch.Generator().manual_seed(0)
    network = Perceptrons(width=8).discriminator((3,)).double()
    real, fake = (torch.randn(1, 5, 3, generator=random, dtype=torch.float64) for _ in range(2))
    share = torch.rand(1, 5, generator=random, dtype=torch.float64)

    def by_differences(x, h=1e-6):
        steps = h * torch.eye(3, dtype=torch.float64)
        return torch.stack([(network(x + s) - network(x - s)) / (2 * h) for s in steps], 2).square().sum(2)

    assert torch.allclose(squared_slope(network, real), by_differences(real), atol=1e-7)
    mixed = real + share.unsqueeze(2) * (fake - real)
    expected = (by_differences(mixed).sqrt() - 1).square()
    assert torch.allclose(UnitSlope()(network, real, fake, lambda _: share), expected, atol=1e-7)
    both = (by_differences(real) + by_differences(fake)) / 2
    assert torch.allclose(ZeroSlopes()(network, real, fake, lambda _: share), both, atol=1e-7)


def test_no_loss_but_that_of_wasserstein_is_clipped():
    from gans import VARIANTS

    assert [name for name in VARIANTS if getattr(variant(name), "constraint", None)] == ["wgan"]
