"""The rules of the adversarial game: what is shown and what each player minimises, as functions of the players."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from .engine import Network
from .variants import Variant


class GeneratingPlayer(Protocol):
    """From latents to samples, and where there is an encoder, from samples to latents."""

    def __call__(self, samples: Tensor) -> Tensor:
        """Samples `[R, N, ...]` of latents."""

    def encode(self, samples: Tensor) -> Tensor:
        """Latents `[R, N, latent]`."""


class Drawn(NamedTuple):
    """What a turn is about: reals, what is known of them, the generator's input, and what it is told of it."""

    real: Tensor
    known: Tensor
    given: Tensor
    told: Tensor


class Shown(NamedTuple):
    """What the discriminator is shown of reals and of fakes, and what is known of each."""

    real: Tensor
    known: Tensor
    fake: Tensor
    told: Tensor


class Rules:
    """The game of one variant, whoever plays it: a stack of replicas, or one whose numbers are lent to it."""

    def __init__(self, variant: Variant) -> None:
        self.variant, self.structure, self.loss = variant, variant.structure, variant.loss
        self.mixes_samples = variant.networks.discriminator_mixes_samples

    def shown(self, generator: GeneratingPlayer, drawn: Drawn) -> Shown:
        """What the discriminator is shown of this draw."""
        real, known, given, told = drawn
        fake = generator(given)
        if self.structure.encodes:
            known = generator.encode(real)
        return Shown(self.structure.show(real, known), known, self.structure.show(fake, told), told)

    def judge(self, discriminator: Network, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The discriminator's answers to both: in one pass, unless batch norm would let them see each other."""
        if self.mixes_samples:
            return discriminator(real), discriminator(fake)
        real_answers, fake_answers = discriminator(torch.cat([real, fake], 1)).chunk(2, 1)
        return real_answers, fake_answers

    def discriminator_loss(self, discriminator: Network, shown: Shown) -> dict[str, Tensor]:
        """What the discriminator minimises without penalties, `d_loss: [R]`, and what it said, by name."""
        structure = self.structure
        real, fake = self.judge(discriminator, shown.real.detach(), shown.fake.detach())
        logits = {"real_logits": structure.logits(real), "fake_logits": structure.logits(fake)}
        task = structure.discriminator_task(real, shown.known, fake, shown.told)
        said = {"d_loss": _both(self.loss.discriminator(*logits.values()), task), **logits}
        for name, (scores, truth) in structure.named(real, shown.known, fake, shown.told).items():
            said |= {f"{name}.scores": scores, f"{name}.truth": truth}
        return said

    def generator_loss(self, discriminator: Network, shown: Shown) -> Tensor:
        """What the generator minimises, `[R]`."""
        pairs = self.loss.pairs
        judged = self.judge(discriminator, shown.real, shown.fake) if pairs else (discriminator(shown.fake),) * 2
        task = self.structure.generator_task(judged[1], shown.told)
        return _both(self.loss.generator(*(self.structure.logits(answers) for answers in judged)), task)

    def constrain(self, weights: Tensor, limit: Tensor) -> None:
        """Put the discriminator's weights back where the variant wants them: within `limit: [R, 1]`."""
        if self.variant.constraint is not None:
            torch.clamp(weights, -limit, limit, out=weights)


def _both(game: Tensor, task: Tensor | None) -> Tensor:
    """The mean over the samples of what a player minimises, `[R]`."""
    return (game if task is None else game + task).mean(1)
