"""All numbers of a network as rows: one flat buffer whose views are the network's parameters."""

import torch
from torch import Tensor, nn

from ..configuration import ConfigError


def rows(network: nn.Module, replicas: int) -> tuple[Tensor, Tensor]:
    """All parameters, and all running statistics, of `network` as rows: `[R, P]` and `[R, S]`."""
    parameters, statistics = _tensors(network)
    if not parameters:
        raise ConfigError(f"a player needs parameters to train, but {type(network).__name__} has none")
    flat = [tensor.detach().reshape(replicas, -1) for tensor in parameters]
    remembered = [tensor.detach().reshape(replicas, -1) for tensor in statistics]
    return torch.cat(flat, 1), torch.cat([flat[0][:, :0], *remembered], 1)


def bind(network: nn.Module, weights: Tensor, statistics: Tensor) -> None:
    """Make the parameters and the running statistics of `network` views of these rows."""
    for tensors, flat in zip(_tensors(network), (weights, statistics), strict=True):
        start = 0
        for tensor in tensors:
            size = tensor.numel() // len(flat)
            tensor.data = flat[:, start : start + size].view(tensor.shape)
            start += size


def _tensors(network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    return list(network.parameters()), [buffer for buffer in network.buffers() if buffer.is_floating_point()]
