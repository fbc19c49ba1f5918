"""The pace of a loop: when it is looked at, when its budget is spent, and what its scores were allowed to cost."""

from dataclasses import dataclass
from typing import Any, Self

from orchestrator.config.budget import Budget


@dataclass(frozen=True)
class Pace:
    """A budget and its ticks; without an amount the loop says itself when it is done."""

    unit: str
    amount: int | None
    every: int

    @classmethod
    def of(cls, budget: Budget | None, every: int = 1) -> Self:
        """Return the pace of this budget, or of steps without an end."""
        return cls("steps", None, every) if budget is None else cls(budget.unit, budget.amount, budget.tick)

    def spent(self, step: int, images: int) -> int:
        """Return how much is spent, in the unit of the budget."""
        return images if self.unit == "images" else step

    def due(self, spent: int, told: int) -> bool:
        """Has the next multiple of the tick been reached since `told`, or the end?"""
        return spent // self.every > told // self.every or (self.over(spent) and spent > told)

    def over(self, spent: int) -> bool:
        """Is the budget spent?"""
        return self.amount is not None and spent >= self.amount

    def share(self, spent: int) -> float:
        """Return the share of the budget that is spent; without one, all that there is so far."""
        return 1.0 if self.amount is None else min(1.0, spent / self.amount)

    def cost(self, step: int, images: int) -> int:
        """Return what a score at the end has cost: the budget, or more where the loop ran a step or more beyond it."""
        spent = self.spent(step, images)
        if self.amount is None:
            return spent
        return spent if spent - self.amount >= spent / step else self.amount

    def budget_class(self, amount: int | None, *, stopped: bool) -> dict[str, Any]:
        """Return what may be compared with each other: unit and amount, training split, which checkpoint is scored."""
        checkpoint = "stopped" if stopped else "final"
        return {"unit": self.unit, "amount": amount, "training": "train", "checkpoint": checkpoint}
