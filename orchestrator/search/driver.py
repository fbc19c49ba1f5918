"""What happens on the driver: every report becomes an event, every end a status with its reason."""

import time
from functools import cached_property
from pathlib import Path

from orchestrator.config.models import SearchExperiment
from orchestrator.leaderboard import summary
from orchestrator.recording.journal import Announce, Event, State
from orchestrator.recording.recorder import Recorder
from orchestrator.records import ScoreRecord
from orchestrator.search.confirmation import choose
from orchestrator.search.deadline import Deadline
from orchestrator.search.plan import Plan
from orchestrator.space import Contender
from orchestrator.trial import unpacked

SENDING_SECONDS = 60.0
"""How long whoever has recorded all waits until it is sent."""


class Driver:
    """Turns what Ray says into events of the journal."""

    def __init__(self, resolved: Plan, recorder: Recorder, announce: Announce | None = None) -> None:
        self.plan = resolved
        self.recorder = recorder
        self.announce = announce
        self.launch = time.time()
        self.training: set[str] = set()
        """Who is on a worker."""
        self.pruned: dict[str, str] = {}
        self.audits: dict[str, Event] = {}
        """What the scheduler has decided about a report that is not recorded yet."""

    def __getstate__(self) -> dict[str, object]:
        """Ray pickles its callbacks for a restore of its own; ours is the journal's, and a driver never travels."""
        return {}

    @cached_property
    def deadline(self) -> Deadline:
        """When the seconds of the search are over."""
        return Deadline.of(self.plan.experiment, self.state, self.launch)

    @property
    def state(self) -> State:
        """What the journal adds up to."""
        return self.recorder.journal.state

    def draw(self, contender: Contender, **why: object) -> None:
        """Record a contender that is born during the search; `why` says what it follows from."""
        self._tell({"kind": "drawn", "contender": contender.name, "configuration": contender.configuration, **why})

    def confirm(self, experiment: SearchExperiment) -> None:
        """Choose, once and for all, who is trained again on new seeds."""
        self._tell(choose(experiment, self.state))

    def tell_deadline(self) -> None:
        """Record that the time of the search is over, once everybody who had begun was told."""
        begun = (standing.status == "running" for standing in self.state.contenders.values())
        if self.deadline.passed and not self.state.searched and not any(begun):
            self._tell({"kind": "over", "seconds": self.deadline.seconds, "reason": self.deadline.reason})

    def tick(self, report: Event, checkpoint: Path) -> None:
        """Record one report, and the end of a contender if this was its last."""
        crowded = report.pop("crowded", None)
        for event in unpacked(report):
            if crowded:
                self.crowded(event["contender"], crowded)
            event |= {"launch": self.launch, "checkpoint": str(checkpoint)}
            if self._tell(event, checkpoint / event.get("folder", "")):
                self.tell_audits()
                standing = self.state.contenders[event["contender"]]
                if standing.status not in ("running", "waiting"):
                    self.end(event["contender"], standing.status, standing.reason)

    def tell_ends(self) -> None:
        """Record the ends that an earlier driver saw and did not live to write down."""
        for name, standing in self.state.contenders.items():
            if standing.ended and not standing.told:
                self.end(name, standing.status, standing.reason)

    def tell_audits(self) -> None:
        """Record who goes on although it would have been pruned, as soon as the report that decided it is recorded."""
        for name, audit in list(self.audits.items()):
            tick = self.state.contenders[name].tick
            if tick and tick["spent"] >= audit["at"]:
                self._tell({"kind": "audited", "contender": name} | self.audits.pop(name))

    def clone(self, event: Event) -> None:
        """Record that a slot of a population goes on as a copy of another, before it does."""
        self._tell({"kind": "cloned"} | event)

    def close_round(self, mark: int) -> None:
        """Record that a population was compared at this mark, and that all its copies are recorded."""
        self._tell({"kind": "round", "round": mark})

    def crowded(self, name: str, told: Event) -> None:
        """Record that memory did not suffice, and with how many replicas at once its trial goes on."""
        if self.state.contenders[name].ended:
            return
        self._tell({"kind": "crowded", "contender": name} | told)

    def lost(self, name: str) -> None:
        """Record that a worker was lost, and where its contender goes on."""
        if self.state.contenders[name].ended:
            return  # it had told everything; others of its pack may go on
        tick = self.state.contenders[name].tick
        onward = f"goes on from step {tick['step']:,}" if tick else "starts again"
        self._tell({"kind": "lost", "contender": name, "reason": f"its worker was lost; {onward}"})

    def end(self, name: str, status: str, reason: str | None) -> None:
        """Record the end of a contender, with the summary over its replicas."""
        tick = self.state.contenders[name].tick
        end = {"kind": "end", "contender": name, "status": status, "reason": reason}
        self._tell(end | {"summary": summary_of(tick), "tick": tick})

    def left_by_ray(self, name: str, error: str | None, *, interrupted: bool = False) -> None:
        """Ray is done with this trial: if the trial itself had not ended, say who ended it."""
        if self.state.contenders[name].ended:
            return
        if error is not None:
            self.end(name, "failed", error)
        elif name in self.pruned:
            self.end(name, "pruned", self.pruned[name])
        elif interrupted:
            self.end(name, "interrupted", "interrupted before its end")
        elif self.deadline.passed and self.state.contenders[name].tick:
            self.end(name, "interrupted", self.deadline.reason)

    def close(self, *, interrupted: bool) -> None:
        """Close the attempt."""
        status = "interrupted" if interrupted else "finished"
        counts = self.state.counts()
        reason = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        self._tell({"kind": "close", "status": status, "reason": reason}, self.recorder.folder)

    def _tell(self, event: Event, files: Path | None = None) -> bool:
        new = self.recorder.append(event, files)
        if new and self.announce:
            self.announce(event, self.state)
        return new


def summary_of(tick: Event | None) -> dict[str, float]:
    """Return the summary over replicas of the final scores that all of those have that were scored finally."""
    finals = [replica["final"]["scores"] for replica in tick["replicas"] if replica["final"]] if tick else []
    numbers = {}
    for key in finals[0] if finals else ():
        if all(key in final for final in finals):
            score = summary([ScoreRecord(**final[key]) for final in finals])
            numbers[f"{key}_mean"] = score.value
            numbers |= {f"{key}_{end}": value for end in ("low", "high") if (value := getattr(score, end)) is not None}
    return numbers
