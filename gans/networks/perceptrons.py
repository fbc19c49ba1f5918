"""Multilayer perceptrons with a replica axis: every weight is `[R, in, out]`, every product a batched one."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu_

from ..configuration import whole


class Perceptron(nn.Module):
    """`[R, N, ...]` through dense layers with leaky rectifiers between them; `shape` unflattens what comes out."""

    def __init__(
        self, widths: tuple[int, ...], *, replicas: int, shape: tuple[int, ...] | None, squash: bool, slope: float = 0.2
    ) -> None:
        super().__init__()
        self.shape, self.squash, self.slope = shape, squash, slope
        self.layers: list[tuple[nn.Parameter, nn.Parameter]] = []
        for number, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
            # Uniform within 1/sqrt(inputs), as nn.Linear starts.
            bound = 1 / math.sqrt(inputs)
            weight = nn.Parameter(torch.empty(replicas, inputs, outputs).uniform_(-bound, bound))
            bias = nn.Parameter(torch.empty(replicas, 1, outputs).uniform_(-bound, bound))
            self.register_parameter(f"weight{number}", weight)
            self.register_parameter(f"bias{number}", bias)
            self.layers.append((weight, bias))

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2)
        *hidden, (weight, bias) = self.layers
        for inner_weight, inner_bias in hidden:
            x = leaky_relu_(torch.baddbmm(inner_bias, x, inner_weight), self.slope)
        x = torch.baddbmm(bias, x, weight)
        if self.squash:
            x = x.tanh()
        return x.squeeze(2) if self.shape is None else x.unflatten(2, self.shape)


@dataclass(frozen=True, kw_only=True)
class Perceptrons:
    """Points: two hidden layers of `width` for both players. Images: 1, 2, 4, 8 times `width`, the critic 4 and 2 times."""

    width: int = 128

    discriminator_mixes_samples: ClassVar[bool] = False

    def __post_init__(self) -> None:
        whole("width", self.width)

    def stacks(self, shape: tuple[int, ...]) -> bool:  # noqa: ARG002
        return True

    def supports(self, shape: tuple[int, ...]) -> str | None:  # noqa: ARG002
        return None

    def generator(self, shape: tuple[int, ...], latent: int, replicas: int = 1) -> nn.Module:
        images, size = len(shape) > 1, math.prod(shape)
        hidden = (1, 2, 4, 8) if images else (1, 1)
        widths = (latent, *(self.width * times for times in hidden), size)
        return Perceptron(widths, replicas=replicas, shape=shape, squash=images)

    def discriminator(self, shape: tuple[int, ...], replicas: int = 1) -> nn.Module:
        images, size = len(shape) > 1, math.prod(shape)
        hidden = (4, 2) if images else (1, 1)
        widths = (size, *(self.width * times for times in hidden), 1)
        return Perceptron(widths, replicas=replicas, shape=None, squash=False)
