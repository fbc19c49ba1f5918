"""Adam and RMSprop over one flat row of weights per replica, with numbers that may differ from replica to replica.

On networks of a few thousand weights the calls cost more than the arithmetic. All weights of a player lie in one buffer, so
an update is six calls whatever the number of layers, and a column of numbers gives every replica its own rates.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from .configuration import real


class Optimiser(Protocol):
    """A rule for one update, as a value; the state it needs is a dictionary of rows owned by the player."""

    def start(self, weights: Tensor) -> dict[str, Tensor]: ...
    def columns(self, optimisers: list[Any], like: Tensor) -> tuple[Tensor, ...]: ...
    def update(
        self,
        weights: Tensor,
        gradient: Tensor,
        state: dict[str, Tensor],
        lr: Tensor,
        columns: tuple[Tensor, ...],
        step: int,
    ) -> None: ...


def column(numbers: list[float], like: Tensor) -> Tensor:
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

    def start(self, weights: Tensor) -> dict[str, Tensor]:
        return {"momentum": torch.zeros_like(weights), "square": torch.zeros_like(weights)}

    def columns(self, optimisers: list["Adam"], like: Tensor) -> tuple[Tensor, ...]:
        return column([each.beta1 for each in optimisers], like), column([each.beta2 for each in optimisers], like)

    def update(
        self,
        weights: Tensor,
        gradient: Tensor,
        state: dict[str, Tensor],
        lr: Tensor,
        columns: tuple[Tensor, ...],
        step: int,
    ) -> None:
        beta1, beta2 = columns
        momentum = state["momentum"].lerp_(gradient, 1 - beta1)
        square = state["square"].lerp_(gradient.square(), 1 - beta2)
        # The first averages start at 0; dividing by 1 - beta^step undoes that.
        size = (square.sqrt() / (1 - beta2**step).sqrt()).add_(self.epsilon)
        weights.addcmul_(momentum / size, -lr / (1 - beta1**step))


@dataclass(frozen=True, kw_only=True)
class RMSprop:
    """Adam without momentum and without the start's correction (Hinton, 2012); the choice of WGAN."""

    decay: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        real("decay", self.decay, least=0, below=1)
        real("epsilon", self.epsilon, above=0)

    def start(self, weights: Tensor) -> dict[str, Tensor]:
        return {"square": torch.zeros_like(weights)}

    def columns(self, optimisers: list["RMSprop"], like: Tensor) -> tuple[Tensor, ...]:
        return (column([each.decay for each in optimisers], like),)

    def update(
        self,
        weights: Tensor,
        gradient: Tensor,
        state: dict[str, Tensor],
        lr: Tensor,
        columns: tuple[Tensor, ...],
        step: int,
    ) -> None:
        (decay,) = columns
        square = state["square"].lerp_(gradient.square(), 1 - decay)
        weights.addcmul_(gradient / square.sqrt().add_(self.epsilon), -lr)
