"""Adam and RMSprop over one flat row of weights per replica, with numbers that may differ from replica to replica.

On networks of a few thousand weights calls cost more than arithmetic. All weights of a player lie in one buffer, so an
update is a handful of calls whatever the number of layers, each into memory that is there already, and a column of
numbers gives every replica its own rates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from .configuration import real

Numbers = dict[str, Tensor]  # each `[R, 1]`
Memory = dict[str, Tensor]  # each `[R, P]`, like the weights


class Optimiser(Protocol):
    """A rule for one update, as a value; what it remembers is owned by the player."""

    def start(self, weights: Tensor) -> Memory:
        """What it remembers before the first update."""

    def numbers(self, optimisers: Sequence[Any], like: Tensor) -> Numbers:
        """The numbers of its kind that may differ between replicas, as columns."""

    def update(
        self, weights: Tensor, gradient: Tensor, memory: Memory, scratch: Tensor, numbers: Numbers, step: int
    ) -> None:
        """Move the weights; `scratch` is memory to work in."""

    def at(self, numbers: Numbers, step: int) -> Numbers:
        """What `move` reads in update number `step`."""

    def move(self, weights: Tensor, gradient: Tensor, memory: Memory, scratch: Tensor, numbers: Numbers) -> None:
        """The update as a formula, for a compiler to read."""

    def last_update(self, gradient: Tensor, memory: Memory, numbers: Numbers, step: int) -> Tensor:
        """What update number `step` has just taken from the weights."""


def column(numbers: Sequence[float], like: Tensor) -> Tensor:
    """One number per replica as `[R, 1]`, ready to meet rows of weights."""
    return torch.tensor(numbers, dtype=like.dtype, device=like.device).unsqueeze(1)


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Steps in units of the gradient's own size (Kingma & Ba, 2015)."""

    beta1: float = 0.5
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        real("beta1", self.beta1, least=0, below=1)
        real("beta2", self.beta2, least=0, below=1)
        real("epsilon", self.epsilon, above=0)

    def start(self, weights: Tensor) -> Memory:
        return {"momentum": torch.zeros_like(weights), "square": torch.zeros_like(weights)}

    def numbers(self, optimisers: Sequence["Adam"], like: Tensor) -> Numbers:
        return {
            "beta1": column([o.beta1 for o in optimisers], like),
            "beta2": column([o.beta2 for o in optimisers], like),
        }

    def update(
        self, weights: Tensor, gradient: Tensor, memory: Memory, scratch: Tensor, numbers: Numbers, step: int
    ) -> None:
        if weights.is_cpu:
            return self._in_one_pass(weights, gradient, memory, numbers, step)
        return self.move(weights, gradient, memory, scratch, self.at(numbers, step))

    def at(self, numbers: Numbers, step: int) -> Numbers:
        # The averages start at 0; dividing by 1 - beta^step undoes that.
        undone = {
            "size": (1 - numbers["beta2"] ** step).rsqrt(),
            "rate": -numbers["lr"] / (1 - numbers["beta1"] ** step),
        }
        return numbers | undone

    def move(self, weights: Tensor, gradient: Tensor, memory: Memory, scratch: Tensor, numbers: Numbers) -> None:
        momentum = memory["momentum"].lerp_(gradient, 1 - numbers["beta1"])
        square = memory["square"].lerp_(torch.mul(gradient, gradient, out=scratch), 1 - numbers["beta2"])
        size = torch.sqrt(square, out=scratch).mul_(numbers["size"]).add_(self.epsilon)
        weights.addcmul_(torch.div(momentum, size, out=scratch), numbers["rate"])

    def _in_one_pass(self, weights: Tensor, gradient: Tensor, memory: Memory, numbers: Numbers, step: int) -> None:
        """The same by torch's own kernel, three times as fast; it takes one rate, so rows that differ go one by one."""
        count = [torch.tensor(float(step))]
        rows = list(zip(*(numbers[name].squeeze(1).tolist() for name in ("lr", "beta1", "beta2")), strict=True))
        whole = weights, gradient, memory["momentum"], memory["square"]
        parts = [whole] if len(set(rows)) == 1 else zip(*whole, strict=True)
        for (lr, beta1, beta2), (weight, slope, momentum, square) in zip(rows, parts, strict=False):
            torch._fused_adam_(
                [weight], [slope], [momentum], [square], [], count,
                lr=lr, beta1=beta1, beta2=beta2, weight_decay=0.0, eps=self.epsilon, amsgrad=False, maximize=False,
            )  # fmt: skip

    def last_update(self, gradient: Tensor, memory: Memory, numbers: Numbers, step: int) -> Tensor:  # noqa: ARG002
        size = (memory["square"] / (1 - numbers["beta2"] ** step)).sqrt() + self.epsilon
        return numbers["lr"] / (1 - numbers["beta1"] ** step) * memory["momentum"] / size


@dataclass(frozen=True, kw_only=True)
class RMSprop:
    """Adam without momentum and without the correction of its start (Hinton, 2012); the choice of WGAN."""

    decay: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        real("decay", self.decay, least=0, below=1)
        real("epsilon", self.epsilon, above=0)

    def start(self, weights: Tensor) -> Memory:
        return {"square": torch.zeros_like(weights)}

    def numbers(self, optimisers: Sequence["RMSprop"], like: Tensor) -> Numbers:
        return {"decay": column([o.decay for o in optimisers], like)}

    def update(
        self, weights: Tensor, gradient: Tensor, memory: Memory, scratch: Tensor, numbers: Numbers, step: int
    ) -> None:
        self.move(weights, gradient, memory, scratch, self.at(numbers, step))

    def at(self, numbers: Numbers, step: int) -> Numbers:  # noqa: ARG002
        return numbers

    def move(self, weights: Tensor, gradient: Tensor, memory: Memory, scratch: Tensor, numbers: Numbers) -> None:
        square = memory["square"].lerp_(torch.mul(gradient, gradient, out=scratch), 1 - numbers["decay"])
        size = torch.sqrt(square, out=scratch).add_(self.epsilon)
        weights.addcmul_(torch.div(gradient, size, out=scratch), -numbers["lr"])

    def last_update(self, gradient: Tensor, memory: Memory, numbers: Numbers, step: int) -> Tensor:  # noqa: ARG002
        return numbers["lr"] * gradient / (memory["square"].sqrt() + self.epsilon)
