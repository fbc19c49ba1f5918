"""The median stopping rule: whose best is worse than what half of the others have shown on average is pruned."""

from ray.tune.schedulers import MedianStoppingRule, TrialScheduler

from orchestrator.config.budget import Budget
from orchestrator.search.scheduling.halving import Known

FEWEST = 3
"""So many others must have come as far before anyone is pruned."""


class Median:
    """Ray's median stopping rule (Golovin et al., 2017), with time in the budget's unit."""

    def __init__(self, budget: Budget, *, grace: int) -> None:
        self.unit = budget.unit
        self.reached: dict[str, int] = {}
        self.rule = MedianStoppingRule(
            time_attr="spent",
            metric="objective",
            mode="min",
            grace_period=grace,
            min_samples_required=FEWEST,
            min_time_slice=float("inf"),  # it would else pause whoever comes before there is a median
        )

    def __call__(self, name: str, spent: int, objective: float) -> str | None:
        """Return why this contender is to be pruned, if it is."""
        contender = Known(name)
        decision = self.rule.on_trial_result(None, contender, {"spent": spent, "objective": objective})
        # Who goes on all the same, because the journal says so, is judged again; Ray would refuse that.
        self.rule._stopped_trials.discard(contender)
        self.reached[name] = spent
        if decision != TrialScheduler.STOP:
            return None
        others = sum(far >= spent for far in self.reached.values()) - 1
        return f"median at {spent:,} {self.unit}: its best is worse than the median of the means of {others} others"
