"""Layers that say what the engine needs to know: where the replica axis is, and whose turn it is."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..configuration import ConfigError
from ..team import ALONE, Team

Norm = Literal["batch", "layer", "group", "none"]
NORMS: tuple[Norm, ...] = ("batch", "layer", "group", "none")
_EPSILON = 1e-5  # of batch norm


class Alone(nn.Module):
    """An ordinary network under the replica axis that the engine speaks: `[1, N, ...]` in, `[1, N, ...]` out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, samples: Tensor) -> Tensor:
        out: Tensor = self.network(samples.squeeze(0))
        return out.unsqueeze(0)


class Encoding(nn.Module):
    """A generator, and an encoder that leads the other way; the generator's numbers come first in its rows."""

    def __init__(self, generator: nn.Module, encoder: nn.Module) -> None:
        super().__init__()
        self.generator, self.encoder = generator, encoder

    def forward(self, latents: Tensor) -> Tensor:
        out: Tensor = self.generator(latents)
        return out


class Moded(nn.Module):
    """A layer with a memory, whose mode is said by the caller and never guessed.

    `learning`: it works with what it sees and remembers it. `visiting`: the other player's turn, nothing is remembered.
    `running`: it works with what it remembers, for sampling.
    """

    mode: str = "learning"
    mixes_samples: bool = True


class BatchNorm(Moded):
    """Batch normalisation (Ioffe & Szegedy, 2015); it remembers a running average of the batches' statistics.

    In a team the batch is everybody's: its statistics are those of one process that sees all of it.
    """

    running_mean: Tensor
    running_var: Tensor
    team: Team = ALONE

    def __init__(self, channels: int, *, momentum: float = 0.1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.momentum = momentum

    def forward(self, x: Tensor) -> Tensor:
        if self.team.size > 1 and self.mode != "running":
            return self._with_all(x)
        mean, var = (None, None) if self.mode == "visiting" else (self.running_mean, self.running_var)
        learns = self.mode != "running"
        return functional.batch_norm(x, mean, var, self.weight, self.bias, learns, self.momentum, _EPSILON)

    def _with_all(self, x: Tensor) -> Tensor:
        over, along = [0, *range(2, x.dim())], (1, -1, *(1 for _ in x.shape[2:]))
        mean = self.team.felt_mean(x.mean(over))
        centred = x - mean.view(along)
        var = self.team.felt_mean(centred.square().mean(over))
        if self.mode == "learning":
            count = self.team.size * x.numel() // len(mean)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * (count / (count - 1)), self.momentum)
        scale = self.weight * (var + _EPSILON).rsqrt()
        return centred * scale.view(along) + self.bias.view(along)


class Spectral(Moded):
    """A product whose matrix is divided by its largest singular value (Miyato et al., 2018).

    That value is followed by one turn of the power iteration a pass; the two directions are what it remembers.
    """

    mixes_samples = False
    left: Tensor
    right: Tensor

    def __init__(self, product: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.product = product
        matrix = product.weight.detach().flatten(1)
        self.register_buffer("left", functional.normalize(torch.randn(len(matrix)), dim=0))
        self.register_buffer("right", functional.normalize(matrix.T @ self.left, dim=0))

    def forward(self, x: Tensor) -> Tensor:
        matrix = self.product.weight.flatten(1)
        if self.mode == "learning":
            with torch.no_grad():
                torch.mv(matrix.T, self.left, out=self.right)
                self.right.div_(self.right.norm().clamp(min=1e-12))
                torch.mv(matrix, self.right, out=self.left)
                self.left.div_(self.left.norm().clamp(min=1e-12))
        # The directions count as constants; copies, because the next pass moves them before this one's way back.
        largest = torch.dot(self.left.clone(), matrix @ self.right.clone())
        weight = self.product.weight / largest
        if isinstance(self.product, nn.Linear):
            return functional.linear(x, weight, self.product.bias)
        return functional.conv2d(x, weight, self.product.bias, self.product.stride, self.product.padding)


class Modes:
    """The layers with a memory of a network, switched together."""

    def __init__(self, network: nn.Module) -> None:
        self.layers = [module for module in network.modules() if isinstance(module, Moded)]

    @property
    def norms(self) -> list[Moded]:
        """The batch norms: layers by which samples of one batch see each other."""
        return [layer for layer in self.layers if layer.mixes_samples]

    def join(self, team: Team) -> None:
        """Let the batch norms see the batches of the whole team."""
        for layer in self.norms:
            if isinstance(layer, BatchNorm):
                layer.team = team

    def set(self, mode: str) -> None:
        """`mode` from now on."""
        for layer in self.layers:
            layer.mode = mode

    @contextmanager
    def within(self, mode: str) -> Iterator[None]:
        """`mode` for a while, then `learning` again."""
        self.set(mode)
        yield
        self.set("learning")


def norm(kind: Norm, channels: int) -> list[nn.Module]:
    """The layer that normalises `channels` maps in this way: over the batch, over a sample, over groups of its maps."""
    match kind:
        case "batch":
            return [BatchNorm(channels)]
        case "layer":
            return [nn.GroupNorm(1, channels)]
        case "group":
            return [nn.GroupNorm(math.gcd(8, channels), channels)]
        case "none":
            return []


def check_norm(name: str, kind: str) -> None:
    """Refuse a norm that there is not."""
    if kind not in NORMS:
        raise ConfigError(f"{name} must be one of {', '.join(NORMS)}, but {kind!r} came")
