"""Adversarial losses as formulas of logits: one value per sample, both players minimise, the caller takes the mean."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from torch import Tensor
from torch.nn.functional import softplus


class Loss(Protocol):
    """What the two players minimise, as functions of the discriminator's logits for reals and for fakes."""

    probabilistic: ClassVar[bool]  # sigmoid(logit) is the probability of being real
    pairs: ClassVar[bool]  # the generator's loss reads the logits of the reals too

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor: ...
    def generator(self, real: Tensor, fake: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Minimax:
    """-log D(x) - log(1 - D(G(z))), of which the generator minimises the opposite (Goodfellow et al., 2014)."""

    probabilistic: ClassVar[bool] = True
    pairs: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002
        return -softplus(fake)


@dataclass(frozen=True)
class NonSaturating:
    """The generator minimises -log D(G(z)): its slope survives a confident discriminator (Goodfellow et al., 2014)."""

    probabilistic: ClassVar[bool] = True
    pairs: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002
        return softplus(-fake)


@dataclass(frozen=True)
class Wasserstein:
    """The critic's scores are compared as they are, without a sigmoid (Arjovsky et al., 2017)."""

    probabilistic: ClassVar[bool] = False
    pairs: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake - real

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG002
        return -fake


LOSSES: dict[str, Callable[[], Loss]] = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "wasserstein": Wasserstein,
}
