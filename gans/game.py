"""The adversarial game of all replicas at once: what the players are shown, what they minimise, and the step."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .data.dataset import Dataset, class_shares
from .engine import Engine
from .feeding import Feed
from .optimisers import column
from .penalties import Uniform
from .players import Player, Start, discriminator_network, generator_network
from .streams import Device
from .team import Team
from .variants import Variant

_RAMP = 0.05  # an average never looks back further than this share of the images seen, or it would keep the start


class Shown(NamedTuple):
    """What the discriminator is shown of reals and of fakes, and what is known of each."""

    real: Tensor
    known: Tensor
    fake: Tensor
    told: Tensor


class Game:
    """Replicas of one structure that take every step together; their numbers may differ."""

    def __init__(
        self, variants: Sequence[Variant], dataset: Dataset, seeds: Sequence[int], *,
        device: Device = "cpu", dtype: torch.dtype = torch.float32, engine: Engine | None = None,
    ) -> None:  # fmt: skip
        first = variants[0]
        self.variant, self.variants, self.dataset, self.seeds = first, tuple(variants), dataset, tuple(seeds)
        self.device, self.dtype, self.engine, self.step = device, dtype, engine or Engine(), 0
        self.team = Team(self.engine.processes)
        of_both = first, dataset.shape, len(class_shares(dataset))
        self.generator = self._player(
            "generator", partial(generator_network, *of_both), [each.generator_lr for each in variants]
        )
        self.discriminator = self._player(
            "discriminator", partial(discriminator_network, *of_both), [each.discriminator_lr for each in variants]
        )
        self.average = None if first.ema_half_life is None else self.generator.weights.clone()
        self.half_life = column([each.ema_half_life or 1.0 for each in variants], self.generator.weights)
        self.penalty_weight = column([v.penalty.weight if v.penalty else 0.0 for v in variants], self.generator.weights)
        self.limit = column([v.constraint.limit if v.constraint else 0.0 for v in variants], self.generator.weights)
        self.feed = Feed(first, dataset, seeds, device, dtype)
        self.last: dict[str, Tensor] = {}

    def _player(self, name: str, build: Callable[[int], nn.Module], rates: Sequence[float]) -> Player:
        start = Start.of(build, name, self.seeds, self.device, self.dtype)
        return Player(start, [each.optimiser for each in self.variants], rates, self.engine, self.team)

    @property
    def players(self) -> dict[str, Player]:
        """Both, by name."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    def advance(self) -> None:
        """One step: `discriminator_steps` updates of the discriminator, then one of the generator."""
        variant, turns, parts = self.variant, self.variant.discriminator_steps, self.engine.accumulate
        if not variant.schedule.constant:
            self._slow_down()
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
        self.step += 1
        self._remember()

    def shown(self, turn: int, part: int, *, graph: bool) -> Shown:
        """What the discriminator is shown in this part of this turn."""
        feed, structure = self.feed, self.variant.structure
        real, known, given, told = (
            self.team.share(each if self.engine.accumulate == 1 else each.chunk(self.engine.accumulate, 1)[part])
            for each in (*feed.reals(self.step, turn), *feed.given(self.step, turn))
        )
        with nullcontext() if graph else self.generator.aside():
            fake = self.generator(given)
            if structure.encodes:
                known = self.generator.encode(real)
            return Shown(structure.show(real, known), known, structure.show(fake, told), told)

    def discriminator_loss(self, shown: Shown, turn: int, part: int) -> Tensor:
        """What the discriminator minimises, `[R]`: its side of the game, what it has to find out, and the penalty."""
        variant, structure, penalty = self.variant, self.variant.structure, self.variant.penalty
        real, fake = shown.real.detach(), shown.fake.detach()
        real_answers, fake_answers = self.judge(real, fake)
        real_logits, fake_logits = structure.logits(real_answers), structure.logits(fake_answers)
        task = structure.discriminator_task(real_answers, shown.known, fake_answers, shown.told)
        loss = _both(variant.loss.discriminator(real_logits, fake_logits), task)
        if penalty is not None and self.step % penalty.every == 0:
            uniform = self.uniform(turn * self.engine.accumulate + part)
            slope = penalty(self.logits, real, fake, uniform).mean(1)
            loss = loss + penalty.every * self.penalty_weight.squeeze(1) * slope
        self.last = {"d_loss": loss, "real_logits": real_logits, "fake_logits": fake_logits}
        for name, (scores, truth) in structure.named(real_answers, shown.known, fake_answers, shown.told).items():
            self.last |= {f"{name}.scores": scores, f"{name}.truth": truth}
        return loss

    def uniform(self, draw: int) -> Uniform:
        """Uniform numbers for a penalty: our share of those of the whole batch."""
        numbers, team = self.feed.uniform(self.step, draw), self.team
        if team.size == 1:
            return numbers
        return lambda shape: team.share(numbers((shape[0], team.size * shape[1], *shape[2:])))

    def constrain(self) -> None:
        """Put the discriminator's weights back where the variant wants them."""
        if self.variant.constraint is not None:
            torch.clamp(self.discriminator.weights, -self.limit, self.limit, out=self.discriminator.weights)

    def generator_loss(self, shown: Shown) -> Tensor:
        """What the generator minimises, `[R]`."""
        structure, loss = self.variant.structure, self.variant.loss
        with self.discriminator.visited():
            judged = self.judge(shown.real, shown.fake) if loss.pairs else (self.discriminator(shown.fake),) * 2
        task = structure.generator_task(judged[1], shown.told)
        return _both(loss.generator(*(structure.logits(answers) for answers in judged)), task)

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

    def judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The discriminator's answers to both: in one pass, unless batch norm would let them see each other."""
        if self.variant.networks.discriminator_mixes_samples:
            return self.discriminator(real), self.discriminator(fake)
        real_answers, fake_answers = self.discriminator(torch.cat([real, fake], 1)).chunk(2, 1)
        return real_answers, fake_answers

    def _remember(self) -> None:
        """Move the average by half of the distance to the present per half-life."""
        if self.average is not None:
            shown = self.step * self.variant.images_per_step
            half_life = self.half_life.clamp(max=_RAMP * shown)
            self.average.lerp_(self.generator.weights, 1 - 0.5 ** (self.variant.images_per_step / half_life))


def _both(game: Tensor, task: Tensor | None) -> Tensor:
    """The mean over the samples of what a player minimises, `[R]`."""
    return (game if task is None else game + task).mean(1)
