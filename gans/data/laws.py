"""Synthetic data: mixtures of Gaussians whose modes are known."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..configuration import real, whole
from .dataset import Modes, Split


def _draw(centres: Tensor, std: float, count: int, random: torch.Generator) -> Split:
    """Equal shares of every centre on average, one round Gaussian around each."""
    labels = torch.randint(len(centres), (count,), generator=random, device=random.device)
    noise = torch.randn(count, centres.shape[1], generator=random, device=random.device)
    return Split(torch.addcmul(centres.to(random.device)[labels], noise, noise.new_tensor(std)), labels)


@dataclass(frozen=True, kw_only=True)
class Ring:
    """`number` round Gaussians at equal distances on a circle."""

    number: int = 8
    radius: float = 2.0
    std: float = 0.1

    def __post_init__(self) -> None:
        whole("number", self.number, least=2)
        real("radius", self.radius, above=0)
        real("std", self.std, above=0)

    @property
    def dimensions(self) -> int:
        return 2

    @property
    def modes(self) -> Modes:
        # The end of the circle is its beginning: a linspace with both ends would put two modes on one place.
        angle = torch.arange(self.number, dtype=torch.float64) * (2 * math.pi / self.number)
        centres = self.radius * torch.stack([angle.cos(), angle.sin()], dim=1)
        return Modes(centres.float(), self.std)

    def draw(self, count: int, random: torch.Generator) -> Split:
        return _draw(self.modes.centres, self.std, count, random)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """`side` x `side` round Gaussians around the origin."""

    side: int = 5
    spacing: float = 1.5
    std: float = 0.1

    def __post_init__(self) -> None:
        whole("side", self.side, least=2)
        real("spacing", self.spacing, above=0)
        real("std", self.std, above=0)

    @property
    def dimensions(self) -> int:
        return 2

    @property
    def modes(self) -> Modes:
        line = (torch.arange(self.side, dtype=torch.float32) - (self.side - 1) / 2) * self.spacing
        return Modes(torch.cartesian_prod(line, line), self.std)

    def draw(self, count: int, random: torch.Generator) -> Split:
        return _draw(self.modes.centres, self.std, count, random)


@dataclass(frozen=True, kw_only=True)
class Gaussian:
    """One Gaussian on the line."""

    mean: float = 4.0
    std: float = 0.5

    def __post_init__(self) -> None:
        real("mean", self.mean)
        real("std", self.std, above=0)

    @property
    def dimensions(self) -> int:
        return 1

    @property
    def modes(self) -> Modes:
        return Modes(torch.tensor([[self.mean]]), self.std)

    def draw(self, count: int, random: torch.Generator) -> Split:
        return _draw(self.modes.centres, self.std, count, random)
