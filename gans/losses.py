"""Adversarial losses as formulas of logits: one value per sample, both players minimise, the caller takes the mean."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from torch import Tensor
from torch.nn.functional import relu, softplus

from .configuration import real as real_number


class Loss(Protocol):
    """What the two players minimise, as functions of the discriminator's logits for reals and for fakes."""

    probabilistic: ClassVar[bool]  # sigmoid(logit) is the probability of being real
    pairs: ClassVar[bool]  # the generator's loss reads the logits of the reals too
    border: ClassVar[float | None]  # from here on a sample is called real; none where only differences count

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the discriminator minimises, one value per sample."""

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the generator minimises, one value per sample."""


@dataclass(frozen=True)
class Minimax:
    """-log D(x) - log(1 - D(G(z))), of which the generator minimises the opposite (Goodfellow et al., 2014)."""

    probabilistic: ClassVar[bool] = True
    pairs: ClassVar[bool] = False
    border: ClassVar[float | None] = 0.0

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002
        return -softplus(fake)


@dataclass(frozen=True)
class NonSaturating:
    """The generator minimises -log D(G(z)): its slope survives a confident discriminator (Goodfellow et al., 2014)."""

    probabilistic: ClassVar[bool] = True
    pairs: ClassVar[bool] = False
    border: ClassVar[float | None] = 0.0

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002
        return softplus(-fake)


@dataclass(frozen=True)
class Swapped:
    """The generator minimises the discriminator's loss with reals and fakes exchanged (BiGAN; Donahue et al., 2017).

    It is `NonSaturating` where reals carry nothing of the generator's; an encoder is taught by the term of the reals.
    """

    probabilistic: ClassVar[bool] = True
    pairs: ClassVar[bool] = True
    border: ClassVar[float | None] = 0.0

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(real) + softplus(-fake)


@dataclass(frozen=True)
class LeastSquares:
    """Scores are drawn to 1 for reals and 0 for fakes, by the generator to 1 (Mao et al., 2017)."""

    probabilistic: ClassVar[bool] = False
    pairs: ClassVar[bool] = False
    border: ClassVar[float | None] = 0.5

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((real - 1).square() + fake.square()) / 2

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002
        return (fake - 1).square() / 2


@dataclass(frozen=True)
class Wasserstein:
    """The critic's scores are compared as they are, without a sigmoid (Arjovsky et al., 2017)."""

    probabilistic: ClassVar[bool] = False
    pairs: ClassVar[bool] = False
    border: ClassVar[float | None] = None

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake - real

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002
        return -fake


@dataclass(frozen=True)
class Hinge:
    """A logit already past the margin costs the discriminator nothing (Lim & Ye, 2017)."""

    margin: float = 1.0

    probabilistic: ClassVar[bool] = False
    pairs: ClassVar[bool] = False
    border: ClassVar[float | None] = 0.0

    def __post_init__(self) -> None:
        real_number("loss.margin", self.margin, above=0)

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(self.margin - real) + relu(self.margin + fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002
        return -fake


@dataclass(frozen=True)
class Relativistic:
    """Only by how much a real is more real than the fake beside it counts (Jolicoeur-Martineau, 2019)."""

    probabilistic: ClassVar[bool] = False
    pairs: ClassVar[bool] = True
    border: ClassVar[float | None] = None

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(real - fake)


LOSSES: dict[str, Callable[[], Loss]] = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "swapped": Swapped,
    "least_squares": LeastSquares,
    "wasserstein": Wasserstein,
    "hinge": Hinge,
    "relativistic": Relativistic,
}
