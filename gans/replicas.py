"""The engine: a stack of replicas that train as one program, and the adversarial step that moves them.

Everything has a leading replica axis. All numbers of a player lie in rows `[R, P]` whose views are its parameters, so that an
update, an average, a checkpoint or the freezing of one replica is an operation on rows, whatever the network looks like.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from .data.dataset import Dataset
from .networks import Modes, bind, rows
from .optimisers import column
from .streams import Blocks, Device, Order, block_length, derived, generator, seeded
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
        self.columns = self.optimiser.columns([each.optimiser for each in variants], self.weights)
        self.rate = column(list(rates), self.weights)
        self.gradient = torch.zeros_like(self.weights)

    def __call__(self, samples: Tensor) -> Tensor:
        out: Tensor = self.network(samples)
        return out

    def visited(self) -> AbstractContextManager[None]:
        """The other player's turn: weights and statistics stay where they are."""
        return self.modes.within("visiting")

    def descend(self, loss: Tensor, step: int) -> None:
        """Update number `step` (from 1): follow the gradient of `loss: [R]`. No replica's loss depends on another's weights."""
        slopes = torch.autograd.grad(loss.sum(), self.parameters)
        self.gradient = torch.cat([slope.reshape(len(self.weights), -1) for slope in slopes], 1)
        with torch.no_grad():
            self.optimiser.update(self.weights, self.gradient, self.memory, self.rate, self.columns, step)

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
        networks, shape = first.networks, dataset.shape
        self.generator = Player(
            lambda replicas: networks.generator(shape, first.latent, replicas), "generator",
            variants, seeds, [each.generator_lr for each in variants], device, dtype,
        )  # fmt: skip
        self.discriminator = Player(
            lambda replicas: networks.discriminator(shape, replicas), "discriminator",
            variants, seeds, [each.discriminator_lr for each in variants], device, dtype,
        )  # fmt: skip
        self.average = None if first.ema_half_life is None else self.generator.weights.clone()
        self.half_life = column([each.ema_half_life or 1.0 for each in variants], self.generator.weights)
        self.penalty_weight = column([v.penalty.weight if v.penalty else 0.0 for v in variants], self.generator.weights)
        self.limit = column([v.constraint.limit if v.constraint else 0.0 for v in variants], self.generator.weights)
        self._feed()
        self._frozen: dict[int, dict[str, Tensor]] = {}
        self.ended_at: dict[int, int] = {}
        self.last: dict[str, Tensor] = {}

    # -- the adversarial game ------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """One step: `discriminator_steps` updates of the discriminator, then one of the generator."""
        variant, loss, penalty = self.variant, self.variant.loss, self.variant.penalty
        turns = variant.discriminator_steps
        for turn in range(turns):
            real = self.reals(turn)
            with torch.no_grad(), self.generator.visited():
                fake = self.generator(self.latents(turn))
            real_logits, fake_logits = self.judge(real, fake)
            d_loss = loss.discriminator(real_logits, fake_logits).mean(1)
            if penalty is not None and self.step % penalty.every == 0:
                self._reseed(turn)
                slope = penalty(self.discriminator, real, fake, self.uniform).mean(1, keepdim=True)
                d_loss = d_loss + (penalty.every * self.penalty_weight * slope).squeeze(1)
            self.discriminator.descend(d_loss, self.step * turns + turn + 1)
            if variant.constraint is not None:
                torch.clamp(self.discriminator.weights, -self.limit, self.limit, out=self.discriminator.weights)

        fake = self.generator(self.latents(turns))
        with self.discriminator.visited():
            judged = self.judge(real, fake) if loss.pairs else (self.discriminator(fake),) * 2
        g_loss = loss.generator(*judged).mean(1)
        self.generator.descend(g_loss, self.step + 1)
        self.step += 1
        self._remember()
        self.last = {"g_loss": g_loss, "d_loss": d_loss, "real_logits": real_logits, "fake_logits": fake_logits}

    def judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both, `[R, N]` each: in one pass, unless batch norm would let them see each other."""
        if self.variant.networks.discriminator_mixes_samples:
            return self.discriminator(real), self.discriminator(fake)
        real_logits, fake_logits = self.discriminator(torch.cat([real, fake], 1)).chunk(2, 1)
        return real_logits, fake_logits

    def _remember(self) -> None:
        """Move the average by half of the distance to the present per half-life."""
        if self.average is not None:
            shown = self.step * self.variant.images_per_step
            half_life = self.half_life.clamp(max=_RAMP * shown)
            self.average.lerp_(self.generator.weights, 1 - 0.5 ** (self.variant.images_per_step / half_life))

    # -- what the players are given ------------------------------------------------------------------------------------

    def _feed(self) -> None:
        """Lay the sources of reals and latents, drawn in blocks of steps and laid out `[step, turn, R, N, ...]`."""
        variant, dataset, device = self.variant, self.dataset, self.device
        turns, batch = variant.discriminator_steps, variant.batch

        def stacked(draw: Callable[[int, int], Tensor]) -> Callable[[int], Tensor]:
            return lambda block: torch.stack([draw(seed, block) for seed in self.seeds], 2)

        steps = block_length((turns + 1) * batch * variant.latent)

        def latents(seed: int, block: int) -> Tensor:
            random = generator(seed, "latents", block, device=device)
            return torch.randn(steps, turns + 1, batch, variant.latent, generator=random, device=device).to(self.dtype)

        self._latents = Blocks(steps, stacked(latents))

        law = getattr(dataset, "law", None)
        if law is not None:
            steps_of_reals = block_length(turns * batch * law.dimensions)

            def drawn(seed: int, block: int) -> Tensor:
                random = generator(seed, "reals", block, device=device)
                points = law.draw(steps_of_reals * turns * batch, random).samples
                return points.view(steps_of_reals, turns, batch, -1).to(self.dtype)

            self._reals, self._images = Blocks(steps_of_reals, stacked(drawn)), None
        else:
            self._images = dataset.split("train").samples.to(device)
            orders = {seed: Order(seed, len(self._images)) for seed in self.seeds}
            count = block_length(turns * batch) * turns * batch

            def places(seed: int, block: int) -> Tensor:
                return orders[seed].places(block * count, count).view(-1, turns, batch).to(device)

            self._reals = Blocks(block_length(turns * batch), stacked(places))
        self._random = [torch.Generator(device) for _ in self.seeds]

    def latents(self, turn: int) -> Tensor:
        """`[R, N, latent]` for this turn of this step."""
        return self._latents.at(self.step)[turn]

    def reals(self, turn: int) -> Tensor:
        """`[R, N, ...]` for this turn of this step; images in [-1, 1]."""
        chosen = self._reals.at(self.step)[turn]
        return chosen if self._images is None else centred(self._images[chosen], self.dtype)

    def _reseed(self, turn: int) -> None:
        for seed, random in zip(self.seeds, self._random, strict=True):
            random.manual_seed(derived(seed, "penalty", self.step, turn))

    def uniform(self, shape: tuple[int, ...]) -> Tensor:
        """Uniform numbers `[R, ...]` for a penalty, each row from its replica's own stream."""
        draws = [torch.rand(shape[1:], generator=random, device=self.device) for random in self._random]
        return torch.stack(draws).to(self.dtype)

    # -- ticks, ends and states ----------------------------------------------------------------------------------------

    def run(self, until: int) -> None:
        """Take all steps up to `until`, unless nobody is left to take them."""
        if len(self._frozen) == len(self.seeds):
            return
        while self.step < until:
            self.advance()
        for index, kept in self._frozen.items():
            # An ended replica was computed along, since leaving it out would change the shapes and so its neighbours' bits.
            for name, tensor in self.state.items():
                tensor[index] = kept[name]

    def end(self, index: int) -> None:
        """From here on the state of replica `index` stays what it is."""
        if index not in self._frozen:
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
        real, fake = (self.last[name][index].detach() for name in ("real_logits", "fake_logits"))
        found = {
            "generator_loss": self.last["g_loss"][index],
            "discriminator_loss": self.last["d_loss"][index],
            "real_logit": real.mean(),
            "fake_logit": fake.mean(),
            "generator_gradient": self.generator.gradient[index].norm(),
            "discriminator_gradient": self.discriminator.gradient[index].norm(),
        }
        if self.variant.loss.probabilistic:
            found |= {"real_probability": real.sigmoid().mean(), "fake_probability": fake.sigmoid().mean()}
        weights = (self.generator.weights[index], self.discriminator.weights[index])
        found["nonfinite"] = sum(((~row.isfinite()).sum() for row in weights), torch.zeros(()))
        return {name: float(value.detach()) for name, value in found.items()}


def centred(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Grey levels 0 to 255 as numbers from -1 to 1; points stay as they are."""
    return images.to(dtype).mul_(1 / 127.5).sub_(1) if images.dtype == torch.uint8 else images.to(dtype)
