"""The journal of one attempt: an append-only file of what happened, and the state that it adds up to."""

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.errors import WorkError

Event = dict[str, Any]

WORST_FIRST = ("failed", "interrupted", "running", "pruned", "stopped", "finished")
"""A contender's status is the worst of its replicas'."""


@dataclass
class Standing:
    """How one contender stands: its last tick, whether it has ended, and why."""

    status: str = "waiting"
    reason: str | None = None
    tick: Event | None = None
    curve: list[float | None] = field(default_factory=list)
    told: bool = False
    """Has its end been written down?"""
    audited: Event | None = None
    """Since when it goes on although the scheduler would have pruned it, with which probability, and why."""
    together: int | None = None
    """With how many replicas at once its trial goes on, where memory did not suffice for all."""
    cloned: Event | None = None
    """Whose copy it has become in a population, and under which numbers."""

    @property
    def ended(self) -> bool:
        """Is there nothing left to do?"""
        return self.status in ("finished", "stopped", "pruned", "failed")

    @property
    def ticks(self) -> int:
        """How often it was looked at."""
        return len(self.curve)


@dataclass
class State:
    """What a journal adds up to."""

    attempt: Event | None = None
    contenders: dict[str, Standing] = field(default_factory=dict)
    ticks: list[Event] = field(default_factory=list)
    draws: int = 0
    """How many contenders the sampler has not drawn yet."""
    rounds: int = 0
    """The last mark at which a population was compared."""
    over: Event | None = None
    """Why the search ended before all of its contenders: its seconds were over."""
    closed: bool = False

    @classmethod
    def read(cls, path: Path) -> "State":
        """Return what the journal at `path` adds up to."""
        return cls.replayed(path)[0]

    @classmethod
    def replayed(cls, path: Path) -> tuple["State", int]:
        """Return what the journal adds up to, and the offset behind its last complete event."""
        state, kept = cls(), 0
        for event, end in events(path):
            try:
                state.apply(event)
            except (KeyError, TypeError):
                raise damaged(path, kept) from None
            kept = end
        return state, kept

    @property
    def left(self) -> list[str]:
        """The contenders that are still to be trained: none of the search's own, once its time is over."""
        open_ = [name for name, standing in self.contenders.items() if not standing.ended]
        return [name for name in open_ if name in self.confirms] if self.over else open_

    @property
    def undrawn(self) -> int:
        """How many contenders the sampler has still to draw: none, once the search's time is over."""
        return 0 if self.over else self.draws

    @property
    def expected(self) -> int:
        """How many contenders there will be, with those that are still to be drawn."""
        return len(self.contenders) + self.undrawn

    @property
    def configurations(self) -> dict[str, Event]:
        """What each contender is made of."""
        return self.attempt["contenders"] if self.attempt else {}

    @property
    def confirms(self) -> dict[str, str]:
        """From each contender that is trained on new seeds to the one that it repeats."""
        return self.attempt["confirming"]["confirms"] if self.attempt and "confirming" in self.attempt else {}

    @property
    def searched(self) -> bool:
        """Is the search itself over, whatever is still to be confirmed?"""
        return not self.undrawn and not set(self.left) - set(self.confirms)

    @property
    def unconfirmed(self) -> bool:
        """Is it still to be chosen who is trained again on new seeds?"""
        attempt = self.attempt or {}
        return attempt.get("confirm", False) and "confirming" not in attempt

    @property
    def done(self) -> bool:
        """Is there nothing left to draw, to train nor to confirm?"""
        return self.searched and not self.left and not self.unconfirmed

    @property
    def complete(self) -> bool:
        """Is there nothing left to do, nor to write down?"""
        ended = (standing for standing in self.contenders.values() if standing.ended)
        return self.closed and self.done and all(standing.told for standing in ended)

    def accepts(self, event: Event) -> bool:
        """Is this event new? A tick that a resumed trial reports again has the same numbers and is dropped."""
        if event["kind"] == "drawn":
            return event["contender"] not in self.contenders
        if event["kind"] == "confirming":
            return self.unconfirmed
        if event["kind"] == "audited":
            return self.contenders[event["contender"]].audited is None
        if event["kind"] == "cloned":
            cloned = self.contenders[event["contender"]].cloned
            return cloned is None or event["step"] > cloned["step"]
        if event["kind"] not in ("tick", "final"):
            return True
        tick = self.contenders[event["contender"]].tick
        if event["kind"] == "final":
            scored = {replica["seed"] for replica in tick["replicas"] if replica["final"]} if tick else set()
            return not set(event["seeds"]) <= scored
        return tick is None or event["step"] > tick["step"]

    def apply(self, event: Event) -> None:
        """Take one event in."""
        match event["kind"]:
            case "attempt":
                self.attempt = event | {"contenders": dict(event["contenders"])}
                self.contenders = {name: Standing() for name in event["contenders"]}
                self.draws = event.get("draws", 0)
            case "drawn":
                assert self.attempt  # noqa: S101  (the first event of every journal)
                self.attempt["contenders"][event["contender"]] = event["configuration"]
                self.contenders[event["contender"]] = Standing()
                self.draws -= 1
                self.closed = False
            case "confirming":
                assert self.attempt  # noqa: S101  (the first event of every journal)
                self.attempt["contenders"] |= event["contenders"]
                self.attempt["confirming"] = event
                self.contenders |= {name: Standing() for name in event["contenders"]}
                self.closed = False
            case "tick":
                standing = self.contenders[event["contender"]]
                standing.tick = event
                standing.curve.append(event["objective"])
                standing.status, standing.reason = worst(event["replicas"])
                self.ticks.append(event)
                self.closed = False
            case "final":
                standing = self.contenders[event["contender"]]
                standing.tick = event
                standing.status, standing.reason = worst(event["replicas"])
            case "lost":
                standing = self.contenders[event["contender"]]
                standing.status, standing.reason = "waiting", event["reason"]
            case "crowded":
                self.contenders[event["contender"]].together = event["together"]
            case "audited":
                self.contenders[event["contender"]].audited = event
            case "cloned":
                self.contenders[event["contender"]].cloned = event
            case "over":
                self.over = event
            case "prolonged":
                self.over, self.closed = None, False
            case "round":
                self.rounds = event["round"]
            case "end":
                standing = self.contenders[event["contender"]]
                standing.status, standing.reason, standing.told = event["status"], event["reason"], True
            case "close":
                self.closed = True

    def counts(self) -> dict[str, int]:
        """Return how many contenders of the search have each status; those that confirm them are not counted again."""
        statuses = [standing.status for name, standing in self.contenders.items() if name not in self.confirms]
        return {status: statuses.count(status) for status in ("finished", "stopped", "pruned", "failed", "interrupted")}


Announce = Callable[[Event, State], None]
"""Called after every event, with what it added up to."""


class Journal:
    """An append-only file, one JSON event a line; a line cut short by a crash is dropped when it is opened again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state, kept = State.replayed(path)
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._file.truncate(kept)

    def append(self, event: Event) -> bool:
        """Write `event` durably, unless it was told already; say whether it was new."""
        with self._lock:
            if not self.state.accepts(event):
                return False
            self._file.write(json.dumps(event, allow_nan=False).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self.state.apply(event)
            return True

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def events(path: Path, offset: int = 0) -> Iterator[tuple[Event, int]]:
    """Yield the complete events from byte `offset` on, each with the offset behind it; a torn last line is left out."""
    began = offset
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            if (event := _event(line, first=offset == 0)) is None:
                if began:
                    deque(events(path), maxlen=0)  # what was put in before moves all behind it: that is told instead
                raise damaged(path, offset)
            offset += len(line)
            yield event, offset


def _event(line: bytes, *, first: bool) -> Event | None:
    """Return what a line says that happened, or None where it says no such thing; a journal begins with its attempt."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    known = isinstance(value, dict) and "kind" in value and (not first or value["kind"] == "attempt")
    return value if known else None


def damaged(path: Path, offset: int) -> WorkError:
    """Return what is said of a journal that somebody else has written in."""
    return WorkError(f"{path}: the line at byte {offset} is damaged; restore the file, or use --again")


def worst(replicas: list[Event]) -> tuple[str, str | None]:
    """Return the worst status among replicas, with the first reason given for it."""
    status = min((replica["status"] for replica in replicas), key=WORST_FIRST.index)
    reasons = [replica["reason"] for replica in replicas if replica["status"] == status and replica["reason"]]
    return status, reasons[0] if reasons else None
