"""One step of every variant equals a plain one, written here from its paper with torch's own layers and optimisers.

Weights and batch are shared, everything is in double precision, and nothing but the numbers comes from the engine: the
networks are rebuilt from `torch.nn`, the losses are the formulas as they are printed.
"""

# Every paper is given the whole batch and reads what it needs.
# ruff: noqa: ARG002

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, conv2d, cross_entropy, interpolate, linear, mse_loss, normalize

from gans import VARIANTS, variant
from gans.data import Finite, Split, load
from gans.networks import Perceptron
from gans.replicas import Stack

N, LATENT, WIDTH, CLASSES = 6, 5, 4, 8
STEPS = 2  # the second meets the optimisers' memory


def pictures():
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (64, 1, 16, 16), generator=random, dtype=torch.uint8)
    split = Split(images, torch.arange(64) % CLASSES)
    return Finite(name="pictures", splits=dict.fromkeys(("train", "select", "final"), split))


DATA = {"points": load("ring8"), "pictures": pictures()}
SIZE = {"points": 2, "pictures": 256}


# -- plain networks ----------------------------------------------------------------------------------------------------


def perceptron(*widths, squash=False):
    layers = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(nn.Flatten(), *layers[:-1], *([nn.Tanh()] if squash else []))


def dense_generator(kind, inputs, width=WIDTH):
    if kind == "points":
        return perceptron(inputs, width, width, 2)
    return nn.Sequential(
        perceptron(inputs, width, 2 * width, 4 * width, 8 * width, 256, squash=True), nn.Unflatten(1, (1, 16, 16))
    )


def dense_discriminator(kind, inputs, outputs, width=WIDTH):
    return perceptron(inputs, *((width, width) if kind == "points" else (4 * width, 2 * width)), outputs)


def conv_generator(inputs):
    return nn.Sequential(
        nn.Linear(inputs, 2 * WIDTH * 16, bias=False), nn.Unflatten(1, (2 * WIDTH, 4, 4)),
        nn.BatchNorm2d(2 * WIDTH), nn.ReLU(), nn.ConvTranspose2d(2 * WIDTH, WIDTH, 4, 2, 1, bias=False),
        nn.BatchNorm2d(WIDTH), nn.ReLU(), nn.ConvTranspose2d(WIDTH, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


def conv_discriminator(channels, outputs, *, batch_norm):
    return nn.Sequential(
        nn.Conv2d(channels, WIDTH, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(WIDTH, 2 * WIDTH, 4, 2, 1, bias=not batch_norm), *([nn.BatchNorm2d(2 * WIDTH)] if batch_norm else []),
        nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(2 * WIDTH * 16, outputs),
    )  # fmt: skip


class Up(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = nn.BatchNorm2d(WIDTH), nn.BatchNorm2d(WIDTH)
        self.c1, self.c2 = nn.Conv2d(WIDTH, WIDTH, 3, 1, 1), nn.Conv2d(WIDTH, WIDTH, 3, 1, 1)
        self.c0 = nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, x):
        h = self.c1(interpolate(self.n1(x).relu(), scale_factor=2))
        return self.c2(self.n2(h).relu()) + self.c0(interpolate(x, scale_factor=2))


def residual_generator(inputs):
    return nn.Sequential(
        nn.Linear(inputs, WIDTH * 16), nn.Unflatten(1, (WIDTH, 4, 4)), Up(), Up(),
        nn.BatchNorm2d(WIDTH), nn.ReLU(), nn.Conv2d(WIDTH, 1, 3, 1, 1), nn.Tanh(),
    )  # fmt: skip


class ResidualDiscriminator(nn.Module):
    """Three blocks and a linear layer over W / sigma(W), sigma by algorithm 1 of Miyato et al. (2018)."""

    def __init__(self):
        super().__init__()
        for name, (inputs, outputs, size) in {
            "a1": (1, WIDTH, 3), "a2": (WIDTH, WIDTH, 3), "a0": (1, WIDTH, 1),
            "b1": (WIDTH, WIDTH, 3), "b2": (WIDTH, WIDTH, 3), "b0": (WIDTH, WIDTH, 1),
            "c1": (WIDTH, WIDTH, 3), "c2": (WIDTH, WIDTH, 3),
        }.items():  # fmt: skip
            setattr(self, name, nn.Conv2d(inputs, outputs, size, 1, size // 2))
        self.last = nn.Linear(WIDTH, 1)
        self.u, self.v, self.iterate = {}, {}, True

    def weight(self, name):
        matrix = getattr(self, name).weight.flatten(1)
        with torch.no_grad():
            if self.iterate:
                self.v[name] = normalize(matrix.T @ self.u[name], dim=0)
                self.u[name] = normalize(matrix @ self.v[name], dim=0)
        return getattr(self, name).weight / (self.u[name] @ matrix @ self.v[name])

    def conv(self, name, x):
        layer = getattr(self, name)
        return conv2d(x, self.weight(name), layer.bias, padding=layer.padding)

    def forward(self, x):
        x = avg_pool2d(self.conv("a2", self.conv("a1", x).relu()), 2) + self.conv("a0", avg_pool2d(x, 2))
        x = avg_pool2d(self.conv("b2", self.conv("b1", x.relu()).relu()), 2) + self.conv("b0", avg_pool2d(x, 2))
        x = x + self.conv("c2", self.conv("c1", x.relu()).relu())
        return linear(x.relu().sum((2, 3)), self.weight("last"), self.last.bias)


# -- the papers --------------------------------------------------------------------------------------------------------


def p(logits):
    return torch.sigmoid(logits).squeeze(1)


def slope(discriminator, x):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)[0].flatten(1)


def adam(beta1, beta2, lr=2e-4):
    return lambda network: torch.optim.Adam(network.parameters(), lr, (beta1, beta2))


class Paper:
    """Loss of each player on a batch: x with labels y (one-hot), z with what the generator is told, c."""

    k, optimiser, clip = 1, staticmethod(adam(0.5, 0.999)), None

    def __init__(self, g, d, e=None):
        self.g, self.d, self.e = g, d, e

    def fake(self, z, c):
        return self.g(torch.cat([z, c], 1))


class GoodfellowMinimax(Paper):
    def discriminator(self, x, y, z, c, shares):
        return -(p(self.d(x)).log() + (1 - p(self.d(self.fake(z, c)))).log()).mean()

    def generator(self, x, y, z, c):
        return (1 - p(self.d(self.fake(z, c)))).log().mean()


class Goodfellow(GoodfellowMinimax):
    def generator(self, x, y, z, c):
        return -p(self.d(self.fake(z, c))).log().mean()


class Mescheder(Goodfellow):
    optimiser = staticmethod(adam(0.0, 0.99))

    def discriminator(self, x, y, z, c, shares):
        return super().discriminator(x, y, z, c, shares) + 1.0 / 2 * slope(self.d, x).square().sum(1).mean()


class Arjovsky(Paper):
    k, clip = 5, 0.01
    optimiser = staticmethod(lambda network: torch.optim.RMSprop(network.parameters(), 5e-5))

    def discriminator(self, x, y, z, c, shares):
        return self.d(self.fake(z, c)).mean() - self.d(x).mean()

    def generator(self, x, y, z, c):
        return -self.d(self.fake(z, c)).mean()


class Gulrajani(Arjovsky):
    clip, optimiser = None, staticmethod(adam(0.0, 0.9))

    def discriminator(self, x, y, z, c, shares):
        fake, share = self.fake(z, c), shares.view(-1, *(1 for _ in x.shape[1:]))
        between = share * fake + (1 - share) * x
        penalty = ((slope(self.d, between).norm(dim=1) - 1) ** 2).mean()
        return super().discriminator(x, y, z, c, shares) + 10 * penalty


class Huang(Paper):
    optimiser = staticmethod(adam(0.0, 0.99))

    def discriminator(self, x, y, z, c, shares):
        fake = self.fake(z, c)
        r1, r2 = slope(self.d, x).square().sum(1).mean(), slope(self.d, fake).square().sum(1).mean()
        return -p(self.d(x) - self.d(fake)).log().mean() + 1.0 / 2 * (r1 + r2)

    def generator(self, x, y, z, c):
        return -p(self.d(self.fake(z, c)) - self.d(x)).log().mean()


class Mao(Paper):
    def discriminator(self, x, y, z, c, shares):
        return ((self.d(x) - 1) ** 2).mean() / 2 + (self.d(self.fake(z, c)) ** 2).mean() / 2

    def generator(self, x, y, z, c):
        return ((self.d(self.fake(z, c)) - 1) ** 2).mean() / 2


class Miyato(Paper):
    k, optimiser = 5, staticmethod(adam(0.0, 0.9))

    def discriminator(self, x, y, z, c, shares):
        self.d.iterate = True
        real, fake = self.d(torch.cat([x, self.fake(z, c)])).chunk(2)  # one turn of the power iteration an update
        return torch.clamp(1 - real, min=0).mean() + torch.clamp(1 + fake, min=0).mean()

    def generator(self, x, y, z, c):
        self.d.iterate = False
        return -self.d(self.fake(z, c)).mean()


class Lin(Goodfellow):
    """Two neighbours of the batch make a pack."""

    def __init__(self, g, d, e=None):
        super().__init__(g, lambda x: d(torch.cat([x[0::2], x[1::2]], 1)), e)


class Mirza(Goodfellow):
    def discriminator(self, x, y, z, c, shares):
        return -(p(self.told(x, y)).log() + (1 - p(self.told(self.fake(z, c), c))).log()).mean()

    def generator(self, x, y, z, c):
        return -p(self.told(self.fake(z, c), c)).log().mean()

    def told(self, x, y):
        if x.dim() == 2:
            return self.d(torch.cat([x, y], 1))
        return self.d(torch.cat([x, torch.ones_like(x) * y[:, :, None, None]], 1))


class OdenaAuxiliary(Paper):
    def heads(self, x):
        return self.d(x)[:, :1], self.d(x)[:, 1:]

    def discriminator(self, x, y, z, c, shares):
        (real, of_real), (fake, of_fake) = self.heads(x), self.heads(self.fake(z, c))
        source = -(p(real).log() + (1 - p(fake)).log()).mean()
        return source + cross_entropy(of_real, y.argmax(1)) + cross_entropy(of_fake, c.argmax(1))

    def generator(self, x, y, z, c):
        fake, of_fake = self.heads(self.fake(z, c))
        return -p(fake).log().mean() + cross_entropy(of_fake, c.argmax(1))


class Salimans(Paper):
    """A softmax over K + 1 classes, the last of which is fake."""

    def discriminator(self, x, y, z, c, shares):
        real, fake = self.d(x).softmax(1), self.d(self.fake(z, c)).softmax(1)
        supervised = -(real[torch.arange(N), y.argmax(1)] / (1 - real[:, -1])).log().mean()
        return supervised - (1 - real[:, -1]).log().mean() - fake[:, -1].log().mean()

    def generator(self, x, y, z, c):
        return -(1 - self.d(self.fake(z, c)).softmax(1)[:, -1]).log().mean()


class Chen(Paper):
    def game(self, z, c):
        answers = self.d(self.fake(z, c))
        found = cross_entropy(answers[:, 1:11], c[:, :10].argmax(1))
        return answers[:, :1], found + 0.1 * mse_loss(answers[:, 11:], c[:, 10:], reduction="sum") / (2 * N)

    def discriminator(self, x, y, z, c, shares):
        fake, surprise = self.game(z, c)
        return -(p(self.d(x)[:, :1]).log() + (1 - p(fake)).log()).mean() + surprise

    def generator(self, x, y, z, c):
        fake, surprise = self.game(z, c)
        return -p(fake).log().mean() + surprise


class Donahue(Paper):
    def pairs(self, x, z):
        encoded = torch.cat([x.flatten(1), self.e(x)], 1)
        return p(self.d(encoded)), p(self.d(torch.cat([self.g(z).flatten(1), z], 1)))

    def discriminator(self, x, y, z, c, shares):
        real, fake = self.pairs(x, z)
        return -(real.log() + (1 - fake).log()).mean()

    def generator(self, x, y, z, c):
        real, fake = self.pairs(x, z)
        return -(fake.log() + (1 - real).log()).mean()


# name: (paper, numbers told to the generator, numbers joined to a sample, answers of the discriminator)
PAPERS = {
    "gan_minimax": (GoodfellowMinimax, 0, 0, 1), "gan": (Goodfellow, 0, 0, 1), "dcgan": (Goodfellow, 0, 0, 1),
    "wgan": (Arjovsky, 0, 0, 1), "wgan_gp": (Gulrajani, 0, 0, 1), "r1gan": (Mescheder, 0, 0, 1),
    "r3gan": (Huang, 0, 0, 1), "lsgan": (Mao, 0, 0, 1), "sngan": (Miyato, 0, 0, 1), "pacgan": (Lin, 0, 0, 1),
    "cgan": (Mirza, CLASSES, CLASSES, 1), "acgan": (OdenaAuxiliary, CLASSES, 0, 1 + CLASSES),
    "sgan": (Salimans, 0, 0, CLASSES + 1), "infogan": (Chen, 12, 0, 13), "bigan": (Donahue, 0, LATENT, 1),
}  # fmt: skip
DENSE = ("gan_minimax", "gan", "pacgan", "bigan")
CASES = [(name, kind) for name in VARIANTS for kind in DATA if kind == "pictures" or name not in ("dcgan", "sngan")]


def networks(name, kind):
    """Generator, discriminator, encoder."""
    _, told, joined, outputs = PAPERS[name]
    packing = 2 if name == "pacgan" else 1
    if kind == "points" or name in DENSE:
        width = WIDTH if name in DENSE else 4 * WIDTH  # what chooses by kind takes four units for a channel
        d = dense_discriminator(kind, packing * SIZE[kind] + joined, outputs, width)
        e = dense_discriminator(kind, SIZE[kind], LATENT, width) if name == "bigan" else None
        return dense_generator(kind, LATENT + told, width), d, e
    if name == "sngan":
        return residual_generator(LATENT), ResidualDiscriminator(), None
    normed = name in ("dcgan", "lsgan")
    return conv_generator(LATENT + told), conv_discriminator(1 + joined, outputs, batch_norm=normed), None


def numbers(network):
    """Weights and biases in the order of the layers; a perceptron holds all of its own in one row."""
    for module in network.modules():
        if isinstance(module, Perceptron):
            yield from (part for layer in module.layers for part in layer)
        else:
            yield from module.parameters(recurse=False)


def copied(theirs, ours):
    """Give `theirs` the numbers of `ours`; stacked products are `[1, in, out]` where torch's are `[out, in]`."""
    for parameter, values in zip(theirs, ours, strict=True):
        parameter.data = as_theirs(values, parameter).clone()


def as_theirs(values, parameter):
    values = values.detach()
    if values.dim() == 3:
        return values[0].T if parameter.dim() == 2 else values.flatten()
    return values


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_step_of_each_player_equals_the_papers_to_1e_9(name, kind):
    stack = Stack(
        [variant(name, {"width": WIDTH, "batch": N, "latent": LATENT})], DATA[kind], (0,), dtype=torch.float64
    )
    g, d, e = (network and network.double() for network in networks(name, kind))
    players = nn.ModuleList([g] if e is None else [g, e]), nn.ModuleList([d])
    for theirs, ours in zip(players, (stack.generator, stack.discriminator), strict=True):
        copied(theirs.parameters(), numbers(ours.network))
    if name == "sngan":
        order = ("a1", "a2", "a0", "b1", "b2", "b0", "c1", "c2", "last")
        d.u = {layer: ours.left.clone() for layer, ours in zip(order, stack.discriminator.modes.layers, strict=True)}

    paper = PAPERS[name][0](g, d, e)
    g_rule, d_rule = paper.optimiser(players[0]), paper.optimiser(players[1])
    for step in range(STEPS):
        for turn in range(paper.k):
            (x, y), (given, _) = ([part[0].clone() for part in pair] for pair in drawn(stack, step, turn))
            z, c = given[:, :LATENT], given[:, LATENT:]
            d_rule.zero_grad()
            paper.discriminator(x, y, z, c, stack.feed.uniform(step, turn)((1, N))[0]).backward()
            d_rule.step()
            if paper.clip is not None:
                for parameter in d.parameters():
                    parameter.data.clamp_(-paper.clip, paper.clip)
        g_rule.zero_grad()
        paper.generator(x, y, z, c).backward()
        g_rule.step()
        before = stack.generator.weights.clone(), stack.discriminator.weights.clone()
        stack.advance()
        assert not torch.equal(before[0], stack.generator.weights)
        assert not torch.equal(before[1], stack.discriminator.weights)

    for theirs, ours in zip(players, (stack.generator, stack.discriminator), strict=True):
        for parameter, values in zip(theirs.parameters(), numbers(ours.network), strict=True):
            torch.testing.assert_close(as_theirs(values, parameter), parameter.data, rtol=0, atol=1e-9)


def drawn(stack, step, turn):
    return stack.feed.reals(step, turn), stack.feed.given(step, turn)


def test_every_variant_has_a_paper():
    assert PAPERS.keys() == {name for name in VARIANTS if name != "gmm"}
