"""A player: a network for every replica as rows of numbers, its optimiser's state, and the way downhill.

Everything has a leading replica axis. All numbers of a player lie in rows `[R, P]` whose views are its parameters, so
that an update, an average, a checkpoint or the freezing of one replica is an operation on rows, whatever the network.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from .engine import Engine
from .networks import Encoding, Modes, bind, rows
from .optimisers import Optimiser, column
from .streams import Device, seeded
from .team import Team
from .variants import Variant

_SCALE = 2.0**12  # of a loss in half precision, at first


class Start(NamedTuple):
    """A network for every replica, bound to the rows of its weights and of its running statistics."""

    network: nn.Module
    weights: Tensor
    statistics: Tensor

    @classmethod
    def of(
        cls, build: Callable[[int], nn.Module], name: str, seeds: Sequence[int], device: Device, dtype: torch.dtype
    ) -> Self:
        """Each replica starts as it would alone: from its own stream."""
        alone = []
        for seed in seeds:
            with seeded(seed, name):
                alone.append(rows(build(1), 1))
        with seeded(0, name):
            network = build(len(seeds)).to(device=device, dtype=dtype)
        weights, statistics = (torch.cat(parts).to(device, dtype) for parts in zip(*alone, strict=True))
        bind(network, weights, statistics)
        return cls(network, weights, statistics)


class Player:
    """A network for every replica, its optimiser's state, and the way downhill."""

    def __init__(
        self, start: Start, optimisers: Sequence[Optimiser], rates: Sequence[float], engine: Engine, team: Team
    ) -> None:
        self.network, self.weights, self.statistics = start
        self.parameters = list(self.network.parameters())
        self.modes = Modes(self.network)
        self.modes.join(team)
        self._team = team
        self._run = engine.applied(self.network, self.weights.device)
        self.optimiser = optimisers[0]
        self.memory = self.optimiser.start(self.weights)
        self.numbers = self.optimiser.numbers(optimisers, self.weights)
        self.rates = column(rates, self.weights)
        self.numbers["lr"] = self.rates.clone()
        self._one = torch.ones_like(self.rates)
        self.gradient, self.scratch = torch.zeros_like(self.weights), torch.zeros_like(self.weights)
        if engine.scales:
            self.memory["scale"] = torch.full_like(self.rates, _SCALE)

    def __call__(self, samples: Tensor) -> Tensor:
        return self._run(samples)

    def encode(self, samples: Tensor) -> Tensor:
        """From samples to latents, where the player has an encoder."""
        out: Tensor = self.network.encoder(samples)  # type: ignore[operator]
        return out

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What the network says now leaves neither a graph nor a memory in its statistics."""
        with torch.no_grad(), self.visited():
            yield

    @contextmanager
    def visited(self) -> Iterator[None]:
        """The other player's turn: weights and statistics stay where they are, and no slope leads to them."""
        with self.modes.within("visiting"):
            for parameter in self.parameters:
                parameter.requires_grad_(False)
            try:
                yield
            finally:
                for parameter in self.parameters:
                    parameter.requires_grad_(True)

    def look_downhill(self, loss: Tensor, part: int = 0, parts: int = 1) -> None:
        """Find the gradient of `loss: [R]`, each from its own weights, or this part's share of a mean."""
        scale = self.memory.get("scale", self._one).squeeze(1)
        slopes = torch.autograd.grad(loss, self.parameters, scale / parts if parts > 1 else scale)
        flat = [slope.reshape(len(self.weights), -1) for slope in slopes]
        found = self._team.mean(torch.cat(flat, 1) if len(flat) > 1 else flat[0])
        self.gradient = self.gradient + found if part else found

    @torch.no_grad()
    def descend(self, step: int) -> None:
        """Update number `step`, from 1, along the gradient that was found."""
        if "scale" in self.memory:
            self._descend_scaled(step)
        else:
            self.optimiser.update(self.weights, self.gradient, self.memory, self.scratch, self.numbers, step)

    def _descend_scaled(self, step: int) -> None:
        """As `descend`, except that a replica whose scaled slopes overflowed stays, and halves its scale."""
        scale = self.memory["scale"]
        self.gradient /= scale
        sound = self.gradient.isfinite().all(1, keepdim=True)
        kept = {name: tensor.clone() for name, tensor in self.state.items()}
        self.optimiser.update(self.weights, self.gradient, self.memory, self.scratch, self.numbers, step)
        scale *= torch.where(sound, 2 ** (1 / 2000), 0.5)  # it doubles in 2,000 sound steps
        for name, tensor in self.state.items():
            if name not in ("statistics", "scale"):
                tensor.copy_(torch.where(sound, tensor, kept[name]))

    def update_to_weight(self, index: int, step: int) -> Tensor:
        """How long the last update, number `step`, was against the weights of replica `index`."""
        update = self.optimiser.last_update(self.gradient, self.memory, self.numbers, step)[index]
        ratio: Tensor = update.norm() / self.weights[index].norm()
        return ratio

    @property
    def state(self) -> dict[str, Tensor]:
        """All that the past has left in this player, as rows."""
        return {"weights": self.weights, "statistics": self.statistics, **self.memory}


def generator_network(variant: Variant, shape: tuple[int, ...], classes: int, replicas: int = 1) -> nn.Module:
    """The generator of `variant` on data of this shape, with its companion if it has one."""
    inputs = variant.latent + variant.structure.told(classes)
    network = variant.networks.generator(shape, inputs, replicas)
    if not variant.structure.encodes:
        return network
    # What leads from a sample to one number leads to many: the discriminator's network makes the encoder.
    return Encoding(network, variant.networks.discriminator(shape, replicas, inputs))


def discriminator_network(variant: Variant, shape: tuple[int, ...], classes: int, replicas: int = 1) -> nn.Module:
    """The discriminator of `variant` on data of this shape."""
    structure = variant.structure
    seen, outputs = structure.seen(shape, variant.latent, classes), structure.outputs(classes)
    return variant.networks.discriminator(seen, replicas, outputs)
