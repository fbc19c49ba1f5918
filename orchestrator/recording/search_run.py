"""The run of a whole search: what was asked, on which machine, and the page about it."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.home import Home
from orchestrator.recording.artifacts import artifact, recorded_run
from orchestrator.recording.files import files
from orchestrator.recording.runs import Run
from orchestrator.recording.source import source

REPORT = "report.html"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a search was asked to do, and where it ran."""

    file: str = ""
    status: str = "unknown"
    reason: str | None = None
    environment: dict[str, str] = field(default_factory=dict)


def asked(home: Home, experiment: str, attempt: int, replica: str | None) -> Asked:
    """Return what is recorded about an attempt as a whole; any `replica` knows the machine."""
    run = _find(home, experiment, attempt)
    if run is None:
        return Asked()
    file = artifact(home, run, "experiment.yaml")
    environment = artifact(home, recorded_run(home, replica), "environment.json") if replica else None
    return Asked(
        file=file.read_text() if file else "",
        status=run.tags.get("arena.status", "unknown"),
        reason=run.tags.get("arena.reason") or None,
        environment=json.loads(environment.read_text()) if environment else {},
    )


def keep_report(home: Home, experiment: str, attempt: int, page: Path) -> None:
    """Keep the page as an artifact of the attempt's search run, where there is one."""
    if run := _find(home, experiment, attempt):
        files(home, run.artifact_uri).keep(page, REPORT)


def _find(home: Home, experiment: str, attempt: int) -> Run | None:
    tagged = [("arena.kind", "search"), ("arena.attempt", str(attempt))]
    return next(iter(source(home).runs([experiment], tagged)), None)
