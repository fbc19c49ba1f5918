"""Population-based training on Ray: slots wait for each other at marks, where the worst become copies of the best."""

import json
from math import ceil
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search.basic_variant import BasicVariantGenerator

from orchestrator.config.models import SearchExperiment
from orchestrator.config.population import Population
from orchestrator.recording.journal import Event
from orchestrator.search.driver import Driver
from orchestrator.search.scheduling.breeding import Breeding


class Slots(FIFOScheduler):  # type: ignore[misc]
    """Lets all slots wait for each other at every mark; then the worst are cloned over, and all go on.

    Whoever waits at a mark is paused there by Ray with its report and checkpoint recorded, so a round is decided by
    the journal alone: in whatever order reports come and whenever the driver is killed, the decisions are the same.
    """

    def __init__(self, experiment: SearchExperiment, driver: Driver) -> None:
        super().__init__()
        self.driver = driver
        self.breeding = Breeding(experiment, driver.plan, driver.state)
        self.every = interval(experiment)
        self.grace = experiment.search.grace or 0
        self.total = experiment.budget.amount
        self.trials: dict[str, Trial] = {}

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Take in a slot, paused: Ray would start whatever is pending, and it may have to wait for the others."""
        name = trial.config["contender"]
        if name in self.trials:
            return  # its worker was lost, and it goes on at once
        self.trials[name] = trial
        trial.set_status(Trial.PAUSED)
        trial.init_local_path()  # Ray asks for it at the end, also where the slot was never started
        if cloned := self.driver.state.contenders[name].cloned:
            trial.set_config({**trial.config, "cloned": cloned})
        if len(self.trials) <= self.driver.plan.slots:
            # Ray keeps one idle worker, but between rounds all are idle, and a fresh one costs ten seconds.
            tune_controller._actor_cache.increase_max(trial.placement_group_factory)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Pause at a mark whoever has something left to train."""
        waits = self._mark(result["spent"]) > self.driver.state.rounds and _alive(json.loads(result["event"]))
        return str(TrialScheduler.PAUSE if waits else TrialScheduler.CONTINUE)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Start the next slot that has not come to the next mark, while there is room."""
        self._close_round()
        trials = list(self.trials.values())
        if sum(trial.status in (Trial.PENDING, Trial.RUNNING) for trial in trials) >= self.driver.plan.slots:
            return None
        ready = (trial for trial in trials if trial.status == Trial.PAUSED and not trial.is_saving)
        return next((trial for trial in ready if not self._waits(trial.config["contender"])), None)

    def _close_round(self) -> None:
        """Once all that still train have come to a mark, decide who is cloned over."""
        left = self.driver.state.left
        if not left or not all(map(self._waits, left)):
            return
        for clone in self.breeding.clones():
            self.driver.clone(clone)
            trial = self.trials[clone["contender"]]
            trial.set_config({**trial.config, "cloned": clone})
        self.driver.close_round(min(map(self._reached, left)))

    def _waits(self, name: str) -> bool:
        return self._reached(name) > self.driver.state.rounds

    def _reached(self, name: str) -> int:
        """Return the last mark that this slot has passed and recorded, 0 for none."""
        tick = self.driver.state.contenders[name].tick
        return self._mark(tick["spent"]) if tick else 0

    def _mark(self, spent: int) -> int:
        """Return the last mark at or before so much of the budget; there is none in the grace nor at the end."""
        mark = spent // self.every
        return mark if self.grace <= mark * self.every and spent < self.total else 0


class Unfinished(BasicVariantGenerator):  # type: ignore[misc]
    """Hands out the slots, and is not finished before they are: a finished one lets Ray end idle workers."""

    def __init__(self, slots: Slots) -> None:
        super().__init__()
        self.slots = slots

    def is_finished(self) -> bool:
        """Has every slot been handed out and come to its end?"""
        return bool(super().is_finished()) and all(trial.is_finished() for trial in self.slots.trials.values())

    def get_state(self) -> dict[str, Any]:
        """Ray saves what it hands out for a restore of its own; ours is the journal's."""
        return {}


def interval(experiment: SearchExperiment) -> int:
    """Return how much of the budget lies between two marks."""
    settings, budget = experiment.search.population or Population(), experiment.budget
    return settings.every or ceil(budget.amount / (10 * budget.tick)) * budget.tick


def _alive(event: Event) -> bool:
    return any(replica["status"] == "running" for replica in event.get("replicas", ()))
