"""Ray: started or joined, given the contenders that are left, and left again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import orchestrator.search.cluster  # noqa: F401  # isort: skip  (it quiets Ray before Ray is imported)
from ray import tune
from ray.tune.execution import class_cache
from ray.tune.experiment import Trial

from orchestrator.config.models import Data
from orchestrator.home import Home
from orchestrator.recording.journal import Event
from orchestrator.search.driver import Driver
from orchestrator.search.planning import Plan
from orchestrator.search.scheduling import kept, make_scheduler
from orchestrator.search.scheduling.population import Slots, Unfinished
from orchestrator.trial import Brief, run

RETRIES_OF_A_LOST_WORKER = 3


def launch(plan: Plan, home: Home, folder: Path, driver: Driver, left: list[str], *, ahead: bool) -> None:
    """Give what is left to Ray, until it has ended or the user interrupts it; `ahead` says that workers have begun."""
    experiment = plan.experiment
    scheduler = make_scheduler(experiment, driver)  # it may find that some were pruned when the driver was killed
    population = isinstance(scheduler, Slots)
    if driver.state.done:
        return
    left = [name for name in left if not driver.state.contenders[name].ended]
    saved = {
        name: tick["checkpoint"]
        for name in left
        if (tick := driver.state.contenders[name].tick) and Path(tick["checkpoint"]).exists()
    }
    asked = {"cpu": experiment.resources.cpus, "gpu": experiment.resources.gpus}
    contenders = {name: plan.contenders[name] for name in left}
    trainable = tune.with_parameters(run, brief=Brief.of(plan, home), contenders=contenders, saved=saved)
    entrants = None
    if driver.state.undrawn:
        from orchestrator.search.entering import Entrants

        entrants = Entrants(driver, left)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {kind: amount for kind, amount in asked.items() if amount}),
        param_space={} if entrants else {"contender": tune.grid_search(left)},
        tune_config=tune.TuneConfig(
            search_alg=Unfinished(driver) if population else entrants,
            num_samples=len(left) + driver.state.undrawn if entrants else 1,
            scheduler=scheduler,
            max_concurrent_trials=None if population else plan.slots,  # a population has its own order
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name=f"launch-{int(driver.launch * 1000)}",
            storage_path=str(folder),
            callbacks=[Reporter(driver)],
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(num_to_keep=kept(experiment)),
            failure_config=tune.FailureConfig(max_failures=RETRIES_OF_A_LOST_WORKER),
        ),
    )
    with on_workers_started_ahead() if ahead else nullcontext():
        tuner.fit()
    for name, standing in driver.state.contenders.items():
        if standing.status == "running":
            driver.left_by_ray(name, None, interrupted=True)


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


class Reporter(tune.Callback):  # type: ignore[misc]
    """Ray's callbacks; a report and its checkpoint come one after the other and are recorded together."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.reports: dict[str, Event] = {}

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **_: Any
    ) -> None:
        """Keep the report until its checkpoint is there; a failure has none."""
        event = json.loads(result["event"])
        if event["kind"] == "failure":
            self.driver.end(event["contender"], "failed", event["reason"])
        else:
            self.reports[trial.trial_id] = event

    def on_checkpoint(self, iteration: int, trials: list[Trial], trial: Trial, checkpoint: Any, **_: Any) -> None:
        """Record the tick, now that the work up to it is saved."""
        if event := self.reports.pop(trial.trial_id, None):
            self.driver.tick(event, Path(checkpoint.path))

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Record the end of a trial that did not say so itself: it was pruned."""
        self.driver.left_by_ray(trial.config["contender"], None)

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Record that its worker was lost and another takes over."""
        self.driver.lost(trial.config["contender"])

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Record that its worker was lost too often."""
        self.driver.left_by_ray(trial.config["contender"], _last_line(trial.get_error()))


def _last_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "the worker died"
