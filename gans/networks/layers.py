"""Layers that say what the engine needs to know: where the replica axis is, and which mode a batch norm is in."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional


class Alone(nn.Module):
    """An ordinary network under the replica axis that the engine speaks: `[1, N, ...]` in, `[1, N, ...]` out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, samples: Tensor) -> Tensor:
        out: Tensor = self.network(samples.squeeze(0))
        return out.unsqueeze(0)


class BatchNorm(nn.Module):
    """Batch normalisation whose mode is said by the caller and never guessed (Ioffe & Szegedy, 2015).

    `learning`: the batch's statistics, remembered as a running average. `visiting`: the batch's statistics, not
    remembered, for the other player's turn. `running`: the remembered ones, for sampling.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, *, momentum: float = 0.1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.momentum, self.mode = momentum, "learning"

    def forward(self, x: Tensor) -> Tensor:
        mean, var = (None, None) if self.mode == "visiting" else (self.running_mean, self.running_var)
        return functional.batch_norm(x, mean, var, self.weight, self.bias, self.mode != "running", self.momentum)


class Modes:
    """The batch norms of a network, switched together."""

    def __init__(self, network: nn.Module) -> None:
        self.norms = [module for module in network.modules() if isinstance(module, BatchNorm)]

    def set(self, mode: str) -> None:
        for norm in self.norms:
            norm.mode = mode

    @contextmanager
    def within(self, mode: str) -> Iterator[None]:
        """`mode` for a while, then `learning` again."""
        self.set(mode)
        yield
        self.set("learning")
