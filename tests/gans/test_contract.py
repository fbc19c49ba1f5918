"""The contract: the whole catalogue keeps it, and whoever breaks a promise is told which."""

from dataclasses import dataclass, replace

import pytest
import torch

from gans import LOSSES, NETWORKS, PENALTIES, VARIANTS
from gans.contract import ContractError, check_loss, check_networks, check_penalty, check_variant
from gans.losses import NonSaturating
from gans.networks import Perceptrons
from gans.penalties import Clip, ZeroSlope


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_keeps_the_contract(name):
    check_loss(LOSSES[name]())


@pytest.mark.parametrize("name", [name for name, make in PENALTIES.items() if make is not Clip])
def test_every_penalty_keeps_the_contract(name):
    check_penalty(PENALTIES[name]())


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8), (3, 16, 16)], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_all_networks_keep_the_contract(name, shape):
    networks = NETWORKS[name](width=4)
    if networks.supports(shape):
        with pytest.raises(ContractError, match="do not support"):
            check_networks(networks, shape)
    else:
        check_networks(networks, shape)


@pytest.mark.parametrize("kind", ["points", "pictures"])
@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_keeps_the_contract(name, kind, world):
    variant, data = world.small(name), world.data[kind]
    if variant.supports(data) is None:
        check_variant(variant, data)


@dataclass(frozen=True)
class Upside(NonSaturating):
    def generator(self, real, fake):
        return -super().generator(real, fake)


@dataclass(frozen=True)
class Averaged(NonSaturating):
    def discriminator(self, real, fake):
        return super().discriminator(real, fake).mean(1)


@dataclass(frozen=True)
class Secret(NonSaturating):
    def generator(self, real, fake):
        return super().generator(real, fake - real)


class Thing(NonSaturating):
    __eq__ = object.__eq__
    __hash__ = object.__hash__


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (Upside(), "the generator should gain by raising"),
        (Averaged(), "one value per sample"),
        (Secret(), "has to say pairs = True"),
        (Thing(), "make it a frozen dataclass"),
    ],
    ids=["upside down", "averaged", "secretive", "no value"],
)
def test_a_loss_that_breaks_the_contract_is_told_how(loss, said):
    with pytest.raises(ContractError, match=said):
        check_loss(loss)


@dataclass(frozen=True)
class Deaf(ZeroSlope):
    def __call__(self, discriminator, real, fake, uniform):
        return super().__call__(discriminator, real, fake, uniform).detach() + 0 * discriminator(real)


@dataclass(frozen=True)
class Gossip(ZeroSlope):
    def __call__(self, discriminator, real, fake, uniform):
        slopes = super().__call__(discriminator, real, fake, uniform)
        return slopes + slopes.mean(1, keepdim=True)


@pytest.mark.parametrize(
    ("penalty", "said"), [(Deaf(), "take its slope with create_graph"), (Gossip(), "must not depend on the other")]
)
def test_a_penalty_that_breaks_the_contract_is_told_how(penalty, said):
    with pytest.raises(ContractError, match=said):
        check_penalty(penalty)


class Mixing(torch.nn.Module):
    """A discriminator through which replicas, or samples, see each other."""

    def __init__(self, network, axis):
        super().__init__()
        self.network, self.axis = network, axis

    def forward(self, x):
        return self.network(x - x.mean(self.axis, keepdim=True))


@dataclass(frozen=True, kw_only=True)
class Leaky(Perceptrons):
    axis: int = 0

    def discriminator(self, shape, replicas=1, outputs=1):
        return Mixing(super().discriminator(shape, replicas, outputs), self.axis)


@pytest.mark.parametrize(("axis", "said"), [(0, "another replica's samples"), (1, "depends on the rest of its batch")])
def test_networks_that_let_each_other_be_seen_are_told(axis, said):
    with pytest.raises(ContractError, match=said):
        check_networks(Leaky(width=4, axis=axis), (2,))


class Noisy(torch.nn.Module):
    """Draws from the global stream while it trains."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x + 0.1 * torch.randn_like(x))


@dataclass(frozen=True, kw_only=True)
class Dropping(Perceptrons):
    def discriminator(self, shape, replicas=1, outputs=1):
        return Noisy(super().discriminator(shape, replicas, outputs))


def test_a_variant_that_draws_from_the_global_stream_does_not_repeat(world):
    with pytest.raises(ContractError, match="the same training gave other bits"):
        check_variant(replace(world.small("gan"), networks=Dropping(width=4)), world.data["points"])


def test_a_variant_whose_replicas_see_each_other_differs_alone(world):
    with pytest.raises(ContractError, match="differs alone from what it is in a pack"):
        check_variant(replace(world.small("gan", generator_lr=0.1), networks=Leaky(width=4)), world.data["points"])
