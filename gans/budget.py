"""How long to train, and how often to look."""

from dataclasses import dataclass

from .configuration import ConfigError, whole
from .variants import Variant


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long to train, in generator updates or in real images shown, and how often to look, in the same unit."""

    steps: int | None = None
    images: int | None = None
    tick: int

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.images is None):
            raise ConfigError(
                f"a budget is either steps or images, but steps={self.steps} and images={self.images} came"
            )
        whole(self.unit, self.total)
        whole("tick", self.tick)
        if self.tick > self.total:
            raise ConfigError(f"the tick of {self.tick} {self.unit} is beyond the budget of {self.total} {self.unit}")

    @property
    def unit(self) -> str:
        """`steps` or `images`."""
        return "steps" if self.images is None else "images"

    @property
    def total(self) -> int:
        """How many of them."""
        return (self.steps if self.images is None else self.images) or 0

    def ticks(self, variant: Variant) -> list[int]:
        """The steps after which a tick is due: the first to reach each multiple of the tick, and the budget's end."""
        per_step = variant.images_per_step if self.unit == "images" else 1
        marks = [*range(self.tick, self.total, self.tick), self.total]
        return sorted({-(-mark // per_step) for mark in marks})
