"""Memory that is handed round: on a CPU, touching a fresh megabyte costs more than a small network's arithmetic on it.

Whoever takes a buffer owns it. Whoever is the last to need it may give it back; one that is never given back is freed
as any other tensor is. Accelerators keep their own free lists.
"""

import torch
from torch import Tensor

Kind = tuple[torch.Size, torch.dtype]
_KEPT = 4  # free buffers of a kind

_free: dict[Kind, list[Tensor]] = {}
_taken: set[int] = set()


def take(shape: torch.Size, like: Tensor) -> Tensor:
    """A buffer with anything in it."""
    if like.device.type != "cpu":
        return like.new_empty(shape)
    free = _free.get((shape, like.dtype))
    buffer = free.pop() if free else like.new_empty(shape)
    _taken.add(buffer.data_ptr())
    return buffer


def give(buffer: Tensor) -> None:
    """Nobody will read `buffer` again; ignored unless `take` has handed it out."""
    if buffer.data_ptr() in _taken and buffer.is_contiguous():
        _taken.discard(buffer.data_ptr())
        free = _free.setdefault((buffer.shape, buffer.dtype), [])
        if len(free) < _KEPT:
            free.append(buffer.detach())
