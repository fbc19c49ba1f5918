"""Ray: started or joined, given the contenders that are left, and left again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import orchestrator.search.cluster  # noqa: F401  # isort: skip  (it quiets Ray before Ray is imported)
from ray import tune
from ray.tune.execution import class_cache
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from orchestrator.config.data import Data
from orchestrator.config.models import SearchExperiment
from orchestrator.home import Home
from orchestrator.recording.journal import Event
from orchestrator.search.driver import Driver
from orchestrator.search.handover import retried
from orchestrator.search.packs import at_once, going_on
from orchestrator.search.plan import Plan
from orchestrator.search.scheduling import kept, make_scheduler
from orchestrator.search.scheduling.population import Slots, Unfinished
from orchestrator.space import Contender
from orchestrator.trial import TOGETHER, Brief, crowding, run

RETRIES_OF_A_LOST_WORKER = 3


def launch(driver: Driver, home: Home, folder: Path, *, ahead: bool) -> None:
    """Give what is left to Ray until it has ended or the user interrupts it: the search, then its confirmation.

    `ahead` says that workers have begun.
    """
    plan, experiment, state = driver.plan, driver.plan.experiment, driver.state
    try:
        with on_workers_started_ahead() if ahead else nullcontext():
            if not state.searched:
                brief = replace(Brief.of(plan, home), deadline=driver.deadline.at)
                _train(driver, brief, folder / "launch", make_scheduler(experiment, driver), Overtime(driver))
                driver.tell_deadline()
            if isinstance(experiment, SearchExperiment) and experiment.confirm and state.searched:
                driver.confirm(experiment)
                _train(driver, Brief.of(plan, home, experiment.confirm.seeds), folder / "confirm", FIFOScheduler())
    finally:
        for name, standing in state.contenders.items():
            if standing.status == "running":
                driver.left_by_ray(name, None, interrupted=True)


def _train(
    driver: Driver, brief: Brief, folder: Path, scheduler: TrialScheduler, stopper: tune.Stopper | None = None
) -> None:
    """Train every contender that has not ended, from its last checkpoint where there is one."""
    experiment, state = driver.plan.experiment, driver.state
    if not state.left and not state.undrawn:
        return  # the scheduler found that the last ones were pruned when the driver was killed, or none is confirmed
    contenders = {name: Contender.named(name, state.configurations[name]) for name in state.left}
    together = [pack for pack in driver.plan.packed(state) if set(pack) & set(state.left)]
    contenders |= {name: Contender.named(name, state.configurations[name]) for pack in together for name in pack}
    saved = {TOGETHER.join(pack): str(last) for pack in together if (last := going_on(state, pack))}
    entrants = None
    if state.undrawn:
        from orchestrator.search.entering import Entrants

        entrants = Entrants(driver, state.left)
    asked, slots = experiment.resources, scheduler if isinstance(scheduler, Slots) else None
    resources = {kind: amount for kind, amount in (("cpu", asked.cpus), ("gpu", asked.gpus)) if amount}
    crowded = {TOGETHER.join(pack): least for pack in together if (least := at_once(state, pack))}
    trainable = tune.with_parameters(run, brief=brief, contenders=contenders, saved=saved, crowded=crowded)
    tuner = tune.Tuner(
        tune.with_resources(trainable, resources),
        param_space={} if entrants else {"contender": tune.grid_search([TOGETHER.join(pack) for pack in together])},
        tune_config=tune.TuneConfig(
            search_alg=Unfinished(slots) if slots else entrants,
            num_samples=len(contenders) + state.undrawn if entrants else 1,
            scheduler=scheduler,
            max_concurrent_trials=None if slots else driver.plan.slots,  # a population has an order of its own
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name=f"{folder.name}-{int(driver.launch * 1000)}",
            storage_path=str(folder.parent),
            callbacks=[Reporter(driver, seeds=len(brief.seeds))],
            stop=stopper,
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(num_to_keep=kept(experiment)),
            failure_config=tune.FailureConfig(max_failures=RETRIES_OF_A_LOST_WORKER),
        ),
    )
    with retried():
        tuner.fit()


@contextmanager
def on_workers_started_ahead() -> Iterator[None]:
    """Give trials no environment of their own: with Tune's, Ray would start new workers for them.

    What it holds is in the environment of our own Ray anyway.
    """
    asked = class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE
    class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE = {}, set()
    try:
        yield
    finally:
        class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE = asked


def find_references(plan: Plan, home: Home) -> None:
    """Read or make the real side of every score, so that no worker has to."""
    from orchestrator.judging import judge_for

    for source in plan.experiment.sources.values():
        data = Data.model_validate(source.spec).model_dump_json()
        judge_for(data, plan.experiment.evaluation.model_dump_json(), home.cache, "cpu").find_references()


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
