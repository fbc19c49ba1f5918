"""The engine: a stack of replicas that train as one program, and the adversarial step that moves them.

Everything has a leading replica axis. All numbers of a player lie in rows `[R, P]` whose views are its parameters, so
that an update, an average, a checkpoint or the freezing of one replica is an operation on rows, whatever the network.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from .data.dataset import Dataset, class_shares
from .engine import Engine
from .feeding import Feed
from .losses import Loss
from .networks import Encoding, Modes, bind, rows
from .optimisers import column
from .penalties import Uniform
from .streams import Device, seeded
from .team import Team
from .variants import Variant

_SCALE = 2.0**12  # of a loss in half precision, at first
_RAMP = 0.05  # an average never looks back further than this share of the images seen, or it would keep the start


class Player:
    """A network for every replica, its optimiser's state, and the way downhill."""

    def __init__(
        self, build: Callable[[int], nn.Module], name: str, variants: Sequence[Variant], seeds: Sequence[int],
        rates: Sequence[float], device: Device, dtype: torch.dtype, engine: Engine, team: Team,
    ) -> None:  # fmt: skip
        starts = []
        for seed in seeds:
            # Each replica starts as it would alone: from its own stream.
            with seeded(seed, name):
                starts.append(rows(build(1), 1))
        with seeded(0, name):
            self.network = build(len(seeds)).to(device=device, dtype=dtype)
        self.weights, self.statistics = (torch.cat(parts).to(device, dtype) for parts in zip(*starts, strict=True))
        bind(self.network, self.weights, self.statistics)
        self.parameters = list(self.network.parameters())
        self.modes = Modes(self.network)
        self.modes.join(team)
        self._team = team
        self._run = engine.applied(self.network, torch.device(device))
        self.optimiser = variants[0].optimiser
        self.memory = self.optimiser.start(self.weights)
        self.numbers = self.optimiser.numbers([each.optimiser for each in variants], self.weights)
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

    def look_downhill(self, loss: Tensor, *, more: bool = False) -> None:
        """Find the gradient of `loss: [R]`, each from its replica's weights alone; `more` adds to what was found."""
        scale = self.memory.get("scale", self._one).squeeze(1)
        slopes = torch.autograd.grad(loss, self.parameters, scale)
        parts = [slope.reshape(len(self.weights), -1) for slope in slopes]
        found = self._team.mean(torch.cat(parts, 1) if len(parts) > 1 else parts[0])
        self.gradient = self.gradient + found if more else found

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


class Shown(NamedTuple):
    """What the discriminator is shown of reals and of fakes, and what is known of each."""

    real: Tensor
    known: Tensor
    fake: Tensor
    told: Tensor


class Stack:
    """Replicas of one structure that take every step together; their numbers may differ."""

    def __init__(
        self, variants: Sequence[Variant], dataset: Dataset, seeds: Sequence[int], *,
        device: Device = "cpu", dtype: torch.dtype = torch.float32, engine: Engine | None = None,
    ) -> None:  # fmt: skip
        first = variants[0]
        self.variant, self.variants, self.dataset, self.seeds = first, tuple(variants), dataset, tuple(seeds)
        self.device, self.dtype, self.engine, self.step = device, dtype, engine or Engine(), 0
        self.team = Team(self.engine.processes)
        classes = len(class_shares(dataset))
        self.generator = Player(
            lambda replicas: generator_network(first, dataset.shape, classes, replicas), "generator",
            variants, seeds, [each.generator_lr for each in variants], device, dtype, self.engine, self.team,
        )  # fmt: skip
        self.discriminator = Player(
            lambda replicas: discriminator_network(first, dataset.shape, classes, replicas), "discriminator",
            variants, seeds, [each.discriminator_lr for each in variants], device, dtype, self.engine, self.team,
        )  # fmt: skip
        self.average = None if first.ema_half_life is None else self.generator.weights.clone()
        self.half_life = column([each.ema_half_life or 1.0 for each in variants], self.generator.weights)
        self.penalty_weight = column([v.penalty.weight if v.penalty else 0.0 for v in variants], self.generator.weights)
        self.limit = column([v.constraint.limit if v.constraint else 0.0 for v in variants], self.generator.weights)
        self.feed = Feed(first, dataset, seeds, device, dtype)
        self._frozen: dict[int, dict[str, Tensor]] = {}
        self._last_words: dict[int, dict[str, float]] = {}
        self.ended_at: dict[int, int] = {}
        self.last: dict[str, Tensor] = {}

    # -- the adversarial game ------------------------------------------------------------------------------------------

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
                self.discriminator.look_downhill(self.discriminator_loss(shown, turn, part) / parts, more=part > 0)
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
            self.generator.look_downhill(loss / parts, more=part > 0)
        self.last["g_loss"] = loss

    def _slow_down(self) -> None:
        share = self.variant.schedule(self.step * self.variant.images_per_step)
        for player in (self.generator, self.discriminator):
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

    # -- ticks, ends and states ----------------------------------------------------------------------------------------

    def run(self, until: int) -> None:
        """Take all steps up to `until`, unless nobody is left to take them."""
        if len(self._frozen) == len(self.seeds):
            return
        while self.step < until:
            self.advance()
        if self.team.size > 1:
            self.last = {name: self._of_all(value.detach()) for name, value in self.last.items()}
        for index, kept in self._frozen.items():
            # An ended replica is computed along: leaving it out would change the shapes, and so its neighbours' bits.
            for name, tensor in self.state.items():
                tensor[index] = kept[name]

    def _of_all(self, value: Tensor) -> Tensor:
        """What the whole team saw in the last step: a loss `[R]` on average, logits `[R, N]` side by side."""
        return self.team.mean(value.clone()) if value.dim() == 1 else self.team.whole(value)

    def end(self, index: int) -> None:
        """From here on the state of replica `index` stays what it is."""
        if index not in self._frozen:
            self._last_words[index] = self.diagnostics(index)
            self._frozen[index] = {name: tensor[index].clone() for name, tensor in self.state.items()}
            self.ended_at.setdefault(index, self.step)

    def alive(self, index: int) -> bool:
        return index not in self._frozen

    def step_of(self, index: int) -> int:
        """The step whose state replica `index` holds."""
        return self.ended_at.get(index, self.step)

    @property
    def state(self) -> dict[str, Tensor]:
        """All rows of both players; together with the step this is everything that training depends on."""
        players = {"generator": self.generator, "discriminator": self.discriminator}
        named = {f"{side}.{name}": tensor for side, player in players.items() for name, tensor in player.state.items()}
        return named if self.average is None else {**named, "generator.average": self.average}

    def restore(self, state: dict[str, Tensor], step: int, ended_at: dict[int, int]) -> None:
        """Go on from `state` as if nothing had happened."""
        for name, tensor in self.state.items():
            tensor.copy_(state[name])
        self.step = step
        for index, ended in ended_at.items():
            self.ended_at[index] = ended
            self.end(index)

    def alone(self, index: int, dataset: Dataset) -> "Stack":
        """Replica `index` by itself on these data; what it does there stays there."""
        solo = Stack(
            [self.variants[index]], dataset, [self.seeds[index]],
            device=self.device, dtype=self.dtype, engine=replace(self.engine, processes=1),
        )  # fmt: skip
        state = self.state
        for name, tensor in solo.state.items():
            tensor.copy_(state[name][index : index + 1])
        solo.step = self.step
        return solo

    def diagnostics(self, index: int) -> dict[str, float]:
        """How the last step went for replica `index`; what is not finite is counted and left out."""
        if not self.last or index in self._last_words:
            return self._last_words.get(index, {})
        real, fake = (self.last[name][index].detach() for name in ("real_logits", "fake_logits"))
        g_loss, d_loss = self.last["g_loss"][index], self.last["d_loss"][index]
        players = {"generator": self.generator, "discriminator": self.discriminator}
        updates = {"generator": self.step, "discriminator": self.step * self.variant.discriminator_steps}
        found = {"generator_loss": g_loss, "discriminator_loss": d_loss}
        found |= {"real_logit": real.mean(), "fake_logit": fake.mean()}
        found |= {f"{name}_gradient": player.gradient[index].norm() for name, player in players.items()}
        found |= {f"{name}_update": each.update_to_weight(index, updates[name]) for name, each in players.items()}
        found |= _judgement(self.variant.loss, real, fake)
        for name in [name.removesuffix(".scores") for name in self.last if name.endswith(".scores")]:
            scores, truth = self.last[f"{name}.scores"][index], self.last[f"{name}.truth"][index]
            if (known := truth.amax(1) > 0).any():
                found[name] = (scores.argmax(1) == truth.argmax(1))[known].float().mean()
        counted = [row for player in players.values() for row in (player.weights[index], player.gradient[index])]
        found["nonfinite"] = sum(((~row.isfinite()).sum() for row in counted), torch.zeros(()))
        return {name: float(value.detach()) for name, value in found.items()}


def _judgement(loss: Loss, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """What the logits `[N]` of reals and fakes mean under this loss."""
    found = {}
    if loss.probabilistic:
        value = -(softplus(-real) + softplus(fake)).mean()
        found = {"real_probability": real.sigmoid().mean(), "fake_probability": fake.sigmoid().mean()}
        found["value_above_equilibrium"] = value + math.log(4)
    if loss.border is None:
        # Scores without an origin: only their difference means something, and of a critic it is a distance.
        return found if loss.pairs else {**found, "wasserstein_estimate": real.mean() - fake.mean()}
    right, wrong = (real > loss.border).float().mean(), (fake > loss.border).float().mean()
    found["discriminator_recall"] = right
    if right + wrong > 0:
        found["discriminator_precision"] = right / (right + wrong)
    return found


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


def _both(game: Tensor, task: Tensor | None) -> Tensor:
    """The mean over the samples of what a player minimises, `[R]`."""
    return (game if task is None else game + task).mean(1)
