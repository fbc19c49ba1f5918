"""The tables of a database file that MLflow has made on this machine: read, and written where much is told at once.

Importing MLflow and asking its client takes several times as long as all the rest of a leaderboard; and of all that
recording a search costs, half was what MLflow takes to write its numbers.
"""

import json
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import Literal, TypeVar

from orchestrator.errors import WorkError
from orchestrator.home import Home
from orchestrator.recording.runs import Point, Run, Tagged, unreadable

SCHEME = "sqlite:///"
REVISIONS = ("dc11669786a5",)
"""The layouts of MLflow's tables that are read and written here: `alembic_version` as MLflow 3.17 writes it."""
NO_DATABASE = sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN
"""How SQLite calls a file that it can make nothing of, unlike one that is locked for a while."""
PATIENCE_SECONDS = 20.0
"""How long MLflow itself waits for another process to finish what it writes."""

ACTIVE = "runs.lifecycle_stage = 'active' AND experiments.lifecycle_stage = 'active'"
NAMED = "experiments.name IN (SELECT value FROM json_each(?))"
TAGGED = "EXISTS (SELECT 1 FROM tags WHERE tags.run_uuid = runs.run_uuid AND key = ? AND value = ?)"
UNTAGGED = "NOT EXISTS (SELECT 1 FROM tags WHERE tags.run_uuid = runs.run_uuid AND key = ?)"
CHOSEN = "FROM runs JOIN experiments USING (experiment_id) WHERE "
RUNS = "SELECT run_uuid, experiments.name, runs.name, status, artifact_uri {chosen} ORDER BY start_time DESC, run_uuid"
PAIRS = "SELECT run_uuid, key, value FROM {table} WHERE run_uuid IN (SELECT run_uuid {chosen})"
NUMBERS = "SELECT run_uuid, key, value, is_nan FROM latest_metrics WHERE run_uuid IN (SELECT run_uuid {chosen})"
SERIES = """
SELECT run_uuid, key, step, value, is_nan FROM metrics
WHERE run_uuid IN (SELECT value FROM json_each(?)) AND key IN (SELECT value FROM json_each(?))
ORDER BY timestamp, step, value
"""
LIVING = """
SELECT COUNT(*) FROM runs WHERE lifecycle_stage = 'active' AND run_uuid IN (SELECT value FROM json_each(?))
"""
WORDS = "(run_uuid, key, value) VALUES (?, ?, ?)"
PARAMS = f"INSERT OR IGNORE INTO params {WORDS}"
TAGS = f"INSERT INTO tags {WORDS} ON CONFLICT (run_uuid, key) DO UPDATE SET value = excluded.value"
COLUMNS = "(run_uuid, key, value, is_nan, timestamp, step) VALUES (?, ?, ?, ?, ?, ?)"
POINTS = f"INSERT OR IGNORE INTO metrics {COLUMNS}"
LATEST = f"""
INSERT INTO latest_metrics {COLUMNS}
ON CONFLICT (run_uuid, key) DO UPDATE SET
  value = excluded.value, is_nan = excluded.is_nan, timestamp = excluded.timestamp, step = excluded.step
WHERE (excluded.step, excluded.timestamp, excluded.value) > (step, timestamp, value)
"""
FARTHEST = sys.float_info.max
"""What MLflow writes for an infinite number."""

Worded = tuple[str, str, str]
"""Run, key and value."""
Stamped = tuple[str, str, float, int, int]
"""Run, key, value, time in milliseconds and step."""
Value = TypeVar("Value")


@dataclass(frozen=True)
class Database:
    """A database file whose tables are known."""

    home: Home
    path: Path

    @classmethod
    def of(cls, home: Home) -> "Database | None":
        """Return the database of a home, or None where its store is something else, or not as it is known here."""
        path = path_of(home)
        if path is None:
            return None
        database = cls(home, path)
        try:
            with connected(path) as store:
                known = [revision for (revision,) in store.execute("SELECT version_num FROM alembic_version")]
                shared = store.execute("SELECT 1 FROM experiments WHERE workspace <> 'default'").fetchone()
        except sqlite3.Error:  # it is missing, broken, or half written: MLflow knows what to do or say
            return None
        return database if len(known) == 1 and known[0] in REVISIONS and not shared else None

    def runs(self, names: Sequence[str] = (), tagged: Tagged = ()) -> list[Run]:
        """Return the runs of the named experiments, or of all, that are tagged like this; the latest come first."""
        conditions = [ACTIVE] + [NAMED] * bool(names)
        values = [json.dumps(names)] * bool(names)
        for key, value in tagged:
            conditions.append(UNTAGGED if value is None else TAGGED)
            values += [key] if value is None else [key, value]
        return self._runs(" AND ".join(conditions), values)

    def run(self, run_id: str) -> Run | None:
        """Return one run, also a deleted one, or None where there is no such run."""
        return next(iter(self._runs("run_uuid = ?", [run_id])), None)

    def points(self, run_ids: Sequence[str], keys: Iterable[str]) -> Iterator[Point]:
        """Yield the series of many runs; what was told of a step last comes last."""
        with self._reading() as store:
            found = store.execute(SERIES, [json.dumps(run_ids), json.dumps(list(keys))]).fetchall()
        for run_id, key, step, value, is_nan in found:
            yield run_id, key, step, nan if is_nan else value

    def write(
        self, run_ids: Collection[str], *, params: Iterable[Worded], points: Iterable[Stamped], tags: Iterable[Worded]
    ) -> None:
        """Write what is told of runs as MLflow does, but all or nothing, and of a run that was deleted nothing at all.

        Points that are told twice are there once, a series' latest is that of its last step, and of a tag the last
        value counts; a param that is there already stays, which MLflow would refuse.
        """
        rows = [(run_id, key, *_value(value), at, step) for run_id, key, value, at, step in points]
        with connected(self.path, "rw") as store:
            store.execute("BEGIN IMMEDIATE")
            _require_active(store, run_ids)
            store.executemany(PARAMS, params)
            store.executemany(POINTS, rows)
            store.executemany(LATEST, rows)
            store.executemany(TAGS, tags)
            store.execute("COMMIT")

    def _runs(self, condition: str, values: Sequence[str]) -> list[Run]:
        chosen = CHOSEN + condition
        with self._reading() as store:
            runs = store.execute(RUNS.format(chosen=chosen), values).fetchall()
            tags = store.execute(PAIRS.format(table="tags", chosen=chosen), values).fetchall()
            params = store.execute(PAIRS.format(table="params", chosen=chosen), values).fetchall()
            numbers = store.execute(NUMBERS.format(chosen=chosen), values).fetchall()
        tags_of, params_of = _by_run(tags), _by_run(params)
        metrics_of = _by_run((run_id, key, nan if is_nan else value) for run_id, key, value, is_nan in numbers)
        return [
            Run(
                run_id=run_id,
                experiment=experiment,
                name=name or tags_of[run_id].get("mlflow.runName", ""),
                status=status,
                artifact_uri=artifact_uri,
                params=params_of[run_id],
                tags=tags_of[run_id],
                metrics=metrics_of[run_id],
            )
            for run_id, experiment, name, status, artifact_uri in runs
        ]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the store still for some queries, so that they tell of one moment; whoever writes waits that long."""
        try:
            with connected(self.path) as store:
                store.execute("BEGIN")
                yield store
        except sqlite3.Error as error:
            raise unreadable(self.home, error) from None


@contextmanager
def connected(path: Path, mode: Literal["ro", "rw"] = "ro") -> Iterator[sqlite3.Connection]:
    """Open a database file that is there, and close it again."""
    uri = f"{path.as_uri()}?mode={mode}"
    with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)) as store:
        yield store


def path_of(home: Home) -> Path | None:
    """Return where the database file of a home lies, or should; None where its store is something else."""
    if not home.tracking_uri.startswith(SCHEME) or "?" in home.tracking_uri:
        return None
    return Path(home.tracking_uri.removeprefix(SCHEME)).absolute()


def refuse_another(home: Home) -> None:
    """Refuse what lies in the place of a database file: MLflow would try for minutes to open it.

    SQLite itself has to look: to open and close the file would undo the locks that this process holds on it.
    """
    path = path_of(home)
    if path is None or not path.exists():
        return
    if not path.is_file():
        raise unreadable(home, IsADirectoryError(f"{path.name} is not a file"))
    try:
        with connected(path) as store:
            store.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        if error.sqlite_errorcode in NO_DATABASE:
            raise unreadable(home, ValueError(f"{path.name} is no SQLite database that can be opened")) from None


def _require_active(store: sqlite3.Connection, run_ids: Collection[str]) -> None:
    (active,) = store.execute(LIVING, [json.dumps(list(run_ids))]).fetchone()
    if active < len(run_ids):
        raise WorkError(f"{len(run_ids) - active} of the runs that are recorded were deleted; they are begun anew")


def _value(number: float) -> tuple[float, bool]:
    """Return what the table holds of a number, and whether it was none."""
    return (0.0, True) if isnan(number) else (max(-FARTHEST, min(float(number), FARTHEST)), False)


def _by_run(rows: Iterable[tuple[str, str, Value]]) -> Mapping[str, dict[str, Value]]:
    found: dict[str, dict[str, Value]] = defaultdict(dict)
    for run_id, key, value in rows:
        found[run_id][key] = value
    return found
