"""Successive halving by rungs: only the best share of those that have reached a rung goes on."""

from dataclasses import dataclass

from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from orchestrator.config.budget import Budget


@dataclass(frozen=True)
class Known:
    """A contender as Ray's schedulers see it: a name that outlives the trial."""

    trial_id: str


class Halving:
    """Ray's ASHA (Li et al., 2020): rungs at `grace`, and at every `reduction` times as much again."""

    def __init__(self, budget: Budget, *, grace: int, reduction: int, name: str = "asha") -> None:
        self.name = name
        self.unit = budget.unit
        self.reduction = reduction
        self.known: set[str] = set()
        self.rungs = AsyncHyperBandScheduler(
            time_attr="spent",
            metric="objective",
            mode="min",
            max_t=budget.amount,
            grace_period=grace,
            reduction_factor=reduction,
            stop_last_trials=False,
        )

    def __call__(self, name: str, spent: int, objective: float) -> str | None:
        """Return why this contender is to be pruned, if it is."""
        contender = Known(name)
        if name not in self.known:
            self.known.add(name)
            self.rungs.on_trial_add(None, contender)
        told = {"spent": spent, "objective": objective}
        if self.rungs.on_trial_result(None, contender, told) != TrialScheduler.STOP:
            return None
        # Rungs come highest first; it was pruned at the highest that it has reached.
        peers = next(len(recorded) for _, recorded in self.rungs._brackets[0]._rungs if name in recorded)
        return f"{self.name} at {spent:,} {self.unit}: not in the best 1/{self.reduction} of {peers}"
