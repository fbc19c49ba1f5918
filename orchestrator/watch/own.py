"""Loops of one's own, recorded from the process that they run in, and ended with it however it ends."""

import atexit
import logging
import sys
import time
from pathlib import Path
from types import TracebackType

import metrics
from orchestrator.config.loop import LoopExperiment
from orchestrator.judging import Judge
from orchestrator.stopping import acting, observing
from orchestrator.watch.loop import Loop
from orchestrator.watch.pace import Pace
from orchestrator.watch.records import Records
from orchestrator.watch.rounds import Arrival, Rounds
from orchestrator.watch.ticks import Watch
from orchestrator.wording import REASON, one_line

log = logging.getLogger(__name__)

OPEN: dict[tuple[Path, str], "OwnLoop"] = {}
"""What this process is watching, by home and name."""


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
        return self in OPEN.values()

    def _forget(self) -> None:
        for place in [place for place, loop in OPEN.items() if loop is self]:
            del OPEN[place]

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


@atexit.register
def _leave() -> None:
    for loop in list(OPEN.values()):
        try:
            loop.at_exit()
        except Exception as error:  # it keeps none of the others from its end
            loop.leave("failed", one_line(error, REASON))
            log.error("%s: %s", loop.experiment.name, one_line(error))
