"""A step of the game as one compiled function of rows, which it moves where they lie."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .compiling import makes_loops, one_function
from .configuration import ConfigError
from .engine import Engine
from .networks import Modes, multiply_in_loops, views
from .optimisers import Memory, Numbers
from .players import Player
from .rules import Drawn, Rules, Shown
from .streams import seeded

_NEAR = 512  # samples of all replicas that go together; what a pass makes of more of them leaves the core's own cache

Build = Callable[[int], nn.Module]
Said = dict[str, Tensor]


class Rows(NamedTuple):
    """What a player is, of the replicas that go together, and what its optimiser reads in each of its updates."""

    weights: Tensor
    statistics: Tensor
    memory: Memory
    gradient: Tensor
    numbers: Sequence[Numbers]


class Lent:
    """A player for as long as somebody's weights are lent to its network."""

    def __init__(self, network: nn.Module, engine: Engine, weights: Tensor, statistics: Tensor) -> None:
        self._network, self._tensors = network, views(network, weights, statistics)
        self._run = engine.cast(self._called, weights.device)

    def __call__(self, samples: Tensor) -> Tensor:
        return self._run(samples)

    def encode(self, samples: Tensor) -> Tensor:
        """From samples to latents, where the player has an encoder."""
        mine = {
            name.removeprefix("encoder."): tensor
            for name, tensor in self._tensors.items()
            if name.startswith("encoder.")
        }
        out: Tensor = functional_call(self._network.encoder, mine, (samples,))  # type: ignore[arg-type]
        return out

    def _called(self, samples: Tensor) -> Tensor:
        out: Tensor = functional_call(self._network, self._tensors, (samples,))
        return out


class Step:
    """The step of `Game.advance` as a function of rows: no feed, no clock, nothing that differs between steps."""

    def __init__(self, rules: Rules, engine: Engine, networks: Mapping[str, nn.Module]) -> None:
        self.rules, self.engine = rules, engine
        self.generator, self.discriminator = networks["generator"], networks["discriminator"]
        self.generator_modes, self.discriminator_modes = Modes(self.generator), Modes(self.discriminator)

    def __call__(self, generator: Rows, discriminator: Rows, limit: Tensor, draws: Sequence[Drawn]) -> Said:
        """Move both players' rows; what was said on the way."""
        rules, last = self.rules, len(draws) - 1
        mine = _leaf(generator)
        for turn, drawn in enumerate(draws):
            shown = self._shown(generator, drawn, mine if turn == last else None)
            theirs = _leaf(discriminator)
            said = rules.discriminator_loss(self._judge(discriminator, theirs), shown)
            slopes = _slopes(said["d_loss"], theirs)
            if turn == last and rules.variant.simultaneous:
                loss, answer = self._answer(discriminator, shown, mine)
            self._descend(discriminator, slopes, turn)
            rules.constrain(discriminator.weights, limit)
        if not rules.variant.simultaneous:
            loss, answer = self._answer(discriminator, shown, mine)
        self._descend(generator, answer, 0)
        return {name: value.detach() for name, value in (said | {"g_loss": loss}).items()}

    def _shown(self, generator: Rows, drawn: Drawn, leaf: Tensor | None) -> Shown:
        """What the discriminator is shown; only the last turn's samples are answered for, and leave a memory."""
        if leaf is not None:
            return self.rules.shown(Lent(self.generator, self.engine, leaf, generator.statistics), drawn)
        with torch.no_grad(), self.generator_modes.within("visiting"):
            return self.rules.shown(Lent(self.generator, self.engine, *generator[:2]), drawn)

    def _judge(self, discriminator: Rows, weights: Tensor) -> Lent:
        return Lent(self.discriminator, self.engine, weights, discriminator.statistics)

    def _answer(self, discriminator: Rows, shown: Shown, leaf: Tensor) -> tuple[Tensor, Tensor]:
        """What the generator minimises, and its slopes."""
        with self.discriminator_modes.within("visiting"):
            loss = self.rules.generator_loss(self._judge(discriminator, discriminator.weights.detach()), shown)
        return loss, _slopes(loss, leaf)

    @torch.no_grad()
    def _descend(self, rows: Rows, slopes: Tensor, turn: int) -> None:
        rows.gradient.copy_(slopes)
        scratch = torch.empty_like(slopes)
        self.rules.variant.optimiser.move(rows.weights, slopes, rows.memory, scratch, rows.numbers[turn])


class Compiled:
    """All replicas of a game, moved by a compiled step: as many at a time as are near, on accelerators all of them."""

    def __init__(
        self, rules: Rules, engine: Engine, players: Mapping[str, Player], builds: Mapping[str, Build]
    ) -> None:
        weights = players["generator"].weights
        count, device = len(weights), weights.device
        size = together(count, rules.variant.batch, device.type)
        parts = [slice(first, first + size) for first in range(0, count, size)]
        self.players = players
        self.parts = [(part, {name: _rows(each, part) for name, each in players.items()}) for part in parts]
        networks = {name: self._network(name, builds[name], size, players[name].weights, engine) for name in players}
        loops = makes_loops(device, halves=engine.precision != "float32")
        if loops:
            for network in networks.values():
                multiply_in_loops(network)
        self._step = one_function(Step(rules, engine, networks).__call__, device, loops=loops)
        self._name = rules.variant.name

    @staticmethod
    def _network(name: str, build: Build, size: int, like: Tensor, engine: Engine) -> nn.Module:
        with seeded(0, name):
            return engine.laid_out(build(size).to(like.device, like.dtype))

    def __call__(self, step: int, limit: Tensor, draws: Sequence[Drawn]) -> Said:
        """Take step number `step`, from 0."""
        turns = {"generator": 1, "discriminator": len(draws)}
        numbers = {
            name: [each.optimiser.at(each.numbers, step * turns[name] + turn + 1) for turn in range(turns[name])]
            for name, each in self.players.items()
        }
        try:
            said = [
                self._step(
                    *(lent[name]._replace(numbers=[_part(each, part) for each in numbers[name]]) for name in lent),
                    limit[part],
                    [Drawn(*(tensor[part] for tensor in drawn)) for drawn in draws],
                )
                for part, lent in self.parts
            ]
        except (RuntimeError, OSError) as error:
            from torch._dynamo.exc import TorchDynamoException  # takes seconds, and is loaded by now

            if not isinstance(error, TorchDynamoException | OSError):
                raise
            told = str(error).splitlines()  # what a C++ compiler says stands in the midst of its command and its files
            reason = next((line.strip() for line in told if " error: " in line), told[0])
            raise ConfigError(f"{self._name} cannot be compiled ({reason}); run it as it is") from error
        return said[0] if len(said) == 1 else {name: torch.cat([each[name] for each in said]) for name in said[0]}


def together(count: int, batch: int, device: str) -> int:
    """How many of so many replicas go together: all on accelerators, on a processor a divisor, to be compiled once."""
    near = count if device != "cpu" else max(1, _NEAR // batch)
    return max(each for each in range(1, min(count, near) + 1) if count % each == 0)


def _rows(player: Player, part: slice) -> Rows:
    memory = _part(player.memory, part)
    return Rows(player.weights[part], player.statistics[part], memory, player.gradient[part], ())


def _part(named: Mapping[str, Tensor], part: slice) -> dict[str, Tensor]:
    return {name: tensor[part] for name, tensor in named.items()}


def _leaf(rows: Rows) -> Tensor:
    return rows.weights.detach().requires_grad_(True)


def _slopes(loss: Tensor, leaf: Tensor) -> Tensor:
    (slopes,) = torch.autograd.grad(loss.sum(), [leaf])
    return slopes
