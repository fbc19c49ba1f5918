"""Loops of one's own, recorded from the process that they run in, and ended with it however it ends."""

import atexit
import logging
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import gans
import metrics
from orchestrator.config.checks import located
from orchestrator.config.document import Document
from orchestrator.config.loop import LoopExperiment, validated
from orchestrator.config.name import folder_name
from orchestrator.environment import environment
from orchestrator.errors import RequestError
from orchestrator.home import Home, journal_of, number_of
from orchestrator.judging import Judge
from orchestrator.machine import chosen_device
from orchestrator.recording.journal import Event, State
from orchestrator.recording.recorder import Recorder, flush
from orchestrator.search.attempts import differences
from orchestrator.search.driver import SENDING_SECONDS, summary_of
from orchestrator.single.checkpoints import Checkpoints
from orchestrator.space import Contender
from orchestrator.stopping import acting, observing
from orchestrator.trial import metering
from orchestrator.watch.loop import Loop
from orchestrator.watch.pace import Pace
from orchestrator.watch.rounds import Arrival, Report, Rounds
from orchestrator.watch.ticks import Watch
from orchestrator.wording import REASON, one_line

log = logging.getLogger(__name__)

_begun: dict[tuple[Path, str], "OwnLoop"] = {}
"""What this process is watching, by home and name."""


def begin(asked: dict[str, Any], *, home: str | Path | None, device: str, resume: bool, again: bool) -> "OwnLoop":
    """Return the loop that `orchestrator.watch` was asked for, with its records open."""
    experiment, place, where = validated(asked), Home.at(home), chosen_device(device)
    _attempt(experiment, place, resume=resume, again=again)
    judge = _judge(experiment, place, where)
    if experiment.log_system_metrics:
        metering.check(where)
    if earlier := _begun.get((place.path, experiment.name)):
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
        _begun[place.path, experiment.name] = loop
    else:
        loop.records.close()
    return loop


class Records:
    """The records of one loop: what it reports becomes events of a journal, and goes to MLflow from there."""

    def __init__(self, recorder: Recorder, folder: Path, held: ExitStack) -> None:
        self.recorder = recorder
        self.launch = time.time()
        (self.contender,) = recorder.journal.state.contenders
        last = self.recorder.journal.state.contenders[self.contender].tick
        there = Path(last["checkpoint"]) if last else None
        self.saved = there if there and there.is_dir() else None
        self.checkpoints = Checkpoints(folder / self.contender, self.saved)
        self._held = held

    def report(self, event: Event, files: Path) -> None:
        """Record one tick, or the final scores."""
        checkpoint = self.checkpoints.keep(event, files)
        self.recorder.append(event | {"launch": self.launch, "checkpoint": str(checkpoint)}, files)
        self.checkpoints.settle(checkpoint)

    def metered(self, device: str, *, wanted: bool) -> Report:
        """Return `report`, which until the records are closed also tells how busy the machine is, if that is wanted."""
        return self._held.enter_context(metering.metered(self.report, device, wanted=wanted))

    def end(self, status: str, reason: str | None) -> None:
        """Record how it ended, and close."""
        tick = self.recorder.journal.state.contenders[self.contender].tick
        end = {"kind": "end", "contender": self.contender, "status": status, "reason": reason}
        self.recorder.append(end | {"summary": summary_of(tick), "tick": tick})
        self.recorder.append({"kind": "close", "status": status, "reason": reason or f"1 {status}"})
        self.close()

    def close(self) -> None:
        """Send what is not sent yet, and let somebody else write under this name."""
        self._held.close()


class OwnLoop(Loop):
    """A loop that runs in a process of its owner's."""

    def __init__(self, experiment: LoopExperiment, judge: Judge, records: Records) -> None:
        self.experiment = experiment
        self.records = records
        rules = experiment.stop, experiment.evaluation.metrics, experiment.objective
        watch = Watch(
            judge,
            acting=acting(*rules),
            observing=observing(*rules),
            objective=experiment.objective,
            seeds=[experiment.seed],
        )
        if records.saved:
            watch.restore(records.saved)
        judge.prepare()
        pace = Pace.of(experiment.budget, experiment.every)
        report = records.metered(judge.device, wanted=experiment.log_system_metrics)
        rounds = Rounds(watch, records.contender, pace, experiment.generator, report)
        super().__init__(rounds, 0, self._arrive, experiment.config, records.saved)
        self._told = set(self.alarms)
        self._trouble = _trouble()

    def finish(self) -> dict[str, metrics.Score]:
        """End the watch: draw and record the final scores, unless that is done, and return them."""
        if self.alive and self._open:
            if self.last is None:
                self.leave("failed", "it ended before its first tick")
            elif self.has_news:
                self.rounds.hold({0: self.last.after(time.time() - self._mark)}, last=True)
            else:
                self.rounds.end({0: self.last}, {})
        self._close()
        return self.final

    def leave(self, status: str, reason: str) -> None:
        """End the watch without final scores: it is recorded as `failed` or `interrupted`, with the reason."""
        if self._open:
            self._forget()
            self.records.end(status, reason)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.leave(*_standing(error))

    def at_exit(self) -> None:
        """End the watch with its process: a program that came to its end has finished, one that raised has failed."""
        error = _trouble()
        if error is None or error is self._trouble:
            self.finish()
        else:
            self.leave(*_standing(error))

    @property
    def _open(self) -> bool:
        return self in _begun.values()

    def _forget(self) -> None:
        for place in [place for place, loop in _begun.items() if loop is self]:
            del _begun[place]

    def _arrive(self, arrival: Arrival) -> None:
        self.rounds.hold({self.index: arrival})
        for rule, told in self.alarms.items():
            if rule not in self._told:
                log.warning("%s: %s at %s", self.experiment.name, rule, told)
        self._told = set(self.alarms)
        self._close()

    def _close(self) -> None:
        """Close the records once the loop has ended."""
        if not self.alive and self._open:
            self._forget()
            self.records.end(self._watched.status, self._watched.reason)


def _standing(error: BaseException) -> tuple[str, str]:
    """Return how a loop that raised this stands, and why."""
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "interrupted", "interrupted before its end"
    return "failed", one_line(error, REASON)


def _trouble() -> BaseException | None:
    """Return what this program died of, or what a cell of a notebook last raised."""
    return getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)


def _attempt(experiment: LoopExperiment, home: Home, *, resume: bool, again: bool) -> Path:
    """Return the folder of the attempt to begin or to go on with; what exists is never overwritten."""
    name, attempts = experiment.name, home.attempts(experiment.name)
    for key, value in {"resume": resume, "again": again}.items():
        if not isinstance(value, bool):
            raise RequestError(f"{key}: expected True or False, found {value!r}")
    if resume and again:
        raise RequestError("resume=True goes on with a loop and again=True makes a new attempt; give one of them")
    if attempts and not (resume or again):
        raise RequestError(
            f"{name!r} is recorded already: resume=True goes on with it, again=True makes a new attempt,"
            " or use another name"
        )
    if again or not attempts:
        return home.next_attempt(name)
    state = State.read(journal_of(attempts[-1]))
    recorded = experiment.as_read_today(state.attempt["experiment"]) if state.attempt else None
    if recorded and (different := differences(recorded, experiment.as_recorded())):
        raise RequestError(
            f"resume=True refuses what was changed: {'; '.join(different)}; undo it, use again=True, or another name"
        )
    return attempts[-1]


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
    import torch

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


@atexit.register
def _leave() -> None:
    for loop in list(_begun.values()):
        loop.at_exit()
