"""Network builders: values that say how both players look on data of a given shape."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from ..configuration import WIDEST, ConfigError, whole
from .convolutional import Convolutional
from .layers import Alone, BatchNorm, Encoding, Modes, Norm, check_norm
from .maxout import Maxout
from .perceptrons import Perceptron, Perceptrons
from .products import multiply_in_loops
from .residual import Residual
from .rows import bind, rows, views

__all__ = [
    "NETWORKS", "Alone", "BatchNorm", "ByKind", "Convolutional", "Encoding", "Maxout", "Modes", "Networks",
    "Perceptron", "Perceptrons", "Residual", "bind", "multiply_in_loops", "rebuilt", "rows", "views",
]  # fmt: skip


class Networks(Protocol):
    """Builds both players; what it builds takes and gives `[R, N, ...]`.

    A discriminator gives logits `[R, N]`, or with more than one output `[R, N, outputs]`.
    """

    @property
    def discriminator_mixes_samples(self) -> bool:
        """Whether a logit depends on the rest of its batch (batch norm)."""

    def stacks(self, shape: tuple[int, ...]) -> bool:
        """Whether one module holds many replicas; if not, replicas take turns."""

    def supports(self, shape: tuple[int, ...]) -> str | None:
        """Why it cannot look at samples of this shape, or None."""

    def generator(self, shape: tuple[int, ...], latent: int, replicas: int = 1) -> nn.Module:
        """From latents to samples of this shape."""

    def discriminator(self, shape: tuple[int, ...], replicas: int = 1, outputs: int = 1) -> nn.Module:
        """From samples of this shape to answers."""


@dataclass(frozen=True, kw_only=True)
class ByKind:
    """Convolutions of `width` channels on images, perceptrons of four times `width` units on points."""

    width: int = 32
    discriminator_norm: Norm = "none"

    def __post_init__(self) -> None:
        whole("width", self.width, most=WIDEST)
        check_norm("networks.discriminator_norm", self.discriminator_norm)

    @property
    def discriminator_mixes_samples(self) -> bool:
        return self.discriminator_norm == "batch"

    def on(self, shape: tuple[int, ...]) -> Perceptrons | Convolutional:
        """The builder for samples of this shape."""
        if len(shape) == 1:
            return Perceptrons(width=4 * self.width)
        return Convolutional(width=self.width, discriminator_norm=self.discriminator_norm)

    def stacks(self, shape: tuple[int, ...]) -> bool:
        return self.on(shape).stacks(shape)

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return self.on(shape).supports(shape)

    def generator(self, shape: tuple[int, ...], latent: int, replicas: int = 1) -> nn.Module:
        return self.on(shape).generator(shape, latent, replicas)

    def discriminator(self, shape: tuple[int, ...], replicas: int = 1, outputs: int = 1) -> nn.Module:
        return self.on(shape).discriminator(shape, replicas, outputs)


NETWORKS: dict[str, Callable[..., Networks]] = {
    "Perceptrons": Perceptrons,
    "Convolutional": Convolutional,
    "Residual": Residual,
    "Maxout": Maxout,
    "ByKind": ByKind,
}


def rebuilt(description: dict[str, Any]) -> Networks:
    """The builder that `configuration.describe` wrote down, if the catalogue has it: code is never loaded."""
    values = dict(description)
    name = values.pop("type", None)
    if name not in NETWORKS:
        raise ConfigError(f"networks of type {name!r} are not in the catalogue, which has {', '.join(NETWORKS)}")
    return NETWORKS[name](**values)
