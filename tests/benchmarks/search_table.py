"""Learning curves of 128 contenders, each trained once to its end: `python -m tests.benchmarks.search_table`.

What samplers and schedulers would have done is replayed from this table (`search_replay`), so that comparing them takes
seconds and not days. Goes on where it was interrupted; `--seconds` ends it after the contender at work.
"""

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.config import SearchExperiment, load
from orchestrator.space import Contender, contenders
from orchestrator.trial import Brief, pursue

HERE = Path(__file__).parent
SPACE = HERE / "search_table.yaml"
TABLE = HERE / "results" / "search_table.csv"
COLUMNS = ("contender", "spent", "seconds", "objective", "final")


@dataclass(frozen=True, kw_only=True)
class Curve:
    """How one contender learned: its objective and its training seconds at every tick, and its final score."""

    contender: Contender
    spent: tuple[int, ...]
    seconds: tuple[float, ...]
    objective: tuple[float | None, ...]
    final: float | None


@cache
def experiment() -> SearchExperiment:
    """The space, the budget and the judge of the table."""
    read = load(SPACE)
    assert isinstance(read, SearchExperiment)
    return read


def curves() -> list[Curve]:
    """The recorded table."""
    rows: dict[str, list[dict[str, str]]] = {}
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["contender"], []).append(row)
    return [_curve(contender, rows[contender.name]) for contender in contenders(experiment())]


def _curve(contender: Contender, rows: list[dict[str, str]]) -> Curve:
    return Curve(
        contender=contender,
        spent=tuple(int(row["spent"]) for row in rows),
        seconds=tuple(float(row["seconds"]) for row in rows),
        objective=tuple(_number(row["objective"]) for row in rows),
        final=_number(rows[-1]["final"]),
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def trained(contender: Contender) -> Iterator[dict[str, Any]]:
    """Train one contender as a search does, without Ray; a row for each tick."""
    asked = experiment()
    brief = Brief(
        evaluation=asked.evaluation,
        budget=asked.budget,
        seeds=asked.seeds,
        stop=asked.stop,
        objective=asked.objective,
        cache=None,
    )
    events: list[dict[str, Any]] = []
    pursue(contender, brief, lambda event, _: events.append(event))
    for event in events:
        final = event["replicas"][0]["final"]
        yield {
            "contender": contender.name,
            "spent": event["spent"],
            "seconds": f"{event['busy']:.3f}",
            "objective": _short(event["objective"]),
            "final": _short(next(iter(final["scores"].values()))["value"]) if final else "",
        }


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def main() -> None:
    """Train what the table does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so long; the next call goes on")
    deadline = time.monotonic() + parser.parse_args().seconds
    known = set()
    if TABLE.exists():
        known = {row["contender"] for row in csv.DictReader(TABLE.read_text().splitlines())}
    everyone = contenders(experiment())
    with TABLE.open("a", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if not known:
            table.writeheader()
        for contender in everyone:
            if contender.name in known:
                continue
            if time.monotonic() > deadline:
                break
            table.writerows(list(trained(contender)))  # all of its rows or none
            file.flush()
            known.add(contender.name)
    print(f"{len(known)} of {len(everyone)} contenders in {TABLE}")


if __name__ == "__main__":
    main()
