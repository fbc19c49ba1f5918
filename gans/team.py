"""Processes that train one contender together: each sees its share of every batch, and all take the same step."""

import torch
from torch import Tensor, distributed

from .configuration import ConfigError


class Team:
    """Ourselves among `size` processes of torch.distributed's group; one alone shares nothing and pays nothing."""

    def __init__(self, size: int = 1) -> None:
        self.size, self.rank = size, 0
        if size == 1:
            return
        there = distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 0
        if there != size:
            found = f"a group of {there}" if there else "none has been formed"
            raise ConfigError(
                f"engine.processes is {size}, but {found}; let each of {size} processes call"
                " torch.distributed.init_process_group first"
            )
        self.rank = distributed.get_rank()

    def share(self, batch: Tensor) -> Tensor:
        """Our part of a batch `[R, N, ...]`."""
        return batch if self.size == 1 else batch.chunk(self.size, 1)[self.rank]

    def mean(self, value: Tensor) -> Tensor:
        """The mean over the processes; no slope leads through it."""
        if self.size > 1:
            distributed.all_reduce(value)
            value /= self.size
        return value

    def felt_mean(self, value: Tensor) -> Tensor:
        """The mean over the processes, whose slope leads back to each of them."""
        from torch.distributed.nn.functional import all_reduce

        total: Tensor = all_reduce(value)  # type: ignore[no-untyped-call]
        return total / self.size

    def whole(self, share: Tensor) -> Tensor:
        """The batch `[R, N, ...]` of which everybody holds a share."""
        if self.size == 1:
            return share
        shares = [torch.empty_like(share) for _ in range(self.size)]
        distributed.all_gather(shares, share.contiguous())
        return torch.cat(shares, 1)


ALONE = Team()
