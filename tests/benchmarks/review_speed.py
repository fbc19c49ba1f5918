"""A leaderboard of 3,000 runs against plain `mlflow.search_runs`: `python -m tests.benchmarks.review_speed [FOLDER]`.

A small search is told to the recorder, and its rows are multiplied in the database, for MLflow needs minutes to write
so many; what is read is then what MLflow itself wrote. The store is kept in FOLDER and used again.
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from tests.benchmarks.metrics_speed import table
from tests.benchmarks.synthetic_store import Synthetic

RESULTS = Path(__file__).with_name("results") / "review_speed.md"
CONTENDERS, TEMPLATES, REPLICAS = 1000, 8, 3
REPEATS = 5
LEADERBOARD = "from orchestrator.cli import main; main()"
PLAIN = """
import mlflow, sys
mlflow.set_tracking_uri(sys.argv[1])
runs = mlflow.search_runs(search_all_experiments=True, max_results=100_000)
print(len(runs))
"""
PARTS = """
import sys, time
from orchestrator.home import Home
from orchestrator.leaderboard import as_json, rank
from orchestrator.leaderboard.draws import best_by_budget
from orchestrator.review.store import records
marks = [time.perf_counter()]
recorded = records(Home.at(sys.argv[1])); marks.append(time.perf_counter())
groups = rank(recorded); marks.append(time.perf_counter())
as_json(groups), [best_by_budget(group) for group in groups]; marks.append(time.perf_counter())
print(*(after - before for before, after in zip(marks, marks[1:])))
"""


def build(home: Path, copies: int) -> Path:
    """Return a home in which every contender stands so many times, made unless it is there."""
    if not (home / "whole").exists():
        _record(home)
        _multiply(home / "mlflow.db", copies)
        (home / "whole").touch()
    return home


def _record(folder: Path) -> None:
    """Tell a small search to MLflow."""
    from orchestrator.home import Home
    from orchestrator.recording.writing import Writer

    search = Synthetic(contenders=TEMPLATES, replicas=REPLICAS, ticks=1)
    events = list(search.events())
    Writer(Home(folder), events[0]).apply((event, folder / "nothing") for event in events)


def _multiply(database: Path, copies: int) -> None:
    """Let every contender stand there so many times, under other names and with somewhat other scores."""
    with sqlite3.connect(database) as store:
        runs = [run for (run,) in store.execute("SELECT run_uuid FROM tags WHERE key = 'arena.contender'")]
        for copy in range(1, copies):
            known = {run: uuid4().hex for run in runs}
            for kind in ("runs", "params", "tags", "metrics", "latest_metrics"):
                columns = [column for _, column, *_ in store.execute(f"PRAGMA table_info({kind})")]
                for row in store.execute(f"SELECT * FROM {kind}").fetchall():  # noqa: S608
                    values = dict(zip(columns, row, strict=True))
                    if values["run_uuid"] in known:
                        _insert(store, kind, _copied(values, known, copy))


def _copied(values: dict[str, object], known: dict[str, str], copy: int) -> dict[str, object]:
    changed = values | {"run_uuid": known[str(values["run_uuid"])]}
    if values.get("key") == "mlflow.parentRunId":
        changed["value"] = known[str(values["value"])]
    elif values.get("key") == "arena.contender":
        index, _, digest = str(values["value"]).partition("-")
        changed["value"] = f"{int(index) + copy * TEMPLATES:03d}-{digest}"
    elif str(values.get("key", "")).startswith("final/") and isinstance(values["value"], float):
        changed["value"] = values["value"] * (1 + copy / CONTENDERS)
    return changed


def _insert(store: sqlite3.Connection, kind: str, values: dict[str, object]) -> None:
    names, places = ", ".join(values), ", ".join("?" * len(values))
    store.execute(f"INSERT INTO {kind} ({names}) VALUES ({places})", list(values.values()))  # noqa: S608


def seconds(*command: str) -> tuple[float, str]:
    """Return the median of the wall times of a command, and what it printed last."""
    taken, told = [], ""
    for _ in range(REPEATS):
        began = time.perf_counter()
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        taken.append(time.perf_counter() - began)
    return sorted(taken)[REPEATS // 2], told


def main() -> None:
    """Build the store, measure, and write the table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    home, small = build(folder / "home", CONTENDERS // TEMPLATES), build(folder / "small", 1)
    os.environ["OMP_NUM_THREADS"] = "1"
    ours, _ = seconds(sys.executable, "-c", LEADERBOARD, "leaderboard", "--json", "--home", str(home))
    shown, _ = seconds(sys.executable, "-c", LEADERBOARD, "leaderboard", "--home", str(home))
    few, _ = seconds(sys.executable, "-c", LEADERBOARD, "leaderboard", "--home", str(small))
    plain, count = seconds(sys.executable, "-c", PLAIN, f"sqlite:///{home / 'mlflow.db'}")
    imports, _ = seconds(sys.executable, "-c", "import mlflow")
    _, parts = seconds(sys.executable, "-c", PARTS, str(home))
    read, ranked, written = map(float, parts.split())
    rows = [
        ["ganarena leaderboard --json", f"{ours:.2f}", f"{ours / plain:.2f}"],
        ["ganarena leaderboard", f"{shown:.2f}", f"{shown / plain:.2f}"],
        [f"ganarena leaderboard ({TEMPLATES} contenders)", f"{few:.2f}", f"{few / plain:.2f}"],
        [f"mlflow.search_runs ({count.strip()} runs)", f"{plain:.2f}", "1"],
        ["import mlflow alone", f"{imports:.2f}", f"{imports / plain:.2f}"],
        ["of ours: reading", f"{read:.2f}", f"{read / plain:.2f}"],
        ["of ours: ranking", f"{ranked:.2f}", f"{ranked / plain:.2f}"],
        ["of ours: the document", f"{written:.2f}", f"{written / plain:.2f}"],
    ]
    text = "# A leaderboard of 3,000 runs\n\n`python -m tests.benchmarks.review_speed`\n\n"
    text += f"{CONTENDERS:,} contenders of {REPLICAS} replicas on SQLite; median of {REPEATS} processes.\n\n"
    text += table(["what", "seconds", "of search_runs"], rows)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
