"""The engine: a stack of replicas that train as one program, and the adversarial step that moves them.

Everything has a leading replica axis. All numbers of a player lie in rows `[R, P]` whose views are its parameters, so
that an update, an average, a checkpoint or the freezing of one replica is an operation on rows, whatever the network.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn

from .data.dataset import Dataset, class_shares
from .feeding import Feed
from .networks import Encoding, Modes, bind, rows
from .optimisers import column
from .streams import Device, seeded
from .variants import Variant

_RAMP = 0.05  # an average never looks back further than this share of the images seen, or it would keep the start


class Player:
    """A network for every replica, its optimiser's state, and the way downhill."""

    def __init__(
        self, build: Callable[[int], nn.Module], name: str, variants: Sequence[Variant], seeds: Sequence[int],
        rates: Sequence[float], device: Device, dtype: torch.dtype,
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
        self.optimiser = variants[0].optimiser
        self.memory = self.optimiser.start(self.weights)
        self.numbers = self.optimiser.numbers([each.optimiser for each in variants], self.weights)
        self.numbers["lr"] = column(rates, self.weights)
        self.gradient, self.scratch = torch.zeros_like(self.weights), torch.zeros_like(self.weights)

    def __call__(self, samples: Tensor) -> Tensor:
        out: Tensor = self.network(samples)
        return out

    def encode(self, samples: Tensor) -> Tensor:
        """From samples to latents, where the player has an encoder."""
        out: Tensor = self.network.encoder(samples)  # type: ignore[operator]
        return out

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What the network says now leaves neither a graph nor a memory in its statistics."""
        with torch.no_grad(), self.visited():
            yield

    def visited(self) -> AbstractContextManager[None]:
        """The other player's turn: weights and statistics stay where they are."""
        return self.modes.within("visiting")

    def descend(self, loss: Tensor, step: int) -> None:
        """Update number `step`, from 1, against the gradient of `loss: [R]`, each from its replica's weights alone."""
        slopes = torch.autograd.grad(loss.sum(), self.parameters)
        torch.cat([slope.reshape(len(self.weights), -1) for slope in slopes], 1, out=self.gradient)
        with torch.no_grad():
            self.optimiser.update(self.weights, self.gradient, self.memory, self.scratch, self.numbers, step)

    @property
    def state(self) -> dict[str, Tensor]:
        """All that the past has left in this player, as rows."""
        return {"weights": self.weights, "statistics": self.statistics, **self.memory}


class Stack:
    """Replicas of one structure that take every step together; their numbers may differ."""

    def __init__(
        self, variants: Sequence[Variant], dataset: Dataset, seeds: Sequence[int], *,
        device: Device = "cpu", dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        first = variants[0]
        self.variant, self.variants, self.dataset, self.seeds = first, tuple(variants), dataset, tuple(seeds)
        self.device, self.dtype, self.step = device, dtype, 0
        classes = len(class_shares(dataset))
        self.generator = Player(
            lambda replicas: generator_network(first, dataset.shape, classes, replicas), "generator",
            variants, seeds, [each.generator_lr for each in variants], device, dtype,
        )  # fmt: skip
        self.discriminator = Player(
            lambda replicas: discriminator_network(first, dataset.shape, classes, replicas), "discriminator",
            variants, seeds, [each.discriminator_lr for each in variants], device, dtype,
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
        variant, structure, loss, penalty = (
            self.variant,
            self.variant.structure,
            self.variant.loss,
            self.variant.penalty,
        )
        feed, turns = self.feed, variant.discriminator_steps
        for turn in range(turns):
            (real, known), (given, told) = feed.reals(self.step, turn), feed.given(self.step, turn)
            # The generator will answer for the samples of the last turn, so these keep their graph.
            with nullcontext() if turn == turns - 1 else self.generator.aside():
                fake = self.generator(given)
                if structure.encodes:
                    known = self.generator.encode(real)
                shown = structure.show(real, known), structure.show(fake, told)
            real_shown, fake_shown = (each.detach() for each in shown)
            real_answers, fake_answers = self.judge(real_shown, fake_shown)
            real_logits, fake_logits = structure.logits(real_answers), structure.logits(fake_answers)
            d_loss = _both(
                loss.discriminator(real_logits, fake_logits),
                structure.discriminator_task(real_answers, known, fake_answers, told),
            )
            if penalty is not None and self.step % penalty.every == 0:
                slope = penalty(self.logits, real_shown, fake_shown, feed.uniform(self.step, turn)).mean(
                    1, keepdim=True
                )
                d_loss = d_loss + (penalty.every * self.penalty_weight * slope).squeeze(1)
            self.discriminator.descend(d_loss, self.step * turns + turn + 1)
            if variant.constraint is not None:
                torch.clamp(self.discriminator.weights, -self.limit, self.limit, out=self.discriminator.weights)

        with self.discriminator.visited():
            judged = self.judge(*shown) if loss.pairs else (self.discriminator(shown[1]),) * 2
        g_loss = _both(
            loss.generator(*(structure.logits(answers) for answers in judged)),
            structure.generator_task(judged[1], told),
        )
        self.generator.descend(g_loss, self.step + 1)
        self.step += 1
        self._remember()
        self.last = {"g_loss": g_loss, "d_loss": d_loss, "real_logits": real_logits, "fake_logits": fake_logits}
        for name, (scores, truth) in structure.named(real_answers, known, fake_answers, told).items():
            self.last |= {f"{name}.scores": scores, f"{name}.truth": truth}

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
        for index, kept in self._frozen.items():
            # An ended replica is computed along: leaving it out would change the shapes, and so its neighbours' bits.
            for name, tensor in self.state.items():
                tensor[index] = kept[name]

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

    def diagnostics(self, index: int) -> dict[str, float]:
        """How the last step went for replica `index`; what is not finite is counted and left out."""
        if not self.last or index in self._last_words:
            return self._last_words.get(index, {})
        real, fake = (self.last[name][index].detach() for name in ("real_logits", "fake_logits"))
        found = {
            "generator_loss": self.last["g_loss"][index],
            "discriminator_loss": self.last["d_loss"][index],
            "real_logit": real.mean(),
            "fake_logit": fake.mean(),
            "generator_gradient": self.generator.gradient[index].norm(),
            "discriminator_gradient": self.discriminator.gradient[index].norm(),
        }
        for name in [name.removesuffix(".scores") for name in self.last if name.endswith(".scores")]:
            scores, truth = self.last[f"{name}.scores"][index], self.last[f"{name}.truth"][index]
            known = truth.amax(1) > 0
            if known.any():
                found[name] = (scores.argmax(1) == truth.argmax(1))[known].double().mean()
        if self.variant.loss.probabilistic:
            found |= {"real_probability": real.sigmoid().mean(), "fake_probability": fake.sigmoid().mean()}
        weights = (self.generator.weights[index], self.discriminator.weights[index])
        found["nonfinite"] = sum(((~row.isfinite()).sum() for row in weights), torch.zeros(()))
        return {name: float(value.detach()) for name, value in found.items()}


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
