"""Runs and files out of any store that MLflow knows, asked through its client."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import DatabaseError
from typing import Any

from mlflow import MlflowClient, entities
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.rest_utils import http_request
from mlflow.utils.uri import add_databricks_profile_info_to_artifact_uri
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.home import Home
from orchestrator.recording.client import client, search
from orchestrator.recording.runs import Point, Run, Tagged, unreadable

UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
AT_ONCE = 100
"""Runs that MLflow's server answers for in one request."""
POINTS = 2500
"""Points of one series that MLflow's server gives at most; from a longer one it picks evenly."""
BULK = "/api/2.0/mlflow/metrics/get-history-bulk-interval"


class Served:
    """A store as MLflow's client answers for it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        with _told(home):
            self.client = client(home)

    def runs(self, names: Sequence[str] = (), tagged: Tagged = ()) -> list[Run]:
        """Return the runs of the named experiments, or of all, that are tagged like this; the latest come first."""
        asked = (f"tags.`{key}` IS NULL" if value is None else f"tags.`{key}` = '{value}'" for key, value in tagged)
        with _told(self.home):
            known = _experiments(self.client, names)
            found = search(self.client, list(known), " and ".join(asked)) if known else ()
            return [_run(run, known[run.info.experiment_id]) for run in found]

    def run(self, run_id: str) -> Run | None:
        """Return one run, also a deleted one, or None where there is no such run."""
        with _told(self.home):
            try:
                found = self.client.get_run(run_id)
            except MlflowException as error:
                if error.error_code in UNKNOWN:
                    return None
                raise
            return _run(found, self.client.get_experiment(found.info.experiment_id).name)

    def points(self, run_ids: Sequence[str], keys: Iterable[str]) -> Iterator[Point]:
        """Yield the series of many runs; what was told of a step last comes last."""
        store, keys = self.client._tracking_client.store, list(keys)
        with _told(self.home):
            for start in range(0, len(run_ids), AT_ONCE):
                for key in keys:
                    for run_id, step, value in _series(store, run_ids[start : start + AT_ONCE], key):
                        yield run_id, key, step, value


class Remote:
    """Files that are fetched before they are read, and sent to be kept."""

    def __init__(self, home: Home, uri: str) -> None:
        self.home = home
        with _told(home):
            address = add_databricks_profile_info_to_artifact_uri(uri, home.tracking_uri)
            self.repository = get_artifact_repository(address, tracking_uri=home.tracking_uri)

    def listed(self, folder: str = "") -> list[str]:
        """Return the paths of what lies in a folder."""
        with _told(self.home):
            return [part.path for part in self.repository.list_artifacts(folder or None)]

    def fetched(self, path: str) -> Path:
        """Return a local copy of a file or a folder."""
        with _told(self.home):
            return Path(self.repository.download_artifacts(path))

    def keep(self, source: Path, path: str) -> None:
        """Keep a copy of a file or a folder at this path."""
        if not source.is_dir():
            self.write(source.read_bytes(), path)
            return
        with _told(self.home):
            self.repository.log_artifacts(str(source), path)

    def write(self, content: bytes, path: str) -> None:
        """Keep a file with this content at this path."""
        folder, _, name = path.rpartition("/")
        with tempfile.TemporaryDirectory(prefix="ganarena-") as here, _told(self.home):
            (file := Path(here, name)).write_bytes(content)
            self.repository.log_artifact(str(file), folder or None)


@contextmanager
def _told(home: Home) -> Iterator[None]:
    """Say in one sentence why a store cannot be used."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, DatabaseError) as error:
        raise unreadable(home, error) from None


def _experiments(store: MlflowClient, names: Sequence[str]) -> dict[str, str]:
    """Return the names of the asked experiments, or of all, by their ids in the store."""
    found: dict[str, str] = {}
    token = None
    while True:
        page = store.search_experiments(page_token=token)
        found |= {each.experiment_id: each.name for each in page if not names or each.name in names}
        token = page.token
        if not token:
            return found


def _run(run: entities.Run, experiment: str) -> Run:
    return Run(
        run_id=run.info.run_id,
        experiment=experiment,
        name=run.info.run_name or "",
        status=run.info.status,
        artifact_uri=run.info.artifact_uri,
        params=run.data.params,
        tags=run.data.tags,
        metrics=run.data.metrics,
    )


def _series(store: Any, run_ids: Sequence[str], key: str) -> Iterator[tuple[str, int, float]]:
    """Yield run, step and value of one series of many runs, from a database or from MLflow's server."""
    if hasattr(store, "get_metric_history_bulk"):
        for point in store.get_metric_history_bulk(list(run_ids), key, len(run_ids) * POINTS):
            yield point.run_id, point.step, point.value
        return
    asked = {"run_ids": list(run_ids), "metric_key": key, "max_results": POINTS}
    answer = http_request(store.get_host_creds(), BULK, "GET", params=asked)
    answer.raise_for_status()
    for point in answer.json().get("metrics", ()):
        yield point["run_id"], int(point.get("step", 0)), float(point["value"])
