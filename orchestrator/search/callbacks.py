"""What Ray tells of its trials, as the driver understands it, and when it is told to stop."""

import json
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.experiment import Trial

from orchestrator.recording.journal import Event
from orchestrator.search.driver import Driver
from orchestrator.search.packs import at_once
from orchestrator.trial import TOGETHER, crowding


class Overtime(tune.Stopper):  # type: ignore[misc]
    """Ends a search whose seconds are over: who trains at the next tick, who waits when nobody trains any more."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def __getstate__(self) -> dict[str, object]:
        """Ray pickles it for a restore of its own, like its callbacks."""
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Is this trial's report its last?"""
        return self.driver.deadline.passed

    def stop_all(self) -> bool:
        """Is there nobody left to wait for?"""
        return self.driver.deadline.passed and not self.driver.training


class Reporter(tune.Callback):  # type: ignore[misc]
    """Ray's callbacks; a report and its checkpoint come one after the other and are recorded together."""

    def __init__(self, driver: Driver, *, seeds: int) -> None:
        self.driver = driver
        self.seeds = seeds
        self.kills = crowding.kills()
        self.reports: dict[str, Event] = {}

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Note who is on a worker."""
        self.driver.training.add(trial.config["contender"])

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **_: Any
    ) -> None:
        """Keep the report until its checkpoint is there; a failure has none."""
        event = json.loads(result["event"])
        if event["kind"] == "failure":
            for name in _members(trial):
                self.driver.left_by_ray(name, event["reason"])
        else:
            self.reports[trial.trial_id] = event

    def on_checkpoint(self, iteration: int, trials: list[Trial], trial: Trial, checkpoint: Any, **_: Any) -> None:
        """Record the tick, now that the work up to it is saved."""
        if event := self.reports.pop(trial.trial_id, None):
            self.driver.tick(event, Path(checkpoint.path))

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Record the end of a trial that did not say so itself: it was pruned, or the time was over."""
        self.driver.training.discard(trial.config["contender"])
        for name in _members(trial):
            self.driver.left_by_ray(name, None)

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Record that its worker was lost and another takes over, with less to hold if memory was why."""
        if lack := crowding.killed_for_memory(_last_failure(trial), self.kills):
            self.kills = crowding.kills()
            before = trial.config.get("together") or at_once(self.driver.state, _members(trial))
            told = crowding.told(crowding.fewer(before or len(_members(trial)) * self.seeds), lack)
            trial.set_config({**trial.config, "together": told["together"]})
            for name in _members(trial):
                self.driver.crowded(name, told)
        for name in _members(trial):
            self.driver.lost(name)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Record that its worker was lost too often."""
        self.driver.training.discard(trial.config["contender"])
        for name in _members(trial):
            self.driver.left_by_ray(name, _last_line(trial.get_error()))


def _members(trial: Trial) -> list[str]:
    return str(trial.config["contender"]).split(TOGETHER)


def _last_failure(trial: Trial) -> str:
    """Return what Ray has written of the last failure beside itself; the storage does not have it yet."""
    written = Path(trial.error_file) if trial.error_file else None
    return written.read_text().rpartition("Failure # ")[2] if written and written.exists() else ""


def _last_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "the worker died"
