"""What is left of a search is given to Ray, until it has ended or is interrupted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import orchestrator.search.cluster  # noqa: F401  # isort: skip  (it quiets Ray before Ray is imported)
from ray import tune
from ray.tune.execution import class_cache
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from orchestrator.config.data import Data
from orchestrator.config.models import SearchExperiment
from orchestrator.home import Home
from orchestrator.search.callbacks import Overtime, Reporter
from orchestrator.search.driver import Driver
from orchestrator.search.handover import retried
from orchestrator.search.packs import at_once, going_on
from orchestrator.search.plan import Plan
from orchestrator.search.scheduling import kept, make_scheduler
from orchestrator.search.scheduling.population import Slots, Unfinished
from orchestrator.space import Contender
from orchestrator.trial import TOGETHER, Brief, run

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
    state, slots = driver.state, scheduler if isinstance(scheduler, Slots) else None
    if not state.left and not state.undrawn:
        return  # the scheduler found that the last ones were pruned when the driver was killed, or none is confirmed
    together = [pack for pack in driver.plan.packed(state) if set(pack) & set(state.left)]
    names = [TOGETHER.join(pack) for pack in together]
    entrants = _entrants(driver)
    tuner = tune.Tuner(
        _trainable(driver, brief, together),
        param_space={} if entrants else {"contender": tune.grid_search(names)},
        tune_config=tune.TuneConfig(
            search_alg=Unfinished(slots) if slots else entrants,
            num_samples=len(state.left) + state.undrawn if entrants else 1,
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
            checkpoint_config=tune.CheckpointConfig(num_to_keep=kept(driver.plan.experiment)),
            failure_config=tune.FailureConfig(max_failures=RETRIES_OF_A_LOST_WORKER),
        ),
    )
    with retried():
        tuner.fit()


def _trainable(driver: Driver, brief: Brief, together: Sequence[Sequence[str]]) -> Any:
    """Return what Ray calls for each pack, with all that it is told and what it occupies."""
    state, asked = driver.state, driver.plan.experiment.resources
    members = dict.fromkeys([*state.left, *(name for pack in together for name in pack)])
    trainable = tune.with_parameters(
        run,
        brief=brief,
        contenders={name: Contender.named(name, state.configurations[name]) for name in members},
        saved={TOGETHER.join(pack): str(last) for pack in together if (last := going_on(state, pack))},
        crowded={TOGETHER.join(pack): least for pack in together if (least := at_once(state, pack))},
    )
    resources = {kind: amount for kind, amount in (("cpu", asked.cpus), ("gpu", asked.gpus)) if amount}
    return tune.with_resources(trainable, resources)


def _entrants(driver: Driver) -> Any:
    """Return who enters as results come, if anybody does."""
    if not driver.state.undrawn:
        return None
    from orchestrator.search.entering import Entrants

    return Entrants(driver, driver.state.left)


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
