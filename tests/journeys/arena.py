"""Driving the command line as a person would, in processes of its own."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

RING = """
name: ring
variant: gan
data: {name: ring8}
budget: {steps: 60, tick: 20}
seeds: [0, 1]
evaluation: {samples: 500, metrics: [fd, modes, high_quality]}
space:
  generator_lr: {loguniform: [1e-4, 1e-3]}
  batch: {choice: [32, 64]}
search: {contenders: 4, sampler: random, scheduler: none}
"""


def ganarena(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    """Run `ganarena ARGUMENTS --home HOME` to its end."""
    return subprocess.run(command(*arguments, home=home), capture_output=True, text=True, check=False)


def start(*arguments: object, home: Path) -> "subprocess.Popen[bytes]":
    """Start the command and return at once."""
    with told(home).open("ab") as stderr:
        return subprocess.Popen(
            command(*arguments, home=home), stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
        )


def told(home: Path) -> Path:
    """Where is kept what commands that were started said on stderr."""
    return home.with_name(f"{home.name}.stderr")


def document(done: subprocess.CompletedProcess[str]) -> Any:
    """Return the one JSON document on stdout of a command that succeeded."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def journal(home: Path) -> list[dict[str, Any]]:
    """Return the events of the only experiment of a home."""
    files = list(home.glob("tune/*/attempt-001/journal.jsonl"))
    lines = files[0].read_text().split("\n")[:-1] if files else []
    return [json.loads(line) for line in lines]


def wait_for(process: "subprocess.Popen[bytes]", home: Path, *, ticks: int, timeout: float = 600) -> None:
    """Return once the journal holds so many ticks; a command that does not get there is killed."""
    deadline = time.monotonic() + timeout
    while sum(event["kind"] == "tick" for event in journal(home)) < ticks:
        if process.poll() is None and time.monotonic() > deadline:
            kill(process)
        ended = f"ended with status {process.returncode} before {ticks} ticks"
        assert process.returncode is None, f"{ended}: {told(home).read_text()[-2000:]}"
        time.sleep(0.05)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill -9: nothing is told, nothing can be tidied up."""
    process.kill()
    process.wait()


def final_scores(home: Path) -> dict[tuple[str, int], dict[str, float]]:
    """Return every replica's final scores, as recorded."""
    from orchestrator.home import Home
    from orchestrator.recording.reading import read

    return {
        (record.contender, replica.seed): {key: score.value for key, score in replica.final.items()}
        for record in read(Home.at(home))
        for replica in record.replicas
    }


JUDGED = ("contender", "order", "rank", "status", "reason", "mark", "baseline", "audited", "confirms", "replicas")
JUDGED += ("complete", "scores", "last", "steps", "images", "seconds", "alarms")


def board(records: Iterable[Any]) -> list[Any]:
    """Return the leaderboard of these contenders, with what can be known without a store."""
    from orchestrator.leaderboard import rank

    return [
        (
            group.metric,
            group.protocol,
            group.budget_class,
            [[getattr(row, name) for name in JUDGED] for row in group.rows],
        )
        for group in rank(records)
    ]


def recorded(home: Path, *, metric: str = "modes") -> tuple[Counter[tuple[str, str]], list[int]]:
    """Return how many runs there are of each kind and status, and the steps of each series, to find doubles."""
    from orchestrator.home import Home
    from orchestrator.recording.client import client, search

    store = client(Home.at(home))
    runs = list(search(store, [each.experiment_id for each in store.search_experiments()]))
    kinds = Counter((run.data.tags.get("arena.kind", ""), run.info.status) for run in runs)
    replicas = [run for run in runs if run.data.tags.get("arena.kind") == "replica"]
    series = [tuple(point.step for point in store.get_metric_history(run.info.run_id, metric)) for run in replicas]
    return kinds, series


def command(*arguments: object, home: Path) -> list[str]:
    program = "from orchestrator.cli import main; main()"
    return [sys.executable, "-c", program, *map(str, arguments), "--home", str(home)]
