"""The seconds that a whole search may take, counted over all of its launches."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.config.models import Experiment, SearchExperiment
from orchestrator.recording.journal import Event, State


@dataclass(frozen=True)
class Deadline:
    """When the seconds of a search are over; a search without a limit has all the time."""

    seconds: float
    at: float

    @classmethod
    def of(cls, experiment: Experiment, state: State, launch: float) -> "Deadline":
        """Return the deadline of this launch: what earlier ones have used is gone."""
        seconds = seconds_of(experiment)
        return cls(seconds, launch + seconds - used(state.ticks))

    @property
    def passed(self) -> bool:
        """Is the time over?"""
        return time.time() >= self.at

    @property
    def reason(self) -> str:
        """What is said of whom it ends."""
        return f"the search's {self.seconds:g} seconds were over"


def seconds_of(experiment: Experiment) -> float:
    """Return the seconds that this search may take."""
    seconds = experiment.search.seconds if isinstance(experiment, SearchExperiment) else None
    return math.inf if seconds is None else seconds


def used(ticks: Iterable[Event]) -> float:
    """Return the seconds from the start of each launch to its last tick; what was lost after it was nobody's."""
    last: dict[float, float] = {}
    for tick in ticks:
        last[tick["launch"]] = max(tick["time"], last.get(tick["launch"], 0.0))
    return sum(end - launch for launch, end in last.items())


def prolonged(experiment: Experiment, state: State) -> bool:
    """Did the time run out on a search that is now given more?"""
    return state.over is not None and seconds_of(experiment) > state.over["seconds"]
