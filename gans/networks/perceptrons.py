"""Multilayer perceptrons with a replica axis: every weight is `[R, in, out]`, every product a batched one."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu_

from ..configuration import whole
from ..memory import give, take


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
        for number, (weight, bias) in enumerate(self.layers):
            x = dense(bias, x, weight, None if number == len(self.layers) - 1 else self.slope)
        if self.squash:
            x = x.tanh()
        return x.squeeze(2) if self.shape is None else x.reshape(*x.shape[:2], *self.shape)


def dense(bias: Tensor, x: Tensor, weight: Tensor, slope: float | None = None) -> Tensor:
    """`bias + x @ weight`, and through a leaky rectifier of this slope if there is one."""
    if torch.is_autocast_enabled(x.device.type):
        product = torch.baddbmm(bias, x, weight)
        return product if slope is None else leaky_relu_(product, slope)
    out: Tensor = Dense.apply(bias, x, weight, slope)
    return out


class Dense(torch.autograd.Function):
    """A layer in as few passes over memory as it takes, since on small networks passes cost as much as products.

    The rectifier works in place on the way and on the way back: nobody but the next layer has seen either tensor. A
    batched product that leaves one or two columns runs ten times slower than the same product turned into rows, so
    those are taken transposed. Both directions are differentiable again, for penalties.
    """

    @staticmethod
    def forward(ctx: Any, bias: Tensor, x: Tensor, weight: Tensor, slope: float | None) -> Tensor:
        # Few columns come as a view, which must not leave a function of one's own; the sum is no view any more.
        out = bias + _product(x, weight) if _few(weight) else torch.baddbmm(bias, x, weight)
        if slope is not None:
            leaky_relu_(out, slope)
        ctx.slope = slope
        ctx.save_for_backward(x, weight, None if slope is None else out)
        return out

    @staticmethod
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, out = ctx.saved_tensors
        for_bias, for_x, for_weight, _ = ctx.needs_input_grad
        if out is not None:
            if torch.is_grad_enabled():  # a slope of this slope will be asked for; the factor itself is piecewise flat
                back = back * torch.where(out.detach() > 0, 1.0, ctx.slope)
            else:
                back = torch.ops.aten.leaky_relu_backward(back, out, ctx.slope, True, grad_input=back)
        found = (
            back.sum(1, keepdim=True) if for_bias else None,
            _product(back, weight.transpose(1, 2)) if for_x else None,
            _product(x.transpose(1, 2), back) if for_weight else None,
            None,
        )
        if out is not None and not torch.is_grad_enabled():
            give(back)
        return found


def _few(columns: Tensor) -> bool:
    return columns.shape[2] < 8


def _product(left: Tensor, right: Tensor) -> Tensor:
    """`left @ right`, with its few columns computed as rows."""
    if _few(right):
        return torch.bmm(right.transpose(1, 2), left.transpose(1, 2)).transpose(1, 2)
    # Where slopes of slopes may be asked for, autograd has to see a fresh result.
    out = None if torch.is_grad_enabled() else take(torch.Size((*left.shape[:2], right.shape[2])), left)
    return torch.mul(left, right, out=out) if left.shape[2] == 1 else torch.bmm(left, right, out=out)


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

    def discriminator(self, shape: tuple[int, ...], replicas: int = 1, outputs: int = 1) -> nn.Module:
        images, size = len(shape) > 1, math.prod(shape)
        hidden = (4, 2) if images else (1, 1)
        widths = (size, *(self.width * times for times in hidden), outputs)
        return Perceptron(widths, replicas=replicas, shape=None if outputs == 1 else (outputs,), squash=False)
