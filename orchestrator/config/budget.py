"""The key `budget`: how long to train, and how often to look."""

from typing import Literal, Protocol, Self

from pydantic import model_validator

from orchestrator.config.values import AtKeyError, Count, Model


class Clock(Protocol):
    """What counts time in a training run."""

    @property
    def step(self) -> int:
        """Generator updates."""

    @property
    def images(self) -> int:
        """Real images shown to the discriminator."""


class Budget(Model):
    """How long to train, and how often to look: in images shown to the discriminator, or in generator steps."""

    images: Count | None = None
    steps: Count | None = None
    tick: Count

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.images is None) == (self.steps is None):
            raise ValueError("expected exactly one of images and steps")
        if self.tick > self.amount:
            raise AtKeyError("tick", f"{self.tick} lies beyond the budget of {self.amount} {self.unit}; lower the tick")
        return self

    @property
    def unit(self) -> Literal["images", "steps"]:
        """The unit of amount and tick."""
        return "images" if self.images is not None else "steps"

    @property
    def amount(self) -> int:
        """The whole budget, in its unit."""
        return self.images if self.images is not None else self.steps or 0

    def spent(self, progress: "Clock") -> int:
        """How much of the budget is spent, in its unit."""
        return progress.images if self.unit == "images" else progress.step
