"""The networks of PacGAN's experiments on points (Lin et al., 2018): batch norm in the generator, maxout against it."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..configuration import WIDEST, whole
from .layers import Moded
from .products import Multiplying

_START = 0.02  # every weight starts from N(0, 0.02), every bias from 0


@dataclass(frozen=True, kw_only=True)
class Maxout:
    """Generator: four hidden layers of 2 `width` rectifiers. Discriminator: three of `width` maxima over 5 products."""

    width: int = 200

    discriminator_mixes_samples: ClassVar[bool] = False

    def __post_init__(self) -> None:
        whole("width", self.width, most=WIDEST)

    def stacks(self, shape: tuple[int, ...]) -> bool:  # noqa: ARG002
        return True

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None if len(shape) == 1 else f"these networks were made for points, but a sample has shape {shape}"

    def generator(self, shape: tuple[int, ...], latent: int, replicas: int = 1) -> nn.Module:
        wide = 2 * self.width
        layers: list[nn.Module] = []
        for inputs in (latent, wide, wide, wide):
            layers += [Product(inputs, wide, replicas, bias=False), StackedBatchNorm(wide, replicas), nn.ReLU()]
        return nn.Sequential(*layers, Product(wide, math.prod(shape), replicas))

    def discriminator(self, shape: tuple[int, ...], replicas: int = 1, outputs: int = 1) -> nn.Module:
        layers: list[nn.Module] = []
        for inputs in (math.prod(shape), self.width, self.width):
            layers += [Product(inputs, 5 * self.width, replicas), Largest(5)]
        return nn.Sequential(*layers, Product(self.width, outputs, replicas), *([Logit()] if outputs == 1 else []))


class Product(Multiplying):
    """`x @ weight + bias` for every replica."""

    def __init__(self, inputs: int, outputs: int, replicas: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(_START * torch.randn(replicas, inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(replicas, 1, outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(x, self.weight) if self.bias is None else self.affine(self.bias, x, self.weight)


class Largest(nn.Module):
    """The largest of every `pieces` neighbours (Goodfellow et al., 2013)."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], -1, self.pieces).amax(3)


class Logit(nn.Module):
    """`[R, N, 1]` to `[R, N]`."""

    def forward(self, x: Tensor) -> Tensor:
        return x.squeeze(2)


class StackedBatchNorm(Moded):
    """Batch normalisation of `[R, N, C]`, every replica by its own batch."""

    mean: Tensor
    var: Tensor

    def __init__(self, channels: int, replicas: int, *, momentum: float = 0.05, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(replicas, 1, channels))
        self.bias = nn.Parameter(torch.zeros(replicas, 1, channels))
        self.register_buffer("mean", torch.zeros(replicas, 1, channels))
        self.register_buffer("var", torch.ones(replicas, 1, channels))
        self.momentum, self.epsilon = momentum, epsilon

    def forward(self, x: Tensor) -> Tensor:
        mean, var = self.mean, self.var
        if self.mode != "running":
            var, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
        if self.mode == "learning":
            seen = x.shape[1]
            with torch.no_grad():
                self.mean.lerp_(mean, self.momentum)
                self.var.lerp_(var * (seen / (seen - 1)), self.momentum)
        return (x - mean) * (self.weight * (var + self.epsilon).rsqrt()) + self.bias
