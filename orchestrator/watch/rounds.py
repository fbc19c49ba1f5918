"""The rounds of one contender with loops of its own: whoever arrives is judged, saved and reported together."""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from orchestrator.config.generator import Generator
from orchestrator.errors import RequestError
from orchestrator.stopping import Moment
from orchestrator.watch.brought import conformed, numbers, unlike
from orchestrator.watch.pace import Pace
from orchestrator.watch.replicas import Replica
from orchestrator.watch.streams import aside
from orchestrator.watch.ticks import Sample, Watch

if TYPE_CHECKING:
    from orchestrator.trial import Report

Save = Callable[[Path], object]


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What a loop brings to a tick."""

    step: int
    images: int
    sample: Callable[[int], Any]
    save: Save | None = None
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def after(self, seconds: float) -> "Arrival":
        """Return the same after so much time of training, with its diagnostics as numbers."""
        return replace(self, seconds=seconds, diagnostics=numbers(self.diagnostics))


class Rounds:
    """Holds the ticks of one contender, and says to each of its loops why it should end."""

    def __init__(self, watch: Watch, contender: str, pace: Pace, generator: Generator, report: "Report") -> None:
        self.watch = watch
        self.contender = contender
        self.pace = pace
        self.generator = generator
        self.report = report
        self.amount = pace.amount
        self.began = self.mark = time.time()

    def hold(self, arrivals: Mapping[int, Arrival], *, last: bool = False) -> None:
        """Look at the loops that arrived, end those that are done (all of them if this is the `last`), and report."""
        if len({arrival.step for arrival in arrivals.values()}) > 1:
            came = " and ".join(
                f"seed {self.watch.replicas[index].seed} at step {arrival.step:,}"
                for index, arrival in arrivals.items()
            )
            raise RequestError(f"the seeds of a contender are looked at together, but {came} came to this tick")
        for index, arrival in arrivals.items():
            spent = self.pace.spent(arrival.step, arrival.images)
            if self.pace.amount is None:
                self.watch.rescale(index, partial(_share, arrival.step))
            reason = self.watch.look(
                index,
                self._drawing(index, arrival, "tick"),
                step=arrival.step,
                images=arrival.images,
                share=self.pace.share(spent),
                diagnostics=arrival.diagnostics,
                trained=arrival.seconds,
            )
            unlike(arrival.diagnostics, self.watch.replicas[index].scores)
            if reason or last or self.pace.over(spent):
                self._conclude(index, arrival, status="stopped" if reason else "finished", reason=reason)
        self._tell("tick", arrivals)

    def end(self, left: Mapping[int, Arrival], others: Mapping[int, Arrival]) -> None:
        """Score the loops that have `left` after their last tick was told, and report; `others` go on."""
        for index, arrival in left.items():
            self._conclude(index, arrival, status="finished")
        seeds = [self.watch.replicas[index].seed for index in left]
        self._tell("final", {**others, **left}, seeds=seeds)

    def verdict(self, index: int) -> str | None:
        """Return why this loop should end, if it should."""
        replica = self.watch.replicas[index]
        if replica.alive:
            return None
        return replica.reason or (f"the budget of {self.amount:,} {self.pace.unit} is spent" if self.amount else "done")

    def _conclude(self, index: int, arrival: Arrival, *, status: str, reason: str | None = None) -> None:
        spent = self.pace.spent(arrival.step, arrival.images)
        if status == "finished" and self.pace.amount and not self.pace.over(spent):
            reason = f"its loop ended after {spent:,} of {self.pace.amount:,} {self.pace.unit}"
        self.watch.conclude(index, self._drawing(index, arrival, "final"), status=status, reason=reason)
        self.amount = max(self.amount or 0, self.pace.cost(arrival.step, arrival.images))

    def _drawing(self, index: int, arrival: Arrival, stream: str) -> Sample:
        """Return `sample` as scoring wants it: without slopes, from streams of its own, in one range."""
        replica = self.watch.replicas[index]

        def draw(count: int) -> Tensor:
            with torch.no_grad(), aside(replica.seed, "sample", stream, arrival.step):
                return conformed(arrival.sample(count), count, self.watch.judge, self.generator)

        return draw

    def _tell(self, kind: str, arrivals: Mapping[int, Arrival], **more: Any) -> None:
        with tempfile.TemporaryDirectory(prefix="ganarena-") as temporary:
            folder = Path(temporary)
            self.watch.save(folder)
            for index, arrival in arrivals.items():
                self._keep(self.watch.replicas[index], arrival, folder)
            now = time.time()
            timing = {"time": now, "began": self.began, "busy": now - self.mark}
            self.report(self._event(kind) | timing | more, folder)
            self.mark = time.time()  # waiting for the driver is nobody's training

    def _keep(self, replica: Replica, arrival: Arrival, folder: Path) -> None:
        if replica.picture is not None:
            replica.picture.save(folder / f"samples_{replica.seed}.png")
        if arrival.save is not None and replica.alive:
            own = folder / loop_folder(replica.seed)
            own.mkdir()
            arrival.save(own)

    def _event(self, kind: str) -> dict[str, Any]:
        watch = self.watch
        event = watch.event() | {
            "kind": kind,
            "contender": self.contender,
            "spent": self.pace.spent(watch.step, watch.images),
            "protocol": watch.judge.protocol("final", self.generator.state),
        }
        if self.amount is not None:
            stopped = any(replica.status == "stopped" and replica.final for replica in watch.replicas)
            event["budget_class"] = self.pace.budget_class(self.amount, stopped=stopped)
        return event


def loop_folder(seed: int) -> str:
    """Return the name of the folder in a checkpoint that holds what the loop of this seed saved."""
    return f"loop_{seed}"


def _share(now: int, moment: Moment) -> float:
    return moment.step / now
