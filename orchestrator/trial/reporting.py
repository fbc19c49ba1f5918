"""What a trial reports: the tick of a contender, or those of a pack as one."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.space import Contender

if TYPE_CHECKING:
    from orchestrator.watch.ticks import Watch

Report = Callable[[dict[str, Any], Path], None]
"""Takes an event, and the folder with the checkpoint and the pictures that go with it."""

WORST = 1e300
"""What Ray sees where there is no score: it ranks below every score, and is never recorded."""


def seen(objective: float | None, sign: int) -> float:
    """Return an objective as schedulers see it: there is always one, and less is better."""
    return WORST if objective is None else sign * objective


def tick(contender: Contender, watch: "Watch", generator_state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a tick has come to, with all that a reader must know to compare it."""
    # One that diverged has no final score, and puts nobody into a class of its own.
    stopped = any(replica.status == "stopped" and replica.final for replica in watch.replicas)
    return watch.event() | {
        "contender": contender.name,
        "spent": watch.images if "images" in contender.budget else watch.step,
        "time": time.time(),
        "protocol": watch.judge.protocol("final", generator_state),
        "budget_class": budget_class(contender, stopped=stopped),
    }


def budget_class(contender: Contender, *, stopped: bool) -> dict[str, Any]:
    """Return what a score was allowed to cost: unit and amount, training split, and which checkpoint is scored."""
    unit, amount = next((unit, contender.budget[unit]) for unit in ("images", "steps") if unit in contender.budget)
    return {"unit": unit, "amount": amount, "training": "train", "checkpoint": "stopped" if stopped else "final"}


def packed(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the ticks of several contenders as one report."""
    first = events[0]
    return {"kind": "pack", "pack": list(events), "objective": None} | {key: first[key] for key in ("step", "spent")}


def unpacked(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the ticks that a report holds, each with the place where it was made, if that is told."""
    place = {key: event[key] for key in ("placed",) if key in event}
    return [{**each, **place} for each in event.get("pack", [event])]
