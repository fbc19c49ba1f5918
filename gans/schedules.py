"""Learning rates as shares of their start: functions of the images shown, so that no budget moves them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from .configuration import real, whole


class Schedule(Protocol):
    """What a learning rate is multiplied by when so many images have been shown."""

    constant: ClassVar[bool]

    def __call__(self, images: int) -> float: ...


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The rate that was asked for, to the end."""

    constant: ClassVar[bool] = True

    def __call__(self, images: int) -> float:  # noqa: ARG002
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Linear:
    """Down to 0 in a straight line, reached after `images`."""

    images: int

    constant: ClassVar[bool] = False

    def __post_init__(self) -> None:
        whole("schedule.images", self.images)

    def __call__(self, images: int) -> float:
        return max(0.0, 1 - images / self.images)


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """Down to `floor` in half a wave, reached after `images`, and there to the end."""

    images: int
    floor: float = 0.0

    constant: ClassVar[bool] = False

    def __post_init__(self) -> None:
        whole("schedule.images", self.images)
        real("schedule.floor", self.floor, least=0, below=1)

    def __call__(self, images: int) -> float:
        share = min(1.0, images / self.images)
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * share)) / 2


SCHEDULES: dict[str, Callable[..., Schedule]] = {"constant": Constant, "linear": Linear, "cosine": Cosine}
