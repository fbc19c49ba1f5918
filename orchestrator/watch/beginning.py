"""What `orchestrator.watch` does before the first step: an attempt chosen, a judge ready, records open."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

import gans
import metrics
from orchestrator.config.checks import located
from orchestrator.config.document import Document
from orchestrator.config.loop import LoopExperiment, validated
from orchestrator.config.name import folder_name
from orchestrator.environment import environment
from orchestrator.home import Home, number_of
from orchestrator.judging import Judge
from orchestrator.machine import chosen_device
from orchestrator.recording.journal import Event
from orchestrator.recording.recorder import Recorder, flush
from orchestrator.search.attempts import ARGUMENTS, attempt_under, differences
from orchestrator.search.driver import SENDING_SECONDS
from orchestrator.space import Contender
from orchestrator.trial import metering
from orchestrator.watch.own import OPEN, OwnLoop
from orchestrator.watch.records import Records


def begin(asked: dict[str, Any], *, home: str | Path | None, device: str, resume: bool, again: bool) -> "OwnLoop":
    """Return the loop that `orchestrator.watch` was asked for, with its records open."""
    experiment, place, where = validated(asked), Home.at(home), chosen_device(device)
    _attempt(experiment, place, resume=resume, again=again)
    judge = _judge(experiment, place, where)
    if experiment.log_system_metrics:
        metering.check(where)
    if earlier := OPEN.get((place.path, experiment.name)):
        earlier.leave("interrupted", "another watch took over its name")
    with ExitStack() as beginning:
        held = beginning.enter_context(ExitStack())
        held.enter_context(place.writing(experiment.name))
        folder = _attempt(experiment, place, resume=resume, again=again)
        flush(place)
        recorder = Recorder(place, folder)
        held.callback(recorder.close, SENDING_SECONDS)
        if recorder.journal.state.attempt is None:
            recorder.append(_first_event(experiment, judge, folder, where))
        loop = OwnLoop(experiment, judge, Records(recorder, folder, held))
        beginning.pop_all()  # what is held is the loop's from now on
    if not loop.rounds.watch.over:
        OPEN[place.path, experiment.name] = loop
    else:
        loop.records.close()
    return loop


def _attempt(experiment: LoopExperiment, home: Home, *, resume: bool, again: bool) -> Path:
    """Return the folder of the attempt of a loop to begin or to go on with."""

    def changed(recorded: Event) -> list[str]:
        return differences(experiment.as_read_today(recorded), experiment.as_recorded())

    return attempt_under(experiment.name, home, changed, resume=resume, again=again, ways=ARGUMENTS)


def _judge(experiment: LoopExperiment, home: Home, device: str) -> Judge:
    """Return the judge of these data, if everything that was asked fits them."""
    document = Document("watch", {}, {})
    with located(document, ("data",)):
        download = experiment.data.download
        dataset = gans.data.load(experiment.data.spec, cache=home.cache, download=download, keep=download)
    with located(document, ("generator", "range")):
        experiment.generator.check(dataset.kind)
    with located(document, ("evaluation", "extractor")):
        judge = Judge(dataset, experiment.evaluation, cache=home.cache, device=device)
    with located(document, ("evaluation", "metrics")):
        metrics.check(experiment.evaluation.metrics, judge.extractor, dataset.modes)
    return judge


def _first_event(experiment: LoopExperiment, judge: Judge, folder: Path, device: str) -> Event:
    budget = experiment.budget.model_dump(exclude_none=True) if experiment.budget else {}
    contender = Contender(
        index=0,
        variant=experiment.variant,
        hyperparameters=experiment.config,
        data=experiment.data.spec,
        budget=budget,
    )
    families = [metrics.METRICS[name] for name in experiment.evaluation.metrics]
    directions = {key: entry.higher_is_better for entry in families for key in entry.keys(judge.extractor.name)}
    return {
        "kind": "attempt",
        "attempt": number_of(folder),
        "folder": folder_name(experiment.name),
        "experiment": experiment.as_recorded(),
        "contenders": {contender.name: contender.configuration},
        "objective": metrics.key(experiment.objective, judge.extractor.name),
        "directions": directions,
        "ticks": -(-experiment.budget.amount // experiment.budget.tick) if experiment.budget else 0,
        "environment": environment(device, torch.get_num_threads()),
    }
