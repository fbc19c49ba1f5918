"""Going on from a record: with a larger budget from its checkpoint, or with more seeds beside those that it has."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.config import SearchExperiment, validate
from orchestrator.config.budget import Budget
from orchestrator.config.document import Document
from orchestrator.errors import RequestError
from orchestrator.recording.journal import Event
from orchestrator.recording.origin import Origin
from orchestrator.search.plan import Plan
from orchestrator.space import Contender
from orchestrator.trial import Brief, Report, budget_class, judge_of, pursue, watch_of


def experiment_from(
    source: Origin,
    *,
    images: int | None,
    steps: int | None,
    tick: int | None,
    seeds: Sequence[int],
    log_system_metrics: bool = False,
    trust_code: bool = False,
) -> SearchExperiment:
    """Return the experiment that trains the recorded contender for longer, or on `seeds` as well."""
    recorded, configuration = source.experiment, source.configuration
    if not source.trained:
        raise RequestError(f"run {source.run_id} has no tick of a variant's training to go on from; train it anew")
    was = Budget(**configuration["budget"])
    budget = _budget(was, images, steps, tick)
    if seeds:
        _check_seeds(source, was, budget, seeds)
    else:
        _check_checkpoint(source, budget)
    value: dict[str, Any] = {
        key: recorded[key] for key in ("evaluation", "resources", "engine", "stop") if key in recorded
    }
    value |= {"name": source.onward}
    value |= {key: configuration[key] for key in ("variant", "data", "hyperparameters")}
    metric = recorded.get("search", {}).get("metric")
    value |= {"budget": budget.model_dump(exclude_none=True), "seeds": [*source.seeds, *seeds]}
    value |= {"log_system_metrics": log_system_metrics}
    value |= {"search": {"contenders": 1} | ({"metric": metric} if metric else {})}
    experiment = validate(Document("train", value, {}), folder=Path.cwd(), trust_code=trust_code)
    assert isinstance(experiment, SearchExperiment)  # noqa: S101  (no `study` in it)
    return experiment


def carried_over(source: Origin, plan: Plan, brief: Brief, folder: Path) -> Iterator[Event]:
    """Write the checkpoint to go on from into `folder`; yield what is recorded as ticks of the larger budget."""
    import gans

    ((name, contender),) = plan.contenders.items()
    watch = watch_of(brief, judge_of(contender, brief))
    watch.restore(source.checkpoint)
    going = watch.reopen(lambda moment: min(1.0, brief.budget.spent(moment) / brief.budget.amount))
    folder.mkdir(parents=True, exist_ok=True)
    gans.reopen(source.checkpoint / "training", folder / "training", going)
    watch.save(folder)
    fired = {replica.seed: replica.fired for replica in watch.replicas}
    here = {"contender": name, "checkpoint": str(folder), "budget_class": budget_class(contender, stopped=False)}
    for tick in source.ticks:
        told = fired if tick is source.ticks[-1] else {}
        yield tick | here | {"replicas": [_reopened(each, told) for each in tick["replicas"]]}


def _reopened(replica: Event, fired: dict[int, dict[str, str]]) -> Event:
    going = {"status": "running", "reason": None, "final": None} if replica["status"] == "finished" else {}
    return replica | going | {"fired": fired.get(replica["seed"], {})}


def pursue_beside(source: Origin, contender: Contender, brief: Brief, report: Report, resume: Path | None) -> None:
    """Train the seeds that are not recorded yet, and report them together with those that are."""
    new = tuple(seed for seed in brief.seeds if seed not in source.seeds)

    def beside(event: Event, files: Path) -> None:
        old = [tick for tick in source.ticks if tick["step"] <= event["step"]]
        report(_joined(old[-1], event), files)

    pursue(contender, replace(brief, seeds=new), beside, resume=resume)


def outlasting(source: Origin, last: Event) -> Iterator[Event]:
    """Yield the recorded ticks after the `last` one of new seeds that have all ended before."""
    new = last | {"replicas": [each for each in last["replicas"] if each["seed"] not in source.seeds]}
    new.pop("system", None)  # nobody trains any more: the machine is not looked at
    for tick in source.ticks:
        if tick["step"] > last["step"]:
            at = {key: tick[key] for key in ("step", "images", "spent")}
            yield _joined(tick, new) | at | {"time": time.time(), "busy": 0.0}


def _joined(old: Event, new: Event) -> Event:
    """Return one tick of all seeds: what is recorded of the old ones, and what the new ones have come to."""
    replicas = [*old["replicas"], *new["replicas"]]
    weights = len(old["replicas"]), len(new["replicas"])
    objective = None
    if old["objective"] is not None and new["objective"] is not None:
        objective = (old["objective"] * weights[0] + new["objective"] * weights[1]) / sum(weights)
    stopped = "stopped" in (old["budget_class"]["checkpoint"], new["budget_class"]["checkpoint"])
    checkpoint = {"checkpoint": "stopped" if stopped else "final"}
    return new | {"replicas": replicas, "objective": objective, "budget_class": new["budget_class"] | checkpoint}


def _budget(was: Budget, images: int | None, steps: int | None, tick: int | None) -> Budget:
    if images is not None and steps is not None:
        raise RequestError("expected at most one of --images and --steps")
    other = steps if was.unit == "images" else images
    if other is not None:
        raise RequestError(f"the budget of this record is in {was.unit}; give the larger one by --{was.unit}")
    amount = images or steps or was.amount
    return Budget.model_validate({was.unit: amount, "tick": min(tick or was.tick, amount)})


def _check_seeds(source: Origin, was: Budget, budget: Budget, seeds: Sequence[int]) -> None:
    """Refuse seeds that cannot stand beside the recorded ones."""
    if known := [seed for seed in seeds if seed in source.seeds]:
        raise RequestError(f"--seed {known[0]} is recorded already; give seeds beside {_told(source.seeds)}")
    if budget != was:
        raise RequestError("--from takes a larger budget or more seeds; give first the one and then the other")
    if any(replica["status"] == "running" for replica in source.ticks[-1]["replicas"]):
        raise RequestError(f"run {source.run_id} has not come to its end; go on with it before you add seeds")


def _check_checkpoint(source: Origin, budget: Budget) -> None:
    """Refuse a budget that is spent already, and a checkpoint that cannot be gone on from."""
    last = source.ticks[-1]
    if budget.amount <= last["spent"]:
        raise RequestError(
            f"run {source.run_id} has spent {last['spent']:,} {budget.unit} already; give more by --{budget.unit},"
            " or more seeds by --seed"
        )
    if not any(replica["status"] in ("running", "finished") for replica in last["replicas"]):
        reason = next((replica["reason"] for replica in last["replicas"] if replica["reason"]), "no reason")
        raise RequestError(f"run {source.run_id} was stopped ({reason}) and cannot go on; train it anew")
    if not (source.checkpoint / "training").is_dir():
        raise RequestError(
            f"run {source.run_id} has no checkpoint any more (it was {source.checkpoint}); train it anew by"
            f" `ganarena train {source.configuration['variant']}`"
        )
    if (held := source.held) != source.seeds:
        raise RequestError(
            f"the checkpoint of run {source.run_id} holds the seeds {_told(held)} of {_told(source.seeds)}, for"
            " the others were recorded before; give the larger budget to the run that it came from, and then the seeds"
        )


def _told(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))
