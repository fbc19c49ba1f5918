"""What is known of data whose modes are known."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Mixture(Protocol):
    """Anything that says where the modes are; an attribute `weights` [K] gives their true shares if they differ."""

    @property
    def centres(self) -> Tensor:
        """Of the modes [K, D]."""

    @property
    def std(self) -> float:
        """Of every mode, in every direction."""

    @property
    def radius(self) -> float:
        """So many standard deviations from its nearest centre a sample is still valid."""


@dataclass(frozen=True, eq=False)
class Modes:
    """A mixture of round Gaussians; a sample is valid within `radius` standard deviations of its nearest centre."""

    centres: Tensor
    std: float
    radius: float = 3.0
    weights: Tensor | None = None


def weights_of(modes: Mixture) -> Tensor:
    """The modes' true shares [K], equal unless the mixture says otherwise."""
    weights = getattr(modes, "weights", None)
    weights = torch.ones(len(modes.centres)) if weights is None else weights
    return (weights.double() / weights.double().sum()).cpu()
