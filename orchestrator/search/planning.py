"""From an experiment to its plan: data loaded, judges tried, contenders drawn, before anything starts."""

from collections.abc import Iterator
from typing import Any

import gans
import metrics
from orchestrator.config.checks import located
from orchestrator.config.checks.space import may_exist
from orchestrator.config.document import Location
from orchestrator.config.engine import Engine
from orchestrator.config.generator import Generator
from orchestrator.config.models import Experiment, SearchExperiment, StudyExperiment
from orchestrator.config.search import SECONDS
from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.judging import Judge
from orchestrator.machine import Capacity, capacity
from orchestrator.search.packs import packs
from orchestrator.search.plan import Plan
from orchestrator.space import Contender, contenders, draws
from orchestrator.trial import metering


def make_plan(experiment: Experiment, home: Home, device: str, *, write: bool, cluster: Capacity | None = None) -> Plan:
    """Resolve an experiment: load its data, try its judge, draw its contenders.

    Nothing is written but, with `write`, a dataset that the file allows to be downloaded.
    """
    if experiment.log_system_metrics:
        with located(experiment.document, ("log_system_metrics",)):
            metering.check(device)
    _check_engine(experiment, device)
    there = cluster or capacity()
    fitting = _fitting(experiment, there)
    drawn, later = contenders(experiment), draws(experiment)
    if not drawn and not later:
        raise RequestError("the space holds no contender; widen it, or raise search.contenders")
    objectives, directions = _judged(experiment, home, write=write)
    return Plan(
        experiment=experiment,
        contenders={contender.name: contender for contender in drawn},
        slots=_slots(experiment, drawn, fitting),
        threads=max(1, int(experiment.resources.cpus)),
        device=device,
        objectives=objectives,
        directions=directions,
        draws=later,
        there=there,
    )


def _judged(experiment: Experiment, home: Home, *, write: bool) -> tuple[tuple[str, ...], dict[str, bool]]:
    """Try the judge of every dataset; return the keys of the objectives, and of each score whether more is better."""
    document = experiment.document
    objectives: tuple[str, ...] = ()
    directions: dict[str, bool] = {}
    for place, source in experiment.sources.items():
        with located(document, place):
            keep = write and source.download
            dataset = gans.data.load(source.spec, cache=home.cache, download=source.download, keep=keep)
        _check_trainer(experiment, dataset)
        with located(document, ("evaluation", "extractor")):
            extractor = Judge(dataset, experiment.evaluation, cache=home.cache).extractor
        _check_variants(experiment, dataset)
        for index, family in enumerate(experiment.evaluation.metrics):
            with located(document, ("evaluation", "metrics", index)):
                metrics.check([family], extractor, dataset.modes)
            entry = metrics.METRICS[family]
            directions |= dict.fromkeys(entry.keys(extractor.name), entry.higher_is_better)
        objectives = tuple(
            family if family == SECONDS else metrics.key(family, extractor.name) for family in experiment.objectives
        )
    return objectives, directions


def _check_trainer(experiment: Experiment, dataset: gans.data.Dataset) -> None:
    """What somebody's own loop draws must have a range that goes with the data."""
    if isinstance(experiment, SearchExperiment) and experiment.trainer:
        with located(experiment.document, ("generator", "range")):
            (experiment.generator or Generator()).check(dataset.kind)


def _check_variants(experiment: Experiment, dataset: gans.data.Dataset) -> None:
    """Every variant that may train must be able to learn from the data."""
    for name, written in _variants(experiment).items():
        if reason := gans.variant(name).supports(dataset):
            message = f"{name} cannot learn {dataset.name}: {reason}; choose another variant or other data"
            experiment.document.fail(written, message)


def _check_engine(experiment: Experiment, device: str) -> None:
    """The engine must be able to drive every variant that may train, whatever batch is drawn for it."""
    document = experiment.document
    with located(document, ("engine",)):
        engine = experiment.engine.driving(experiment.resources.processes)
        engine.check(device)
    for name in _variants(experiment):
        for place, hyperparameters in _batches(experiment, name):
            if reason := engine.misfit(gans.variant(name, hyperparameters)):
                document.fail(place, reason)
    if isinstance(experiment, SearchExperiment) and experiment.trainer and experiment.engine != Engine():
        document.fail(("engine",), "goes with a variant; somebody's own loop says itself how it computes")


def _batches(experiment: Experiment, variant: str) -> Iterator[tuple[Location, dict[str, Any]]]:
    """Yield what this variant may be given that tells its batch, each with the place in the file that it hangs on."""
    fixed, engine = experiment.hyperparameters, experiment.engine
    space = experiment.space if isinstance(experiment, SearchExperiment) else {}
    drawn = space.get("batch")
    if engine.compiled or drawn is None or drawn.conditions:
        key = "compiled" if engine.compiled else "accumulate" if engine.accumulate > 1 else None
        yield ("engine", key) if key else ("resources", "processes"), fixed
    if drawn is not None and may_exist("batch", variant, space):
        for value in drawn.extremes:
            yield ("space", "batch", drawn.law), {**fixed, "batch": value}


def _slots(experiment: Experiment, drawn: list[Contender], fitting: int) -> int:
    """Return how many trials run at once: as many as there are, as fit, and as were asked for."""
    searched = experiment.search if isinstance(experiment, SearchExperiment) else None
    parallel = searched.parallel if searched else "auto"
    trials = len(packs(drawn, searched.pack if searched else 1)) + draws(experiment)
    return max(1, min(fitting, trials, fitting if parallel == "auto" else parallel))


def _fitting(experiment: Experiment, there: Capacity) -> int:
    """Return how many trials fit at once; one that never fits is refused."""
    asked = experiment.resources
    if refused := there.refusal(asked.cpus, asked.gpus):
        what, message = refused
        experiment.document.fail(("resources", what) if what else ("resources",), message)
    return there.holds(asked.cpus, asked.gpus)


def _variants(experiment: Experiment) -> dict[str, Location]:
    """Return every variant that may train, with its place in the file."""
    if isinstance(experiment, StudyExperiment):
        return {name: ("study", "variants", index) for index, name in enumerate(experiment.study.variants)}
    assert isinstance(experiment, SearchExperiment)  # noqa: S101  (the two kinds of file)
    if experiment.trainer:
        return {}
    if chosen := experiment.space.get("variant"):
        return {str(name): ("space", "variant", "choice", index) for index, name in enumerate(chosen.choice or ())}
    return {str(experiment.variant): ("variant",)}
