"""HyperBand: several brackets of successive halving, which begin to prune later and later, for graces may be wrong."""

from random import Random

from orchestrator.config.budget import Budget
from orchestrator.search.scheduling.halving import Halving


class HyperBand:
    """Asynchronous HyperBand (Li et al., 2018): a contender's bracket is drawn from the search's seed and its name."""

    def __init__(self, budget: Budget, *, grace: int, reduction: int, seed: int) -> None:
        self.seed = seed
        graces = _graces(grace, reduction, budget.amount)
        self.brackets = [
            Halving(budget, grace=start, reduction=reduction, name=f"hyperband, bracket {number} of {len(graces)},")
            for number, start in enumerate(graces, start=1)
        ]
        # The earlier a bracket prunes, the more it is given to begin with, so that all brackets cost about the same.
        rungs = range(len(graces), 0, -1)
        self.weights = [reduction ** (count - 1) / count for count in rungs]

    def __call__(self, name: str, spent: int, objective: float) -> str | None:
        """Return why this contender is to be pruned, if it is."""
        return self.bracket(name)(name, spent, objective)

    def bracket(self, name: str) -> Halving:
        """Return the bracket that this contender belongs to, always the same one."""
        (drawn,) = Random(f"{self.seed}/bracket/{name}").choices(self.brackets, self.weights)  # noqa: S311
        return drawn


def _graces(first: int, reduction: int, amount: int) -> list[int]:
    """Return the graces up to the whole budget; who is granted that much is never pruned."""
    graces = [first]
    while graces[-1] * reduction <= amount:
        graces.append(graces[-1] * reduction)
    return graces
