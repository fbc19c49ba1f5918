"""Ray's asynchronous successive halving, spoken to in our words: contenders, budgets, reasons."""

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from orchestrator.config.models import SearchExperiment
from orchestrator.recording.journal import Event
from orchestrator.search.driver import Driver
from orchestrator.trial import WORST


class Halving(AsyncHyperBandScheduler):  # type: ignore[misc]
    """Ray's ASHA, in which a contender keeps its identity over a resume and none is pruned at the end of its budget."""

    def __init__(self, experiment: SearchExperiment, driver: Driver) -> None:
        self.driver = driver
        self.total = experiment.budget.amount
        self.unit = experiment.budget.unit
        super().__init__(
            time_attr="spent",
            metric="objective",
            mode="min",
            max_t=self.total,
            grace_period=experiment.search.grace or experiment.budget.tick,
            reduction_factor=experiment.search.reduction,
            stop_last_trials=False,
        )

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Take in a contender."""
        super().on_trial_add(tune_controller, _Named(trial))

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Prune, with a reason, or go on."""
        if result["spent"] >= self.total:
            return str(TrialScheduler.CONTINUE)
        decision = str(super().on_trial_result(tune_controller, _Named(trial), result))
        if decision == TrialScheduler.STOP:
            name = trial.config["contender"]
            # Rungs come highest first; it was pruned at the highest that it has reached.
            peers = next(len(recorded) for _, recorded in self._brackets[0]._rungs if name in recorded)
            reason = f"asha at {result['spent']:,} {self.unit}: not in the best 1/{self._reduction_factor:g} of {peers}"
            self.driver.pruned[name] = reason
        return decision

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Let go of a contender."""
        super().on_trial_remove(tune_controller, _Named(trial))

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Let go of a contender."""
        super().on_trial_remove(tune_controller, _Named(trial))

    def remember(self, ticks: list[Event], sign: int) -> None:
        """Take in what earlier launches of this attempt reported, in its order."""
        for tick in ticks:
            known = _Known(tick["contender"])
            if known.trial_id not in self._trial_info:
                super().on_trial_add(None, known)
            if tick["spent"] < self.total:
                objective = WORST if tick["objective"] is None else sign * tick["objective"]
                super().on_trial_result(None, known, {"spent": tick["spent"], "objective": objective})
        self._trial_info.clear()


class _Known:
    """A contender as ASHA sees it: a name."""

    def __init__(self, name: str) -> None:
        self.trial_id = name


class _Named(_Known):
    """A trial under its contender's name."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial.config["contender"])
