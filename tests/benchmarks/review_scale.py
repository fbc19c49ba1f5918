"""1,000 contenders x 3 replicas x 50 ticks on SQLite and PostgreSQL: `python -m tests.benchmarks.review_scale`.

Eight contenders are told to the recorder's writer and timed, one half report by report, the other as a backlog of 32 at
once; their rows are then multiplied in the database, so that what is read is what MLflow itself wrote.
`--contenders 80 --ticks 5` is a quick try.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, create_engine, text

from tests.benchmarks.metrics_speed import table
from tests.benchmarks.synthetic_store import Synthetic

RESULTS = Path(__file__).with_name("results") / "review_scale.md"
TEMPLATES, REPLICAS = 8, 3
REPEATS = 3
LEADERBOARD = "from orchestrator.cli import main; main()"
KINDS = {
    "runs": "name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, source_version,"
    " lifecycle_stage, artifact_uri, experiment_id, deleted_time",
    "params": "key, value",
    "metrics": "key, value, timestamp, step, is_nan",
    "latest_metrics": "key, value, timestamp, step, is_nan",
}


def record(folder: Path, ticks: int) -> list[str]:
    """Tell a small search to MLflow; return the milliseconds of one report, of one of a backlog, and of an end."""
    from orchestrator.home import Home
    from orchestrator.recording.recorder import AT_ONCE
    from orchestrator.recording.writing import Writer

    events = list(Synthetic(contenders=TEMPLATES, replicas=REPLICAS, ticks=ticks).events())
    writer, nothing = Writer(Home(folder), events[0]), folder / "nothing"

    def seconds(told: Sequence[dict[str, Any]]) -> float:
        began = time.perf_counter()
        writer.apply((event, nothing) for event in told)
        return (time.perf_counter() - began) / len(told)

    first = 1 + TEMPLATES  # the search, and reports that come with a description of their contender
    half = (first + len(events)) // 2
    last = len(events) - TEMPLATES - 1
    seconds(events[:first])
    reports = [seconds([event]) for event in events[first:half]]
    backlog = [seconds(events[start : min(start + AT_ONCE, last)]) for start in range(half, last, AT_ONCE)]
    ends = [seconds([event]) for event in events[last:]]
    return [f"{1000 * middle(each):.0f}" for each in (reports, backlog, ends)]


def multiply(engine: Engine, copies: int) -> None:
    """Let every contender stand there so many times, under other names."""
    with engine.begin() as store:
        runs = store.execute(text("SELECT run_uuid FROM tags WHERE key = 'arena.contender'")).scalars().all()
        tags = [row for row in store.execute(text("SELECT run_uuid, key, value FROM tags")).all() if row[0] in runs]
        store.execute(text("CREATE TABLE copies (old VARCHAR(32), new VARCHAR(32))"))
        told = []
        for copy in range(1, copies):
            known = {run: uuid4().hex for run in runs}
            pairs = [{"old": old, "new": new} for old, new in known.items()]
            store.execute(text("INSERT INTO copies VALUES (:old, :new)"), pairs)
            told += [
                {"run": known[run], "key": key, "value": renamed(key, value, known, copy)} for run, key, value in tags
            ]
        for kind, columns in KINDS.items():
            chosen = f"INSERT INTO {kind} (run_uuid, {columns}) SELECT new, {columns} FROM {kind}"  # noqa: S608
            store.execute(text(f"{chosen} JOIN copies ON run_uuid = old"))
        store.execute(text("INSERT INTO tags (run_uuid, key, value) VALUES (:run, :key, :value)"), told)
        store.execute(text("DROP TABLE copies"))


def renamed(key: str, value: str, known: dict[str, str], copy: int) -> str:
    """Return the tag of a copy: its own name, and its own parent."""
    if key == "mlflow.parentRunId":
        return known[value]
    if key == "arena.contender":
        index, _, digest = value.partition("-")
        return f"{int(index) + copy * TEMPLATES:03d}-{digest}"
    return value


def leaderboard(home: Path) -> float:
    """Return the seconds of `ganarena leaderboard --json`, interpreter and imports included."""
    command = [sys.executable, "-c", LEADERBOARD, "leaderboard", "--json", "--home", str(home)]
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - began)
    return middle(taken)


def middle(values: list[float]) -> float:
    """Return the median, the upper one of two."""
    return sorted(values)[len(values) // 2]


def size(engine: Engine, database: Path) -> int:
    """Return how many bytes the database takes."""
    if database.exists():
        return database.stat().st_size
    with engine.connect() as store:
        return int(store.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def measured(name: str, uri: str, home: Path, *, contenders: int, ticks: int) -> list[str]:
    """Fill one store and return its row of the table."""
    if not uri.startswith("sqlite"):
        os.environ["MLFLOW_TRACKING_URI"] = uri
    try:
        told = record(home, ticks)
        engine = create_engine(uri)
        multiply(engine, contenders // TEMPLATES)
        bytes_ = size(engine, home / "mlflow.db")
        engine.dispose()
        shown = leaderboard(home)
    finally:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    return [name, *told, f"{shown:.2f}", f"{bytes_ / 1e6:.0f}"]


def main() -> None:
    """Fill the stores, measure, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--contenders", type=int, default=1000)
    parser.add_argument("--ticks", type=int, default=50)
    asked = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))
    from services import postgresql, program

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        there = {"SQLite": nullcontext(f"sqlite:///{folder}/sqlite/mlflow.db")}
        if program("postgres"):
            there["PostgreSQL"] = postgresql()
        for name, service in there.items():
            with service as uri:
                home = Path(folder) / name.lower()
                home.mkdir()
                rows.append(measured(name, uri, home, contenders=asked.contenders, ticks=asked.ticks))
    told = f"# {asked.contenders:,} contenders x {REPLICAS} replicas x {asked.ticks} ticks\n\n"
    told += f"`python -m tests.benchmarks.review_scale`; medians, the leaderboard's of {REPEATS} processes.\n\n"
    columns = ["store", "ms a report of 3 replicas", "ms one of a backlog", "ms an end", "s a leaderboard", "MB"]
    told += table(columns, rows)
    if (asked.contenders, asked.ticks) == (1000, 50):
        RESULTS.write_text(told, encoding="utf-8")
    print(told)


if __name__ == "__main__":
    main()
