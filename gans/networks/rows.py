"""All numbers of a network as rows: one flat buffer whose views are the network's parameters."""

import torch
from torch import Tensor, nn

from ..configuration import ConfigError

Named = dict[str, Tensor]


def rows(network: nn.Module, replicas: int) -> tuple[Tensor, Tensor]:
    """All parameters, and all running statistics, of `network` as rows: `[R, P]` and `[R, S]`."""
    parameters, statistics = _tensors(network)
    if not parameters:
        raise ConfigError(f"a player needs parameters to train, but {type(network).__name__} has none")
    flat = [tensor.detach().reshape(replicas, -1) for tensor in parameters.values()]
    remembered = [tensor.detach().reshape(replicas, -1) for tensor in statistics.values()]
    return torch.cat(flat, 1), torch.cat([flat[0][:, :0], *remembered], 1)


def bind(network: nn.Module, weights: Tensor, statistics: Tensor) -> None:
    """Make the parameters and the running statistics of `network` views of these rows."""
    parameters, remembered = _tensors(network)
    for name, view in views(network, weights, statistics).items():
        (parameters | remembered)[name].data = view


def views(network: nn.Module, weights: Tensor, statistics: Tensor) -> Named:
    """The parts of these rows that are the parameters and the running statistics of `network`, by name."""
    found = {}
    for tensors, flat in zip(_tensors(network), (weights, statistics), strict=True):
        start = 0
        for name, tensor in tensors.items():
            size = tensor.numel() // len(flat)
            found[name] = flat[:, start : start + size].view(tensor.shape)
            start += size
    return found


def _tensors(network: nn.Module) -> tuple[Named, Named]:
    remembered = {name: buffer for name, buffer in network.named_buffers() if buffer.is_floating_point()}
    return dict(network.named_parameters()), remembered
