"""Residual networks after SNGAN (Miyato et al., 2018), for square images of 8 to 128 pixels."""

import math
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from ..configuration import WIDEST, whole
from .convolutional import Scalar, levels, why_not
from .layers import Alone, BatchNorm, Spectral

_BRANCH = math.sqrt(2)
Product = TypeVar("Product", nn.Conv2d, nn.Linear)


@dataclass(frozen=True, kw_only=True)
class Residual:
    """`width` channels at every level; batch norm in the generator, spectral norm in the discriminator."""

    width: int = 32
    spectral: bool = True

    discriminator_mixes_samples: ClassVar[bool] = False

    def __post_init__(self) -> None:
        whole("width", self.width, most=WIDEST)

    def stacks(self, shape: tuple[int, ...]) -> bool:  # noqa: ARG002
        return False

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return why_not(shape)

    def generator(self, shape: tuple[int, ...], latent: int, replicas: int = 1) -> nn.Module:
        """Latents -> coarsest map -> a growing block a level -> batch norm, ReLU, convolution, tanh."""
        assert replicas == 1, "convolutional replicas take turns"  # noqa: S101
        start, halvings = levels(shape[1])
        layers: list[nn.Module] = [_glorot(nn.Linear(latent, self.width * start**2))]
        layers += [nn.Unflatten(1, (self.width, start, start))]
        layers += [Growing(self.width) for _ in range(halvings)]
        layers += [BatchNorm(self.width), nn.ReLU(inplace=True), _conv(self.width, shape[0], 3)]
        return Alone(nn.Sequential(*layers, nn.Tanh()))

    def discriminator(self, shape: tuple[int, ...], replicas: int = 1, outputs: int = 1) -> nn.Module:
        """A shrinking block a level -> a level block -> ReLU, sum over places -> one logit, or several numbers."""
        assert replicas == 1, "convolutional replicas take turns"  # noqa: S101
        _, halvings = levels(shape[1])
        blocks = [
            Shrinking(self.width if level else shape[0], self.width, first=level == 0, spectral=self.spectral)
            for level in range(halvings)
        ]
        level = Shrinking(self.width, self.width, shrinks=False, spectral=self.spectral)
        last = _glorot(nn.Linear(self.width, outputs))
        layers = [*blocks, level, SumPool(), Spectral(last) if self.spectral else last]
        return Alone(nn.Sequential(*layers, *([Scalar()] if outputs == 1 else [])))


class Growing(nn.Module):
    """Twice the size: (batch norm, ReLU, doubling, convolution), (batch norm, ReLU, convolution), and a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = BatchNorm(width), BatchNorm(width)
        self.conv1, self.conv2 = (_conv(width, width, 3, gain=_BRANCH) for _ in range(2))
        self.shortcut = _conv(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(interpolate(relu(self.norm1(x)), scale_factor=2))
        shortcut: Tensor = self.shortcut(interpolate(x, scale_factor=2))
        grown: Tensor = self.conv2(relu(self.norm2(y)))
        return shortcut + grown


class Shrinking(nn.Module):
    """Half the size: two convolutions after rectifiers, and a shortcut; the first block takes the image as it is."""

    def __init__(
        self, inputs: int, outputs: int, *, first: bool = False, shrinks: bool = True, spectral: bool = True
    ) -> None:
        super().__init__()
        self.first, self.shrinks = first, shrinks
        branch = _conv(inputs, outputs, 3, gain=_BRANCH), _conv(outputs, outputs, 3, gain=_BRANCH)
        self.conv1, self.conv2 = (Spectral(conv) if spectral else conv for conv in branch)
        shortcut = _conv(inputs, outputs, 1) if shrinks else None
        self.shortcut = Spectral(shortcut) if spectral and shortcut is not None else shortcut

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2(relu(self.conv1(x if self.first else relu(x))))
        if self.shrinks:
            y, x = avg_pool2d(y, 2), avg_pool2d(x, 2)  # a 1x1 convolution and a mean may change places
        shown: Tensor = x if self.shortcut is None else self.shortcut(x)
        return y + shown


class SumPool(nn.Module):
    """`[N, C, H, W]` to `[N, C]`."""

    def forward(self, x: Tensor) -> Tensor:
        return relu(x).sum((2, 3))


def _conv(inputs: int, outputs: int, size: int, *, gain: float = 1.0) -> nn.Conv2d:
    return _glorot(nn.Conv2d(inputs, outputs, size, padding=size // 2), gain)


def _glorot(product: Product, gain: float = 1.0) -> Product:
    """Glorot's start, without a bias; the gain is sqrt 2 in the branch of a block, 1 elsewhere."""
    nn.init.xavier_uniform_(product.weight, gain)
    assert product.bias is not None  # noqa: S101
    nn.init.zeros_(product.bias)
    return product
