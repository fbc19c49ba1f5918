"""Networks: a replica axis that changes nothing, products that are differentiable twice, and modes that are said."""

import pytest
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from gans import ConfigError
from gans.configuration import describe
from gans.memory import take
from gans.networks import (
    Alone,
    BatchNorm,
    ByKind,
    Convolutional,
    Maxout,
    Modes,
    Perceptron,
    Perceptrons,
    Residual,
    bind,
    rebuilt,
    rows,
)
from gans.networks.layers import Spectral
from gans.networks.maxout import StackedBatchNorm
from gans.streams import seeded


def test_stacked_perceptrons_are_the_single_ones_side_by_side():
    builder = Perceptrons(width=6)
    singles = [builder.generator((2,), 3) for _ in range(4)]
    stacked = builder.generator((2,), 3, replicas=4)
    bind(stacked, *(torch.cat(parts) for parts in zip(*(rows(single, 1) for single in singles), strict=True)))
    latents = torch.randn(4, 5, 3)
    apart = [single(latents[i : i + 1]) for i, single in enumerate(singles)]
    assert torch.allclose(stacked(latents), torch.cat(apart), atol=1e-6)


def test_a_perceptron_is_the_plain_network_of_its_formula():
    network = Perceptrons(width=6).discriminator((2,))
    (w0, b0), (w1, b1), (w2, b2) = [(weight[0], bias[0]) for weight, bias in network.layers]
    x = torch.randn(5, 2)
    hidden = nn.functional.leaky_relu(nn.functional.leaky_relu(x @ w0 + b0, 0.2) @ w1 + b1, 0.2)
    assert torch.allclose(network(x[None])[0], (hidden @ w2 + b2)[:, 0], atol=1e-6)


def test_the_a5_networks_have_the_published_number_of_weights():
    generator, discriminator = Perceptrons().generator((2,), 16), Perceptrons().discriminator((2,))
    assert sum(p.numel() for p in generator.parameters()) == 18_946
    assert sum(p.numel() for p in discriminator.parameters()) == 2 * 128 + 128 + 128 * 128 + 128 + 128 + 1


@pytest.mark.parametrize("widths", [(5, 1), (2, 9, 1), (16, 9, 9, 2), (1, 3, 10)], ids=str)
@pytest.mark.parametrize("told", [True, False])
def test_a_chain_is_its_layers_and_its_slopes_are_theirs(widths, told):
    random = torch.Generator().manual_seed(0)
    network = Perceptron(widths, replicas=2, shape=(widths[-1],), squash=False).double()
    x = torch.randn(2, 4, widths[0], generator=random, dtype=torch.float64, requires_grad=told)
    network.numbers.requires_grad_(not told)
    learns = x if told else network.numbers
    out = x
    for number, (weight, bias) in enumerate(network.layers):
        out = bias + (leaky_relu(out, 0.2) if number else out) @ weight
    torch.testing.assert_close(network(x), out, rtol=0, atol=1e-13)
    back = torch.randn(out.shape, generator=random, dtype=torch.float64)
    ours, theirs = (torch.autograd.grad(each, learns, back)[0] for each in (network(x), out))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-13)


def test_a_perceptron_whose_samples_and_weights_both_learn_is_differentiable_twice():
    network = Perceptron((3, 9, 2), replicas=2, shape=(2,), squash=False).double()
    x = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(network, (x,))
    (slope,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
    assert torch.autograd.grad(slope.square().sum(), network.numbers)[0].abs().max() > 0


def test_who_asks_for_a_slope_that_was_not_kept_is_told():
    network = Perceptron((3, 9, 2), replicas=1, shape=(2,), squash=False).requires_grad_(False)
    x = torch.randn(1, 4, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="where samples and weights both require them"):
        torch.autograd.grad(network(x).sum(), x, create_graph=True)


def test_a_perceptron_follows_its_numbers_wherever_they_go():
    network, x = Perceptrons(width=6).generator((2,), 3), torch.randn(1, 5, 3)
    before = network(x)
    numbers, statistics = rows(network, 1)
    bind(network, 2 * numbers, statistics)
    assert not torch.equal(network(x), before)
    bind(network, numbers, statistics)
    assert torch.equal(network(x), before)
    network.double()
    assert network(x.double()).dtype == torch.float64


def test_a_buffer_is_lent_again_when_nobody_holds_it():
    like = torch.empty(0)
    first, second = take((256, 128), like), take((256, 128), like)
    assert first.data_ptr() != second.data_ptr()
    assert first.data_ptr() % 64 == 0
    kept = first.data_ptr()
    view = first[0].detach()
    del first
    assert take((256, 128), like).data_ptr() != kept
    del view
    assert take((256, 128), like).data_ptr() == kept


@pytest.mark.parametrize("size", [8, 16, 28, 32, 64])
@pytest.mark.parametrize("normed", [True, False])
def test_convolutions_fit_every_size_that_they_name(size, normed):
    builder, shape = Convolutional(width=2, discriminator_norm="batch" if normed else "none"), (3, size, size)
    assert builder.supports(shape) is None
    images = builder.generator(shape, 4)(torch.randn(1, 2, 4))
    assert images.shape == (1, 2, *shape)
    assert images.abs().max() <= 1
    discriminator = builder.discriminator(shape)
    assert discriminator(images).shape == (1, 2)
    assert bool(Modes(discriminator).norms) == (normed and size > 8)


@pytest.mark.parametrize("shape", [(2,), (1, 28, 32), (1, 27, 27), (3, 100, 100), (1, 4, 4)])
def test_convolutions_refuse_shapes_that_they_cannot_halve(shape):
    assert "convolutions need" in Convolutional().supports(shape)


@pytest.mark.parametrize("kind", [(2,), (1, 8, 8)])
def test_networks_by_kind_are_perceptrons_on_points_and_convolutions_on_images(kind):
    chosen = ByKind(width=4).on(kind)
    assert chosen == (Perceptrons(width=16) if kind == (2,) else Convolutional(width=4, discriminator_norm="none"))
    assert ByKind(width=4).stacks(kind) == (kind == (2,))


def test_our_batch_norm_is_torchs_in_each_of_its_modes():
    ours, theirs = BatchNorm(3), nn.BatchNorm2d(3)
    x = torch.randn(8, 3, 4, 4) * 2 + 1
    assert torch.allclose(ours(x), theirs(x))
    remembered = ours.running_mean.clone(), ours.running_var.clone()
    assert torch.equal(remembered[0], theirs.running_mean)
    assert torch.equal(remembered[1], theirs.running_var)
    ours.mode = "visiting"
    assert torch.allclose(ours(x), theirs(x))
    assert torch.equal(ours.running_mean, remembered[0])
    ours.mode, theirs = "running", theirs.eval()
    theirs.running_mean, theirs.running_var = remembered
    assert torch.allclose(ours(x), theirs(x))


def test_parameters_and_statistics_are_views_of_their_rows():
    network = Convolutional(width=2).generator((1, 8, 8), 4)
    weights, statistics = rows(network, 1)
    bind(network, weights, statistics)
    latents = torch.randn(1, 6, 4)
    before = network(latents)
    weights.mul_(2)
    assert not torch.allclose(network(latents), before)
    assert statistics.abs().max() > 0
    assert torch.equal(rows(network, 1)[0], weights)
    assert torch.equal(rows(network, 1)[1], statistics)


def test_a_network_without_parameters_cannot_play():
    with pytest.raises(ConfigError, match="a player needs parameters to train, but Tanh has none"):
        rows(nn.Tanh(), 1)


def test_construction_under_a_seed_leaves_no_trace_in_the_global_stream():
    before = torch.get_rng_state()
    with seeded(0, "generator"):
        first = rows(Alone(nn.Linear(3, 3)), 1)[0]
    with seeded(0, "generator"):
        second = rows(Alone(nn.Linear(3, 3)), 1)[0]
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "builder", [Perceptrons(width=3), Convolutional(width=3), ByKind(width=3), Residual(width=3), Maxout()], ids=repr
)
def test_a_builder_of_the_catalogue_is_rebuilt_from_its_description_and_others_are_not(builder):
    assert rebuilt(describe(builder)) == builder
    with pytest.raises(ConfigError, match="networks of type 'System' are not in the catalogue"):
        rebuilt({"type": "System", "command": "true"})


def test_the_a2_networks_have_the_published_number_of_weights():
    def products(network):
        return sum(p.numel() for name, p in network.named_parameters() if p.shape[1:2] != (1,) and "weight" in name)

    assert products(Maxout().generator((2,), 2)) == 481_600
    assert products(Maxout().discriminator((2,))) == 402_200


def test_stacked_batch_norm_is_torchs_for_every_replica():
    ours, theirs = StackedBatchNorm(3, 2), [nn.BatchNorm1d(3, momentum=0.05) for _ in range(2)]
    x = torch.randn(2, 8, 3) * 2 + 1
    expected = torch.stack([norm(part) for norm, part in zip(theirs, x, strict=True)])
    assert torch.allclose(ours(x), expected, atol=1e-6)
    assert torch.allclose(ours.var[:, 0], torch.stack([norm.running_var for norm in theirs]))
    ours.mode = "running"
    expected = torch.stack([norm.eval()(part) for norm, part in zip(theirs, x, strict=True)])
    assert torch.allclose(ours(x), expected, atol=1e-6)


def test_a_spectral_product_has_the_norm_1_after_many_passes_and_remembers_only_its_own_turn():
    layer = Spectral(nn.Linear(6, 4))
    for _ in range(50):
        layer(torch.randn(2, 6))
    matrix = layer.product.weight.detach()
    kept = layer.left.clone()
    layer.mode = "visiting"
    basis = layer(torch.eye(6)) - layer(torch.zeros(1, 6))
    assert torch.linalg.matrix_norm(basis, 2).item() == pytest.approx(1, abs=1e-3)
    assert torch.equal(layer.left, kept)
    assert torch.allclose(basis.T * torch.linalg.matrix_norm(matrix, 2), matrix, atol=1e-3)


@pytest.mark.parametrize("kind", ["batch", "layer", "group", "none"])
@pytest.mark.parametrize("spectral", [False, True])
def test_only_batch_norm_lets_samples_see_each_other(kind, spectral):
    builder = Convolutional(width=4, discriminator_norm=kind, spectral=spectral)
    network, images = builder.discriminator((1, 16, 16)), torch.randn(1, 6, 1, 16, 16)
    Modes(network).set("visiting")
    alone = torch.allclose(network(images)[:, :2], network(images[:, :2]), atol=1e-6)
    assert alone != builder.discriminator_mixes_samples
    assert (kind == "batch") == builder.discriminator_mixes_samples


@pytest.mark.parametrize("size", [8, 28, 32])
def test_residual_networks_fit_images_and_give_as_many_outputs_as_are_asked_for(size):
    builder = Residual(width=4)
    images = builder.generator((3, size, size), 5)(torch.randn(1, 2, 5))
    assert images.shape == (1, 2, 3, size, size)
    assert builder.discriminator((3, size, size))(images).shape == (1, 2)
    assert builder.discriminator((3, size, size), 1, 7)(images).shape == (1, 2, 7)
