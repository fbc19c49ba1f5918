"""Where records are read from: a database's own tables tell what MLflow tells, of one moment, and without a trace."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Metric, Param, RunTag

from orchestrator.errors import WorkError
from orchestrator.home import Home
from orchestrator.recording.artifacts import pin
from orchestrator.recording.client import client
from orchestrator.recording.database import Database
from orchestrator.recording.history import history
from orchestrator.recording.reading import read, read_foreign
from orchestrator.recording.runs import Run, Source
from orchestrator.recording.served import Served
from orchestrator.recording.source import source
from orchestrator.recording.writing import Writer
from tests.benchmarks.synthetic_store import Synthetic

KEYS = ("fd_lenet", "fd_lenet_low", "images", "seconds", "odd", "nothing")


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Home:
    """A home with runs of every kind: ours, those of others, and those that were deleted."""
    home = Home(tmp_path_factory.mktemp("lived-in"))
    shutil.copy(empty_store, home.path / "mlflow.db")
    _tell_a_search(home)
    _leave_what_others_leave(home)
    return home


def _tell_a_search(home: Home) -> None:
    """Of three contenders one has finished and is pinned, one goes on, and one failed before its first tick."""
    search = Synthetic(contenders=3, replicas=2, ticks=2)
    finished, running, failed = search.configurations
    writer = Writer(home, search.beginning())
    told: Any = [search.beginning(), search.tick(running, 1), *(search.tick(finished, tick) for tick in (1, 2))]
    told += [search.end(finished, search.tick(finished, 2))]
    told += [{"kind": "end", "time": 2.0, "contender": failed, "status": "failed", "reason": "no", "tick": None}]
    writer.apply((event, home.path / "nothing") for event in told)
    pin(home, writer.runs[finished, None], pinned=True)


def _leave_what_others_leave(home: Home) -> None:
    store = client(home)
    others, gone = store.create_experiment("of 'others' ☂"), store.create_experiment("gone")
    odd = store.create_run(others, run_name="odd").info.run_id
    series = [(1.0, 3, 1), (nan, 3, 2), (inf, 4, 3), (-inf, 2, 4), (0.1, 4, 5)]
    numbers = [Metric("odd", *point) for point in series] + [Metric(f"last {each[0]}", *each) for each in series]
    long = [Param("long", "x" * 6000), Param("empty", ""), Param("none", "None")]
    store.log_batch(odd, numbers, long, [RunTag("said", 'it\'s "so"\n☂'), RunTag("empty", "")])
    store.create_run(others)
    store.delete_run(store.create_run(others, run_name="deleted").info.run_id)
    store.create_run(gone, run_name="deleted with its experiment")
    store.delete_experiment(gone)


@pytest.fixture
def through_mlflow(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let everything be read through MLflow from now on."""
    return lambda: monkeypatch.setattr(Database, "of", lambda _: None)


def ids(home: Home) -> list[str]:
    with sqlite3.connect(home.path / "mlflow.db") as store:
        return [run for (run,) in store.execute("SELECT run_uuid FROM runs ORDER BY run_uuid")]


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (lambda store: store.runs(), 10),
        (lambda store: store.runs(["synthetic"]), 8),
        (lambda store: store.runs(["synthetic", "of 'others' ☂"]), 10),
        (lambda store: store.runs(["gone"]), 0),
        (lambda store: store.runs(["never was"]), 0),
        (lambda store: store.runs(tagged=[("arena.kind", None)]), 2),
        (lambda store: store.runs(["synthetic"], [("arena.kind", "replica"), ("arena.seed", "1")]), 2),
        (lambda store: store.runs([], [("arena.kind", "contender"), ("arena.pinned", None)]), 2),
    ],
)
def test_the_tables_hold_the_runs_that_mlflow_gives(lived_in, asked: Callable[[Source], list[Run]], count):
    database, served = Database.of(lived_in), Served(lived_in)
    assert list(map(repr, asked(database))) == list(map(repr, asked(served)))
    assert len(asked(database)) == count


def test_the_tables_hold_each_run_that_mlflow_gives_by_its_id(lived_in):
    database, served = Database.of(lived_in), Served(lived_in)
    assert len(ids(lived_in)) == 12
    assert [repr(database.run(each)) for each in ids(lived_in)] == [repr(served.run(each)) for each in ids(lived_in)]
    assert database.run("never was") is served.run("never was") is None
    assert database.run("../") is served.run("../") is None


def test_the_tables_hold_the_series_that_mlflow_gives(lived_in):
    def series(store: Source) -> dict[Any, str]:
        return {(run, key, step): repr(value) for run, key, step, value in store.points(ids(lived_in), KEYS)}

    told = series(Database.of(lived_in))
    assert told == series(Served(lived_in))
    assert {"1.0", "nan", "0.1", "-1.7976931348623157e+308"} > {
        told[run, key, 4] for run, key, _ in told if key == "odd"
    }


def test_records_and_curves_are_the_same_from_both(lived_in, through_mlflow):
    def everything() -> list[str]:
        found = read(lived_in)
        named = read(lived_in, ["synthetic"])
        return list(map(repr, [*found, *named, *history(lived_in, found), *read_foreign(lived_in)]))

    from_tables = everything()
    through_mlflow()
    assert from_tables == everything()
    assert [(each.status, each.pinned, len(each.replicas)) for each in read(lived_in)] == [
        ("finished", True, 2),
        ("running", False, 2),
        ("failed", False, 0),
    ]


def test_reading_leaves_no_trace(lived_in):
    def state() -> dict[Path, tuple[int, bytes]]:
        return {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in lived_in.path.glob("mlflow*")}

    before = state()
    assert read(lived_in)
    assert state() == before


BEGUN = "INSERT INTO runs (run_uuid, status, lifecycle_stage, experiment_id) VALUES ('a', 'RUNNING', 'active', 0)"


def test_what_somebody_is_about_to_write_is_read_once_it_is_written(home):
    with sqlite3.connect(home.path / "mlflow.db", isolation_level=None) as writing:
        writing.execute("BEGIN IMMEDIATE")
        writing.execute(BEGUN)
        assert source(home).runs() == []
        writing.execute("COMMIT")
        assert [run.run_id for run in source(home).runs()] == ["a"]


WRITER = """
import sqlite3, sys, time
store = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
for turn in range(1, 61):
    store.execute("BEGIN IMMEDIATE")
    store.execute("UPDATE tags SET value = ?", [str(turn)])
    store.execute("UPDATE latest_metrics SET value = ?", [turn])
    store.execute("COMMIT")
    time.sleep(0.005)
"""


def test_while_another_process_writes_each_reading_tells_of_one_moment(home):
    for statement in (BEGUN, "INSERT INTO tags VALUES ('turn', '0', 'a')"):
        change(home, statement)
    change(home, "INSERT INTO latest_metrics VALUES ('turn', 0, 0, 0, 0, 'a')")
    seen = []
    with subprocess.Popen([sys.executable, "-c", WRITER, str(home.path / "mlflow.db")]) as writer:
        while writer.poll() is None:
            (run,) = source(home).runs()
            seen.append((run.tags["turn"], run.metrics["turn"]))
    assert writer.returncode == 0
    assert len(set(seen)) > 2
    assert all(float(tag) == number for tag, number in seen)


def change(home: Home, statement: str) -> None:
    with sqlite3.connect(home.path / "mlflow.db") as store:
        store.execute(statement)


@pytest.mark.parametrize(
    "happens",
    [
        lambda home: change(home, "UPDATE alembic_version SET version_num = 'of tomorrow'"),
        lambda home: change(home, "DELETE FROM alembic_version"),
        lambda home: change(home, "DROP TABLE alembic_version"),
        lambda home: change(home, "UPDATE experiments SET workspace = 'a team'"),
        lambda home: (home.path / "mlflow.db").write_bytes(b""),
        lambda home: (home.path / "mlflow.db").write_bytes(b"no database at all, but long enough to be one" * 99),
        lambda home: (home.path / "mlflow.db").unlink(),
    ],
)
def test_a_database_that_is_not_as_it_is_known_is_left_to_mlflow(home, happens):
    assert isinstance(source(home), Database)
    happens(home)
    assert Database.of(home) is None


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "postgresql://x/y", "sqlite://", "sqlite:///{db}?mode=rw"])
def test_every_other_store_is_left_to_mlflow(home, monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(db=home.path / "mlflow.db"))
    assert Database.of(home) is None


def _a_folder(file: Path) -> None:
    file.mkdir()


def _noise(file: Path) -> None:
    file.write_bytes(b"no database" * 100)


@pytest.mark.parametrize(("lies", "told"), [(_a_folder, "is not a file"), (_noise, "is no SQLite database that .*")])
def test_what_lies_in_the_place_of_a_database_is_refused_at_once(tmp_path, lies, told):
    lies(tmp_path / "mlflow.db")
    with pytest.raises(WorkError, match=rf"cannot be used \(mlflow.db {told}\); mend it, or choose another home$"):
        source(Home(tmp_path))


def test_a_database_of_which_a_part_is_broken_is_told_in_one_sentence(home):
    change(home, "DROP TABLE latest_metrics")
    with pytest.raises(WorkError, match=r"store in .* cannot be used \(no such table: latest_metrics\); mend it, or"):
        read(home)


LOOK = """
import sys
from orchestrator.cli import main
try:
    main()
finally:
    print(*{"torch", "ray", "mlflow", "pandas", "sqlalchemy"} & {*sys.modules}, file=sys.stderr)
"""


def test_what_is_recorded_is_ranked_without_a_heavy_library(lived_in):
    asked = [sys.executable, "-c", LOOK, "leaderboard", "--home", str(lived_in.path)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
    assert "of 'others' ☂" in done.stdout
