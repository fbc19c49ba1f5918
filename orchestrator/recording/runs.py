"""What a recorded run is to whoever reads it, and what gives runs, whatever store it stands before."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.errors import WorkError
from orchestrator.home import Home

Tagged = Sequence[tuple[str, str | None]]
"""Tags that a run must have, each with its value; with None it must not have the tag."""
Point = tuple[str, str, int, float]
"""Run, key, step and value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run as MLflow holds it: of each metric the latest value."""

    run_id: str
    experiment: str
    name: str
    status: str
    artifact_uri: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


class Source(Protocol):
    """Gives the runs of one store; one that was deleted only to whoever has its id."""

    def runs(self, names: Sequence[str] = (), tagged: Tagged = ()) -> list[Run]:
        """Return the runs of the named experiments, or of all, that are tagged like this; the latest come first."""

    def run(self, run_id: str) -> Run | None:
        """Return one run, also a deleted one, or None where there is no such run."""

    def points(self, run_ids: Sequence[str], keys: Iterable[str]) -> Iterator[Point]:
        """Yield the series of many runs; what was told of a step last comes last."""


def unreadable(home: Home, error: Exception) -> WorkError:
    """Return in one sentence that a store cannot be used, and why."""
    told = " ".join(str(error).split()).partition(" [SQL:")[0].partition(" (Background on")[0][:200]
    where = "at MLFLOW_TRACKING_URI" if os.environ.get("MLFLOW_TRACKING_URI") else f"in {home.path}"
    return WorkError(f"MLflow's store {where} cannot be used ({told}); mend it, or choose another home")
