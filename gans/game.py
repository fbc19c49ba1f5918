"""The adversarial game of all replicas at once: its players, its draws, and the step."""

from collections.abc import Sequence
from contextlib import nullcontext
from functools import cached_property, partial

import torch
from torch import Tensor

from .compiled import Build, Compiled
from .data.dataset import Dataset, class_shares
from .engine import Engine
from .feeding import Feed
from .optimisers import column
from .penalties import Uniform
from .players import Player, Start, discriminator_network, generator_network
from .rules import Drawn, Rules, Shown
from .streams import Device
from .team import Team
from .variants import Variant

_RAMP = 0.05  # an average never looks back further than this share of the images seen, or it would keep the start


class Game:
    """Replicas of one structure that take every step together; their numbers may differ."""

    def __init__(
        self, variants: Sequence[Variant], dataset: Dataset, seeds: Sequence[int], *,
        device: Device = "cpu", dtype: torch.dtype = torch.float32, engine: Engine | None = None,
    ) -> None:  # fmt: skip
        first = variants[0]
        self.rules = Rules(first)
        self.variant, self.variants, self.dataset, self.seeds = first, tuple(variants), dataset, tuple(seeds)
        self.device, self.dtype, self.engine, self.step = device, dtype, engine or Engine(), 0
        self.team = Team(self.engine.processes)
        of_both = first, dataset.shape, len(class_shares(dataset))
        self._builds: dict[str, Build] = {
            "generator": partial(generator_network, *of_both),
            "discriminator": partial(discriminator_network, *of_both),
        }
        self.generator = self._player("generator", [each.generator_lr for each in variants])
        self.discriminator = self._player("discriminator", [each.discriminator_lr for each in variants])
        self.average = None if first.ema_half_life is None else self.generator.weights.clone()
        self.half_life = column([each.ema_half_life or 1.0 for each in variants], self.generator.weights)
        self.penalty_weight = column([v.penalty.weight if v.penalty else 0.0 for v in variants], self.generator.weights)
        self.limit = column([v.constraint.limit if v.constraint else 0.0 for v in variants], self.generator.weights)
        self.feed = Feed(first, dataset, seeds, device, dtype)
        self.last: dict[str, Tensor] = {}

    def _player(self, name: str, rates: Sequence[float]) -> Player:
        start = Start.of(self._builds[name], name, self.seeds, self.device, self.dtype)
        return Player(start, [each.optimiser for each in self.variants], rates, self.engine, self.team)

    @property
    def players(self) -> dict[str, Player]:
        """Both, by name."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    def advance(self) -> None:
        """One step: `discriminator_steps` updates of the discriminator, then one of the generator."""
        if not self.variant.schedule.constant:
            self._slow_down()
        if self.engine.compiled:
            draws = [self.drawn(turn) for turn in range(self.variant.discriminator_steps)]
            self.last = self._whole(self.step, self.limit, draws)
        else:
            self._play()
        self.step += 1
        self._remember()

    @cached_property
    def _whole(self) -> Compiled:
        return Compiled(self.rules, self.engine, self.players, self._builds)

    def _play(self) -> None:
        """The updates of a step, call by call; `_whole` takes the same in one function."""
        variant, turns, parts = self.variant, self.variant.discriminator_steps, self.engine.accumulate
        for turn in range(turns):
            last = turn == turns - 1
            for part in range(parts):
                # The generator will answer for the samples of the last turn, so these keep their graph.
                shown = self.shown(turn, part, graph=last and parts == 1)
                self.discriminator.look_downhill(self.discriminator_loss(shown, turn, part), part, parts)
            if last and variant.simultaneous:
                self._answer(shown)
            self.discriminator.descend(self.step * turns + turn + 1)
            self.constrain()
        if not variant.simultaneous:
            self._answer(shown)
        self.generator.descend(self.step + 1)

    def drawn(self, turn: int, part: int = 0) -> Drawn:
        """What this part of this turn is about."""
        feed, parts = self.feed, self.engine.accumulate
        return Drawn(*(
            self.team.share(each if parts == 1 else each.chunk(parts, 1)[part])
            for each in (*feed.reals(self.step, turn), *feed.given(self.step, turn))
        ))  # fmt: skip

    def shown(self, turn: int, part: int, *, graph: bool) -> Shown:
        """What the discriminator is shown in this part of this turn."""
        with nullcontext() if graph else self.generator.aside():
            return self.rules.shown(self.generator, self.drawn(turn, part))

    def discriminator_loss(self, shown: Shown, turn: int, part: int) -> Tensor:
        """What the discriminator minimises, `[R]`: its side of the game, what it has to find out, and the penalty."""
        penalty, self.last = self.variant.penalty, self.rules.discriminator_loss(self.discriminator, shown)
        if penalty is not None and self.step % penalty.every == 0:
            uniform = self.uniform(turn * self.engine.accumulate + part)
            slope = penalty(self.logits, shown.real.detach(), shown.fake.detach(), uniform).mean(1)
            self.last["d_loss"] = self.last["d_loss"] + penalty.every * self.penalty_weight.squeeze(1) * slope
        return self.last["d_loss"]

    def uniform(self, draw: int) -> Uniform:
        """Uniform numbers for a penalty: our share of those of the whole batch."""
        numbers, team = self.feed.uniform(self.step, draw), self.team
        if team.size == 1:
            return numbers
        return lambda shape: team.share(numbers((shape[0], team.size * shape[1], *shape[2:])))

    def constrain(self) -> None:
        """Put the discriminator's weights back where the variant wants them."""
        self.rules.constrain(self.discriminator.weights, self.limit)

    def generator_loss(self, shown: Shown) -> Tensor:
        """What the generator minimises, `[R]`."""
        with self.discriminator.visited():
            return self.rules.generator_loss(self.discriminator, shown)

    def _answer(self, shown: Shown) -> None:
        """The generator looks downhill, for the samples of the last turn."""
        turn, parts = self.variant.discriminator_steps - 1, self.engine.accumulate
        for part in range(parts):
            loss = self.generator_loss(shown if parts == 1 else self.shown(turn, part, graph=True))
            self.generator.look_downhill(loss, part, parts)
        self.last["g_loss"] = loss

    def _slow_down(self) -> None:
        share = self.variant.schedule(self.step * self.variant.images_per_step)
        for player in self.players.values():
            torch.mul(player.rates, share, out=player.numbers["lr"])

    def logits(self, shown: Tensor) -> Tensor:
        """The discriminator's logits of being real, `[R, N]`."""
        return self.variant.structure.logits(self.discriminator(shown))

    @torch.no_grad()
    def look(self, index: int, samples: Tensor, known: Tensor | None = None) -> Tensor:
        """The logits, `[N]`, that the discriminator of replica `index` gives, by what it remembers of its batches."""
        known = samples.new_empty(len(samples), 0) if known is None else known
        shown = self.variant.structure.show(*(each.to(self.device, self.dtype)[None] for each in (samples, known)))
        with self.discriminator.modes.within("running"):
            return self.logits(shown.expand(len(self.seeds), *shown.shape[1:]))[index]

    def _remember(self) -> None:
        """Move the average by half of the distance to the present per half-life."""
        if self.average is not None:
            shown = self.step * self.variant.images_per_step
            half_life = self.half_life.clamp(max=_RAMP * shown)
            self.average.lerp_(self.generator.weights, 1 - 0.5 ** (self.variant.images_per_step / half_life))
