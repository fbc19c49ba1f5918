"""Multilayer perceptrons with a replica axis: every weight is `[R, in, out]`, every product a batched one."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

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
        for number, (inputs, outputs) in enumerate(pairwise(widths)):
            bound = 1 / math.sqrt(inputs)  # as nn.Linear starts
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
        x = bias + Thin.apply(x, weight) if weight.shape[2] < 8 else torch.baddbmm(bias, x, weight)
        if self.squash:
            x = x.tanh()
        return x.squeeze(2) if self.shape is None else x.reshape(*x.shape[:2], *self.shape)


class Thin(torch.autograd.Function):
    """`x @ weight` for a weight `[R, in, out]` of few columns: a logit, a point.

    A batched product with one or two columns runs ten times slower than the same product with one or two rows, so this
    one is taken transposed, forward and for the weight's gradient. Both ways are differentiable again, for penalties.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return torch.bmm(weight.transpose(1, 2), x.transpose(1, 2)).transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        for_x = torch.bmm(gradient, weight.transpose(1, 2)) if ctx.needs_input_grad[0] else None
        for_weight = torch.bmm(gradient.transpose(1, 2), x).transpose(1, 2) if ctx.needs_input_grad[1] else None
        return for_x, for_weight


@dataclass(frozen=True, kw_only=True)
class Perceptrons:
    """Points: two hidden layers of `width`. Images: 1, 2, 4, 8 times `width`, and 4, 2 times in the discriminator."""

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
