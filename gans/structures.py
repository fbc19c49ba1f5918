"""What the players are told beside noise and samples, and what the discriminator answers beside real or fake.

A structure changes shapes, never networks. What the generator is told stands behind its latents, what the discriminator
is told is joined to the sample, and what it has to answer more is more outputs. So every structure meets every network.
`told` and `known` are always plain numbers `[R, N, K]`: a label is a row with a single 1, and one that nobody knows is
a row of zeros.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, one_hot

from .configuration import ConfigError, real, whole

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Plain:
    """Samples alone, and one logit each (Goodfellow et al., 2014)."""

    reads_labels: ClassVar[bool] = False  # the classes of the reals take part
    encodes: ClassVar[bool] = False  # the generator has a companion that leads from samples to latents
    joins: ClassVar[bool] = False  # the discriminator sees more than samples

    def told(self, classes: int) -> int:  # noqa: ARG002
        """How many numbers the generator is told beside its latents."""
        return 0

    def draw(self, count: int, shares: Tensor, random: torch.Generator) -> Tensor:  # noqa: ARG002
        """What the generator is told for `count` samples: `[count, told]`; `shares` are those of the classes."""
        return torch.empty(count, 0, device=random.device)

    def reveal(self, known: Tensor) -> Tensor:
        """What the discriminator may know of the labels of a finite training set, `[N, K]`."""
        return known

    def seen(self, shape: Shape, latent: int, classes: int) -> Shape:  # noqa: ARG002
        """The shape of what the discriminator sees."""
        return shape

    def outputs(self, classes: int) -> int:  # noqa: ARG002
        """How many numbers it answers."""
        return 1

    def show(self, samples: Tensor, known: Tensor) -> Tensor:  # noqa: ARG002
        """What the discriminator is shown of samples `[R, N, ...]` of which `known` is known."""
        return samples

    def logits(self, answers: Tensor) -> Tensor:
        """The logits of being real in its answers."""
        return answers

    def discriminator_task(self, real: Tensor, known: Tensor, fake: Tensor, told: Tensor) -> Tensor | None:  # noqa: ARG002
        """What the discriminator minimises beside the game, from its answers: `[R, N]`."""
        return None

    def generator_task(self, fake: Tensor, told: Tensor) -> Tensor | None:  # noqa: ARG002
        """What the generator minimises beside the game."""
        return None

    def named(self, real: Tensor, known: Tensor, fake: Tensor, told: Tensor) -> dict[str, tuple[Tensor, Tensor]]:  # noqa: ARG002
        """Under the name of an accuracy: what was guessed, as scores of the classes, and the truth."""
        return {}


@dataclass(frozen=True)
class Packed(Plain):
    """The discriminator judges `packing` samples at once, so that a lack of variety shows (Lin et al., 2018)."""

    packing: int = 2

    def __post_init__(self) -> None:
        whole("packing", self.packing)

    def seen(self, shape: Shape, latent: int, classes: int) -> Shape:  # noqa: ARG002
        return (self.packing * shape[0], *shape[1:])

    def show(self, samples: Tensor, known: Tensor) -> Tensor:  # noqa: ARG002
        """Neighbours in the batch become one sample with more channels."""
        return samples.reshape(samples.shape[0], -1, self.packing * samples.shape[2], *samples.shape[3:])


@dataclass(frozen=True)
class Conditional(Plain):
    """Both players are told the label (Mirza & Osindero, 2014)."""

    reads_labels: ClassVar[bool] = True
    joins: ClassVar[bool] = True

    def told(self, classes: int) -> int:
        return classes

    def draw(self, count: int, shares: Tensor, random: torch.Generator) -> Tensor:
        return _labels(count, shares, random)

    def seen(self, shape: Shape, latent: int, classes: int) -> Shape:  # noqa: ARG002
        return (shape[0] + classes, *shape[1:])

    def show(self, samples: Tensor, known: Tensor) -> Tensor:
        """A label is joined to a point as coordinates, to an image as channels that are 1 or 0 all over."""
        planes = known.view(*known.shape, *(1 for _ in samples.shape[3:]))
        return torch.cat([samples, planes.expand(*known.shape, *samples.shape[3:])], 2)


@dataclass(frozen=True)
class Auxiliary(Plain):
    """The generator is told the label, and the discriminator has to find it out (AC-GAN; Odena et al., 2017)."""

    weight: float = 1.0

    reads_labels: ClassVar[bool] = True

    def __post_init__(self) -> None:
        real("structure.weight", self.weight, above=0)

    def told(self, classes: int) -> int:
        return classes

    def draw(self, count: int, shares: Tensor, random: torch.Generator) -> Tensor:
        return _labels(count, shares, random)

    def outputs(self, classes: int) -> int:
        return 1 + classes

    def logits(self, answers: Tensor) -> Tensor:
        return answers[..., 0]

    def discriminator_task(self, real: Tensor, known: Tensor, fake: Tensor, told: Tensor) -> Tensor:
        return self.weight * (_surprise(real[..., 1:], known) + _surprise(fake[..., 1:], told))

    def generator_task(self, fake: Tensor, told: Tensor) -> Tensor:
        return self.weight * _surprise(fake[..., 1:], told)

    def named(self, real: Tensor, known: Tensor, fake: Tensor, told: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        return {"class_accuracy": (real[..., 1:], known), "fake_class_accuracy": (fake[..., 1:], told)}


@dataclass(frozen=True)
class SemiSupervised(Plain):
    """The discriminator sorts into the K classes and a class of fakes (Odena, 2016; Salimans et al., 2016).

    Being real is being in any of the K: its odds are those of their sum against the last. Only the labels of the first
    `labelled` training samples are known to it; none means all.
    """

    labelled: int | None = None

    reads_labels: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.labelled is not None:
            whole("labelled", self.labelled)

    def reveal(self, known: Tensor) -> Tensor:
        if self.labelled is None:
            return known
        # The training split is shuffled with every class spread over it, so that its beginning is a fair choice.
        return torch.cat([known[: self.labelled], torch.zeros_like(known[self.labelled :])])

    def outputs(self, classes: int) -> int:
        return classes + 1

    def logits(self, answers: Tensor) -> Tensor:
        return answers[..., :-1].logsumexp(-1) - answers[..., -1]

    def discriminator_task(self, real: Tensor, known: Tensor, fake: Tensor, told: Tensor) -> Tensor:  # noqa: ARG002
        # The mean over those that have a label, whatever their share of the batch.
        share = known.sum((1, 2)).clamp(min=1).unsqueeze(1) / known.shape[1]
        return _surprise(real[..., :-1], known) / share

    def named(self, real: Tensor, known: Tensor, fake: Tensor, told: Tensor) -> dict[str, tuple[Tensor, Tensor]]:  # noqa: ARG002
        return {"class_accuracy": (real[..., :-1], known)}


@dataclass(frozen=True)
class Informative(Plain):
    """A part of the generator's noise is a code that can be read off its samples (InfoGAN; Chen et al., 2016).

    The code is one of `categories` and `continuous` numbers between -1 and 1. The reader shares all but the last layer
    with the discriminator and bounds the mutual information from below by the code's likelihood, the numbers being
    means of Gaussians of variance 1.
    """

    categories: int = 10
    continuous: int = 2
    weight: float = 1.0
    continuous_weight: float = 0.1

    def __post_init__(self) -> None:
        whole("categories", self.categories, least=2)
        whole("continuous", self.continuous, least=0)
        real("structure.weight", self.weight, above=0)
        real("structure.continuous_weight", self.continuous_weight, least=0)

    def told(self, classes: int) -> int:  # noqa: ARG002
        return self.categories + self.continuous

    def draw(self, count: int, shares: Tensor, random: torch.Generator) -> Tensor:  # noqa: ARG002
        category = torch.randint(self.categories, (count,), generator=random, device=random.device)
        numbers = 2 * torch.rand(count, self.continuous, generator=random, device=random.device) - 1
        return torch.cat([one_hot(category, self.categories), numbers], 1)

    def outputs(self, classes: int) -> int:
        return 1 + self.told(classes)

    def logits(self, answers: Tensor) -> Tensor:
        return answers[..., 0]

    def discriminator_task(self, real: Tensor, known: Tensor, fake: Tensor, told: Tensor) -> Tensor:  # noqa: ARG002
        return self.generator_task(fake, told)

    def generator_task(self, fake: Tensor, told: Tensor) -> Tensor:
        end = 1 + self.categories
        category = _surprise(fake[..., 1:end], told[..., : self.categories])
        numbers = (fake[..., end:] - told[..., self.categories :]).square().sum(-1) / 2
        return self.weight * category + self.continuous_weight * numbers

    def named(self, real: Tensor, known: Tensor, fake: Tensor, told: Tensor) -> dict[str, tuple[Tensor, Tensor]]:  # noqa: ARG002
        return {"code_accuracy": (fake[..., 1 : 1 + self.categories], told[..., : self.categories])}


@dataclass(frozen=True)
class Bidirectional(Plain):
    """An encoder leads from samples to latents, and pairs of both are judged (BiGAN; Donahue et al., 2017)."""

    encodes: ClassVar[bool] = True
    joins: ClassVar[bool] = True

    def seen(self, shape: Shape, latent: int, classes: int) -> Shape:  # noqa: ARG002
        """An image and its latents are one long row of pixels: the permutation-invariant networks of the paper."""
        flat = torch.Size(shape).numel() + latent
        return (flat,) if len(shape) == 1 else (1, 1, flat)

    def show(self, samples: Tensor, known: Tensor) -> Tensor:
        return torch.cat([samples.flatten(2), known], 2)


Structure = Plain

STRUCTURES: dict[str, Callable[..., Structure]] = {
    each.__name__: each for each in (Plain, Packed, Conditional, Auxiliary, SemiSupervised, Informative, Bidirectional)
}


def rebuilt(description: dict[str, Any]) -> Structure:
    """The structure that `configuration.describe` wrote down, if the catalogue has it: code is never loaded."""
    values = dict(description)
    name = values.pop("type", None)
    if name not in STRUCTURES:
        raise ConfigError(f"a structure of type {name!r} is not in the catalogue, which has {', '.join(STRUCTURES)}")
    return STRUCTURES[name](**values)


def _labels(count: int, shares: Tensor, random: torch.Generator) -> Tensor:
    """Labels drawn by the shares that they have in training."""
    return one_hot(torch.multinomial(shares, count, replacement=True, generator=random), len(shares))


def _surprise(scores: Tensor, truth: Tensor) -> Tensor:
    """-log p(truth) -> `[R, N]`; 0 where the truth is not known."""
    return -(truth * log_softmax(scores, -1)).sum(-1)
