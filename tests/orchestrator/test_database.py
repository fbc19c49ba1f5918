"""What is written into a database's own tables: just what MLflow would have written, all of it or nothing."""

import shutil
import sqlite3
import subprocess
import sys
from math import inf, nan
from pathlib import Path

import pytest
from mlflow.entities import Metric

from orchestrator.errors import WorkError
from orchestrator.home import Home
from orchestrator.recording.batch import Batch
from orchestrator.recording.client import client
from orchestrator.recording.database import Database
from orchestrator.recording.writing import Writer
from tests.benchmarks.synthetic_store import Synthetic

TABLES = ("params", "metrics", "latest_metrics", "tags")
A, B = "a" * 32, "b" * 32
TOLD = [
    (A, {"params": {"batch": "8", "long": "x" * 7000}, "tags": {"described": "yes", "said": 'it\'s "so"\n☂'}}),
    (A, {"metrics": [Metric("fd", 2.0, 3, 1), Metric("fd", 1.0, 4, 2), Metric("count", 3, 4, 2)]}),
    (B, {"metrics": [Metric("fd", 5.0, 4, 2)], "tags": {"status": "running"}}),
    (A, {"metrics": [Metric("odd", each, 4, step) for step, each in enumerate((nan, inf, -inf, 1e-320))]}),
    (A, {"params": {"batch": "8"}, "metrics": [Metric("fd", 1.0, 4, 2)], "tags": {"described": "yes"}}),  # again
    (B, {"metrics": [Metric("fd", 6.0, 5, 2)], "tags": {"status": "finished", "empty": ""}}),
    (A, {"metrics": [Metric("fd", 0.5, 4, 2)]}),  # of the same step and time, but less
    (A, {"metrics": [Metric("fd", 9.0, 9, 1)]}),  # of an earlier step, told later
]
"""Of two runs, in this order."""


def rows(home: Home, table: str, *, leaving: str = "") -> list[str]:
    with sqlite3.connect(home.path / "mlflow.db") as store:
        store.row_factory = sqlite3.Row
        found = [dict(row) for row in store.execute(f"SELECT * FROM {table}")]  # noqa: S608
    kept = [{key: row[key] for key in sorted(row) if key != leaving} for row in found]
    return sorted(repr(row) for row in kept if row["key"] != "mlflow.parentRunId")


def begun(path: Path, empty_store: Path) -> Home:
    """Make a home with two runs."""
    home = Home(path)
    home.path.mkdir()
    shutil.copy(empty_store, home.path / "mlflow.db")
    statement = "INSERT INTO runs (run_uuid, status, lifecycle_stage, experiment_id) VALUES (?, 'RUNNING', 'active', 0)"
    with sqlite3.connect(home.path / "mlflow.db") as store:
        store.executemany(statement, [(A,), (B,)])
    return home


@pytest.mark.parametrize("at_once", [1, 3, len(TOLD)])
def test_the_tables_hold_what_mlflow_would_have_written(tmp_path, empty_store, at_once):
    ours, theirs = (begun(tmp_path / name, empty_store) for name in ("ours", "theirs"))
    tables = Database.of(ours)
    assert tables
    for home, batch in ((ours, Batch(client(ours), tables)), (theirs, Batch(client(theirs)))):
        for start in range(0, len(TOLD), at_once):
            for run_id, told in TOLD[start : start + at_once]:
                batch.add(run_id, **told)
            batch.send()
        assert len(rows(home, "metrics")) == 11
    for table in TABLES:
        assert rows(ours, table) == rows(theirs, table), table


def test_a_search_leaves_the_same_records_by_both_ways(tmp_path, empty_store, monkeypatch):
    homes = [begun(tmp_path / name, empty_store) for name in ("ours", "theirs")]
    assert Database.of(homes[0])
    story = list(Synthetic(contenders=2, replicas=2, ticks=3).events())
    for home in homes:
        Writer(home, story[0]).apply((event, home.path / "nothing") for event in story)
        monkeypatch.setattr(Database, "of", lambda _: None)
    for table in TABLES:
        ours, theirs = (rows(home, table, leaving="run_uuid") for home in homes)
        assert ours == theirs, table


@pytest.mark.parametrize("gone", ["never was", B])
def test_of_a_run_that_is_gone_nothing_is_written_nor_of_those_beside_it(tmp_path, empty_store, gone):
    home = begun(tmp_path / "home", empty_store)
    client(home).delete_run(B)
    batch = Batch(client(home), Database.of(home))
    batch.add(A, params={"batch": "8"}, metrics=[Metric("fd", 1.0, 1, 1)], tags={"described": "yes"})
    batch.add(gone, metrics=[Metric("fd", 1.0, 1, 1)])
    with pytest.raises(WorkError, match="1 of the runs that are recorded were deleted"):
        batch.send()
    assert not any(rows(home, table) for table in TABLES)


def test_a_param_that_is_there_stays_as_it_is(tmp_path, empty_store):
    home = begun(tmp_path / "home", empty_store)
    batch = Batch(client(home), Database.of(home))
    for value in ("8", "9"):
        batch.add(A, params={"batch": value})
        batch.send()
    (row,) = rows(home, "params")
    assert "'value': '8'" in row


def test_whoever_has_nothing_to_write_waits_for_nobody(tmp_path, empty_store):
    home = begun(tmp_path / "home", empty_store)
    batch = Batch(client(home), Database.of(home))
    with sqlite3.connect(home.path / "mlflow.db", isolation_level=None) as held:
        held.execute("BEGIN EXCLUSIVE")
        batch.send()
        held.execute("ROLLBACK")


OTHER = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0).execute("BEGIN IMMEDIATE")
"""


def test_to_look_whether_a_database_is_one_leaves_the_locks_that_this_process_holds_on_it(tmp_path, empty_store):
    home = begun(tmp_path / "home", empty_store)
    file = str(home.path / "mlflow.db")
    with sqlite3.connect(file, isolation_level=None) as held:
        held.execute("BEGIN IMMEDIATE")
        client(home)  # which, if it opened and closed the file by itself, would give all of them back
        other = subprocess.run([sys.executable, "-c", OTHER, file], capture_output=True, text=True)
        held.execute("ROLLBACK")
    assert "database is locked" in other.stderr
