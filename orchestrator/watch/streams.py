"""The global random streams of this process: what somebody's own loop draws from, kept out of each other's way."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gans.streams import derived


@dataclass(frozen=True)
class Streams:
    """The states of Python's, NumPy's and PyTorch's global generators."""

    python: Any
    numpy: Any
    cpu: Tensor
    cuda: list[Tensor]

    @classmethod
    def now(cls) -> "Streams":
        """Return where they stand."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        return cls(random.getstate(), np.random.get_state(), torch.get_rng_state(), cuda)  # noqa: NPY002

    def restore(self) -> None:
        """Put them back where they stood."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)  # noqa: NPY002
        torch.set_rng_state(self.cpu)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)


def start(seed: int, *name: str | int) -> None:
    """Set all of them to what belongs to `seed` and `name` alone."""
    number = derived(seed, *name)
    random.seed(number)
    np.random.seed(number % 2**32)  # noqa: NPY002
    torch.manual_seed(number)


@contextmanager
def aside(seed: int, *name: str | int) -> Iterator[None]:
    """Code that draws from global streams draws from those of `name`, and leaves no trace in the loop's own."""
    before = Streams.now()
    start(seed, *name)
    try:
        yield
    finally:
        before.restore()
