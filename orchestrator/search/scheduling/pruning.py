"""Pruning: a judge gives a reason, an audit may stay its hand, and neither decides otherwise after a kill."""

from typing import Any, Protocol

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from orchestrator.config.models import SearchExperiment
from orchestrator.search.driver import Driver
from orchestrator.search.scheduling.auditing import Audit
from orchestrator.trial import seen


class Judge(Protocol):
    """Remembers what it is told, less of the objective being better, and decides about whom it is told."""

    def __call__(self, name: str, spent: int, objective: float) -> str | None:
        """Return why this contender is to be pruned, if it is."""


class Pruning(FIFOScheduler):  # type: ignore[misc]
    """Stops whom the judge gives a reason for; nobody at the end of the budget, and nobody who is audited."""

    def __init__(self, judge: Judge, experiment: SearchExperiment, driver: Driver) -> None:
        super().__init__()
        self.judge = judge
        self.driver = driver
        self.total = experiment.budget.amount
        self.audit = Audit(probability=experiment.search.audit, seed=experiment.search.seed)
        self.told: dict[str, int] = {}
        self.hidden: set[str] = set()

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Prune, with a reason, or go on."""
        name, spent = trial.config["contender"], result["spent"]
        reason = self._judged(name, spent, result["objective"])
        return str(TrialScheduler.STOP if reason and not self._spared(name, spent, reason) else TrialScheduler.CONTINUE)

    def remember(self, sign: int) -> None:
        """Take in what earlier launches of this attempt have told, in its order.

        What was decided then holds. Only where a kill came between a report and its consequence is it drawn now.
        """
        standings = self.driver.state.contenders
        last = {name: standing.tick["spent"] for name, standing in standings.items() if standing.tick}
        audited = {name: standing.audited["at"] for name, standing in standings.items() if standing.audited}
        for tick in self.driver.state.ticks:
            name, spent = tick["contender"], tick["spent"]
            if spent > audited.get(name, spent):
                continue
            reason = self._judged(name, spent, seen(tick["objective"], sign))
            open_ = spent == last[name] and name not in audited and not standings[name].ended
            if reason and open_ and not self._spared(name, spent, reason):
                self.driver.end(name, "pruned", reason)
        self.hidden |= set(audited)
        self.driver.tell_audits()

    def _judged(self, name: str, spent: int, objective: float) -> str | None:
        """Return why a contender is to be pruned; a report that is told twice is judged once."""
        if spent >= self.total or name in self.hidden or spent <= self.told.get(name, 0):
            return None
        self.told[name] = spent
        return self.judge(name, spent, objective)

    def _spared(self, name: str, spent: int, reason: str) -> bool:
        """Is this contender audited? If not, it ends for this reason."""
        if not self.audit.keeps(name):
            self.driver.pruned[name] = reason
            return False
        self.hidden.add(name)
        self.driver.audits[name] = {"at": spent, "probability": self.audit.probability, "reason": reason}
        return True
