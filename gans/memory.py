"""Memory that is used again, so that a step does not depend on what the system does with freed megabytes.

A buffer is free when nobody holds a tensor on it any more, neither in Python nor in a graph: a tensor made from an
array keeps a reference to the array for as long as it lives. So nothing has to be given back or is ever written over.
"""

import math
import sys
import threading
from collections import defaultdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

_WORTH = 2**15  # numbers; below, the system's allocator does the same for less
_KEPT = 16  # buffers of a kind
_FREE = 3  # references to a buffer that nobody holds: the list's, the loop's and that of who counts them


class _Buffers(threading.local):
    def __init__(self) -> None:
        self.of: defaultdict[tuple[int, ...], list[np.ndarray[Any, Any]]] = defaultdict(list)


_buffers = _Buffers()


def take(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """A tensor of this shape with anything in it; accelerators keep their own free lists."""
    if math.prod(shape) < _WORTH or like.dtype != torch.float32 or not like.is_cpu:
        return like.new_empty(shape)
    kept = _buffers.of[shape]
    for array in kept:
        if sys.getrefcount(array) == _FREE:
            return torch.from_numpy(array)
    array = torch.empty(shape).numpy()
    if len(kept) < _KEPT:
        kept.append(array)
    return torch.from_numpy(array)
