"""The randomness of a replica: every draw is a function of (seed, name, block), so there is no state to lose.

A generator's state would have to be saved, restored and guarded against whoever else draws from it. Here the block that
holds step s is drawn afresh from a generator that is seeded for that block alone: resuming is counting, and neither the
other replicas of a pack nor the moments at which samples are taken can move a draw.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from .configuration import ConfigError

Device = torch.device | str


def present(device: Device) -> torch.device:
    """The device that is meant, if this machine has it: where no numbers are drawn, nothing is trained."""
    try:
        torch.Generator(device)
        return torch.device(device)
    except (RuntimeError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"device must be one of this machine's, such as 'cpu', but {device!r} came ({reason})"
        ) from None


def derived(seed: int, *name: str | int) -> int:
    """A seed of 63 bits that belongs to `name` alone."""
    text = "/".join(str(part) for part in (seed, *name))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *name: str | int, device: Device = "cpu") -> torch.Generator:
    """A fresh generator for `name`."""
    return torch.Generator(device).manual_seed(derived(seed, *name))


@contextmanager
def seeded(seed: int, *name: str | int) -> Iterator[None]:
    """Code that draws from the global generator (a module's constructor) draws from `name`'s, and leaves no trace."""
    before = torch.default_generator.get_state()
    torch.default_generator.manual_seed(derived(seed, *name))
    try:
        yield
    finally:
        torch.default_generator.set_state(before)


class Blocks:
    """Draws for many steps at once: a call costs more than the thousand numbers that one step needs."""

    def __init__(self, steps: int, draw: Callable[[int], Tensor]) -> None:
        self.steps, self._draw, self._number, self._block = steps, draw, -1, torch.empty(0)

    def at(self, step: int) -> Tensor:
        """What belongs to `step`."""
        number, place = divmod(step, self.steps)
        if number != self._number:
            self._number, self._block = number, self._draw(number)
        return self._block[place]


def block_length(numbers_per_step: int) -> int:
    """Steps per block: enough numbers to forget the calls, few enough to stay in a cache."""
    return max(1, min(64, 2**15 // max(1, numbers_per_step)))


class Order:
    """The order in which a replica sees a finite data set: one fresh shuffle per epoch, without an end."""

    def __init__(self, seed: int, size: int) -> None:
        self.seed, self.size = seed, size

    def places(self, first: int, count: int) -> Tensor:
        """The places in the data set of the samples number `first` to `first + count`."""
        epochs = range(first // self.size, (first + count - 1) // self.size + 1)
        shuffled = torch.cat([torch.randperm(self.size, generator=generator(self.seed, "order", e)) for e in epochs])
        start = first - epochs.start * self.size
        return shuffled[start : start + count]
