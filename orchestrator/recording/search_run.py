"""The run of a whole search: what was asked, on which machine, and the page about it."""

import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from mlflow.entities import Run

from orchestrator.home import Home
from orchestrator.recording.artifacts import artifact
from orchestrator.recording.client import client, search

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
    file = artifact(home, run.info.run_id, "experiment.yaml")
    environment = artifact(home, replica, "environment.json") if replica else None
    return Asked(
        file=file.read_text() if file else "",
        status=run.data.tags.get("arena.status", "unknown"),
        reason=run.data.tags.get("arena.reason") or None,
        environment=json.loads(environment.read_text()) if environment else {},
    )


def keep_report(home: Home, experiment: str, attempt: int, page: Path) -> None:
    """Log the page as an artifact of the attempt's search run, where there is one."""
    run = _find(home, experiment, attempt)
    if run is None:
        return
    with tempfile.TemporaryDirectory(prefix="ganarena-") as folder:
        copy = Path(folder) / REPORT
        shutil.copyfile(page, copy)
        client(home).log_artifact(run.info.run_id, str(copy))


def _find(home: Home, experiment: str, attempt: int) -> Run | None:
    store = client(home)
    known = store.get_experiment_by_name(experiment)
    if known is None:
        return None
    query = f"tags.`arena.kind` = 'search' and tags.`arena.attempt` = '{attempt}'"
    return next(search(store, [known.experiment_id], query), None)
