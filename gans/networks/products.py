"""Products of many small matrices, the way round that is fast, played call by call or inside of a compiled step."""

from typing import Any

import torch
from torch import Tensor, nn


class Multiplying(nn.Module):
    """A layer of products; `loops` says that it is compiled, and that the compiler makes loops of products."""

    loops: bool = False

    def affine(self, bias: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        """`bias + x @ weight`."""
        if not self.loops:
            return affine(bias, x, weight)
        product: Tensor = Inlined.apply(x, weight)
        return bias + product


def multiply_in_loops(network: nn.Module) -> None:
    """Say to all layers of products that they are compiled, and that the compiler makes loops of them."""
    for layer in network.modules():
        if isinstance(layer, Multiplying):
            layer.loops = True


def affine(bias: Tensor, x: Tensor, weight: Tensor, out: Tensor | None = None) -> Tensor:
    """`bias + x @ weight`."""
    if _few(weight):
        return torch.add(bias, _in_rows(x, weight), out=out)
    return torch.baddbmm(bias, x, weight, out=out)


def product(left: Tensor, right: Tensor, out: Tensor) -> Tensor:
    """`left @ right`."""
    if left.shape[2] == 1:
        return torch.mul(left, right, out=out)
    return out.copy_(_in_rows(left, right)) if _few(right) else torch.bmm(left, right, out=out)


class Inlined(torch.autograd.Function):
    """`left @ right` of which a compiler makes loops of its own, on the way and on the way back."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor) -> Tensor:
        ctx.save_for_backward(left, right)
        return _in_loops(left, right)

    @staticmethod
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor, Tensor]:  # what nobody asks for the compiler leaves out
        left, right = ctx.saved_tensors
        return _in_loops(back, right.transpose(1, 2)), _in_loops(left.transpose(1, 2), back)


def _in_loops(left: Tensor, right: Tensor) -> Tensor:
    """`left @ right`; a compiler's loops take operands row by row, and would fill few columns up to its blocks."""
    if left.shape[2] == 1:
        return left * right
    if _few(right):
        columns = right.transpose(1, 2).unsqueeze(2).unbind(1)
        return torch.stack([(left * column).sum(2) for column in columns], 2)
    return torch.bmm(left.contiguous(), right.contiguous())


def _few(right: Tensor) -> bool:
    return right.shape[2] < 8


def _in_rows(left: Tensor, right: Tensor) -> Tensor:
    """`left @ right` of few columns, turned into few rows: a batched product is ten times faster that way round."""
    return torch.bmm(right.transpose(1, 2), left.transpose(1, 2)).transpose(1, 2)
