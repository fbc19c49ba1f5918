"""Multilayer perceptrons with a replica axis: every weight is `[R, in, out]`, every product a batched one."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, leaky_relu_

from ..configuration import WIDEST, whole
from ..memory import take
from .products import Multiplying, affine, product

Widths = tuple[int, ...]
Layers = list[tuple[Tensor, Tensor]]
Places = tuple[list[int], list[tuple[int, ...]]]


class Perceptron(Multiplying):
    """`[R, N, ...]` through dense layers with leaky rectifiers between them; `shape` unflattens what comes out."""

    def __init__(
        self, widths: Widths, *, replicas: int, shape: tuple[int, ...] | None, squash: bool, slope: float = 0.2
    ) -> None:
        super().__init__()
        self.widths, self.shape, self.squash, self.slope = widths, shape, squash, slope
        parts = []
        for inputs, outputs in pairwise(widths):
            bound = 1 / math.sqrt(inputs)  # as nn.Linear starts
            parts += [torch.empty(replicas, size).uniform_(-bound, bound) for size in (inputs * outputs, outputs)]
        self.numbers = nn.Parameter(torch.cat(parts, 1))
        self._places = _places(widths)
        self._views: Layers = []

    @property
    def layers(self) -> Layers:
        """Weight `[R, in, out]` and bias `[R, 1, out]` of every layer, as views of the numbers."""
        return _layers(self.numbers, self._places)

    def _seen(self) -> Layers:
        """`layers` outside of autograd, looked up once as long as the numbers stay where they are."""
        if not self._views or self._views[0][0].data_ptr() != self.numbers.data_ptr():
            self._views = _layers(self.numbers.detach(), self._places)
        return self._views

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2)
        # Who asks for slopes of samples while the weights learn (a penalty) will ask for slopes of these slopes.
        twice = torch.is_grad_enabled() and x.requires_grad and self.numbers.requires_grad
        if twice or self.loops or torch.is_autocast_enabled(x.device.type) or torch.compiler.is_compiling():
            for number, (weight, bias) in enumerate(self.layers):
                x = self.affine(bias, leaky_relu(x, self.slope) if number else x, weight)
        else:
            x = Chain.apply(x, self.numbers, self._seen(), self._places, self.slope)
        if self.squash:
            x = x.tanh()
        return x.squeeze(2) if self.shape is None else x.reshape(*x.shape[:2], *self.shape)


class Chain(torch.autograd.Function):
    """All layers as one function, written out by hand: on small networks calls and passes cost as much as products.

    Rectifiers work in place on the way and on the way back, where nobody else has seen the tensor, and the slopes of
    all weights are written side by side, as the optimiser reads them.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, numbers: Tensor, layers: Layers, places: Places, slope: float) -> Tensor:
        inputs: list[Tensor] = []
        for weight, bias in layers:
            if inputs:
                leaky_relu_(x, slope)
            inputs.append(x)
            x = affine(bias, x, weight, out=take((*x.shape[:2], weight.shape[2]), x))
        ctx.layers, ctx.places, ctx.slope = layers, places, slope
        ctx.save_for_backward(numbers, *inputs)
        return x

    @staticmethod
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError("slopes of slopes of a perceptron are kept where samples and weights both require them")
        numbers, *inputs = ctx.saved_tensors  # which also makes sure that nobody has moved the numbers
        for_x, for_numbers, *_ = ctx.needs_input_grad
        slopes = take(numbers.shape, numbers) if for_numbers else None
        places = _layers(slopes, ctx.places) if slopes is not None else []
        for number in reversed(range(len(inputs))):
            x, (weight, _) = inputs[number], ctx.layers[number]
            if places:
                for_weight, for_bias = places[number]
                torch.sum(back, 1, keepdim=True, out=for_bias)
                product(x.transpose(1, 2), back, out=for_weight)
            if number or for_x:
                back = product(back, weight.transpose(1, 2), out=take(x.shape, x))
            if number:
                back = _rectified(back, x, ctx.slope, True, grad_input=back)
        return back if for_x else None, slopes, None, None, None


_rectified = torch.ops.aten.leaky_relu_backward.grad_input  # torch looks an overload up at every call


def _places(widths: Widths) -> Places:
    """How many numbers of a row each weight and each bias has, and their shapes."""
    shapes = [shape for inputs, outputs in pairwise(widths) for shape in ((inputs, outputs), (1, outputs))]
    return [math.prod(shape) for shape in shapes], [(-1, *shape) for shape in shapes]


def _layers(numbers: Tensor, places: Places) -> Layers:
    """The views of these rows that are the weights and the biases of the layers."""
    sizes, shapes = places
    views = [part.view(shape) for part, shape in zip(torch.split_with_sizes(numbers, sizes, 1), shapes, strict=True)]
    return list(zip(views[::2], views[1::2], strict=True))


@dataclass(frozen=True, kw_only=True)
class Perceptrons:
    """Points: two hidden layers of `width`. Images: 1, 2, 4, 8 times `width`, and 4, 2 times in the discriminator."""

    width: int = 128

    discriminator_mixes_samples: ClassVar[bool] = False

    def __post_init__(self) -> None:
        whole("width", self.width, most=WIDEST)

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
