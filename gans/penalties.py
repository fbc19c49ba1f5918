"""What keeps a discriminator smooth: penalties on its slope, one value per sample, and constraints on its weights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from .configuration import ConfigError, whole
from .configuration import real as real_number

Discriminator = Callable[[Tensor], Tensor]
Uniform = Callable[[tuple[int, ...]], Tensor]


class Penalty(Protocol):
    """A value per sample, `[R, N]`, added `weight` times to the discriminator's loss, every `every` steps.

    The engine multiplies, because in a pack every replica may have its own weight.
    """

    per_sample: ClassVar[bool]  # assumes that sample i touches only logit i

    @property
    def weight(self) -> float:
        """By which the engine multiplies it."""

    @property
    def every(self) -> int:
        """It acts once in so many steps."""

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Uniform) -> Tensor:
        """The value for each sample; `uniform` draws from each replica's own stream."""


@dataclass(frozen=True)
class UnitSlope:
    """The slope between a real and a generated sample should be 1: (|grad D| - 1)^2 (Gulrajani et al., 2017)."""

    weight: float = 10.0
    every: int = 1

    per_sample: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check(self)

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Uniform) -> Tensor:
        # One share per sample, the same for all of its pixels: a share per pixel leaves the line between the two.
        share = uniform(tuple(real.shape[:2])).view(*real.shape[:2], *(1 for _ in real.shape[2:]))
        slope = squared_slope(discriminator, torch.lerp(real, fake, share))
        return ((slope + 1e-12).sqrt() - 1).square()  # the root has no gradient at 0, where a dead critic begins


@dataclass(frozen=True)
class ZeroSlope:
    """Flatten the discriminator at the data: |grad D(x)|^2 / 2, the R1 of Mescheder et al. (2018)."""

    weight: float = 1.0
    every: int = 1

    per_sample: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check(self)

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Uniform) -> Tensor:  # noqa: ARG002
        return squared_slope(discriminator, real) / 2


@dataclass(frozen=True)
class ZeroSlopeAtFakes:
    """Flatten the discriminator at the samples: |grad D(G(z))|^2 / 2, the R2 of Mescheder et al. (2018)."""

    weight: float = 1.0
    every: int = 1

    per_sample: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check(self)

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Uniform) -> Tensor:  # noqa: ARG002
        return squared_slope(discriminator, fake) / 2


@dataclass(frozen=True)
class ZeroSlopes:
    """Flatten the discriminator at the data and at the samples: R1 + R2 (Roth et al., 2017; Huang et al., 2024)."""

    weight: float = 1.0
    every: int = 1

    per_sample: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check(self)
        if self.every > 1:
            raise ConfigError(
                f"penalty.every must be 1 where both slopes are flattened, but {self.every} came: taken at intervals,"
                " R1 + R2 did not converge even on points (Huang et al., 2024, appendix E)"
            )

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, uniform: Uniform) -> Tensor:  # noqa: ARG002
        return (squared_slope(discriminator, real) + squared_slope(discriminator, fake)) / 2


@dataclass(frozen=True)
class Clip:
    """After every update each weight of the critic is put back into [-limit, limit] (WGAN; Arjovsky et al., 2017)."""

    limit: float = 0.01

    def __post_init__(self) -> None:
        real_number("constraint.limit", self.limit, above=0)


def squared_slope(discriminator: Discriminator, samples: Tensor) -> Tensor:
    """|grad D|^2 at each of the `samples: [R, N, ...]`, over all of a sample's dimensions -> `[R, N]`."""
    samples = samples.detach().requires_grad_(True)
    # Summing the logits gives per-sample gradients in one call, if sample i touches only logit i: no batch norm.
    (slope,) = torch.autograd.grad(discriminator(samples).sum(), samples, create_graph=True)
    return slope.square().flatten(2).sum(2)


def _check(penalty: Penalty) -> None:
    real_number("penalty.weight", penalty.weight, above=0)
    whole("penalty.every", penalty.every)


PENALTIES: dict[str, Callable[[], Penalty | Clip]] = {
    "clip": Clip,
    "unit_slope": UnitSlope,
    "zero_slope": ZeroSlope,
    "zero_slope_at_fakes": ZeroSlopeAtFakes,
    "zero_slopes": ZeroSlopes,
}
