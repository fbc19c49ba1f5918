"""Learning curves: what every replica scored at every tick, as tidy rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.home import Home, journal_of
from orchestrator.recording.journal import events
from orchestrator.records import ContenderRecord

COLUMNS = (
    "experiment",
    "attempt",
    "contender",
    "variant",
    "run_id",
    "seed",
    "step",
    "images",
    "seconds",
    "split",
    "metric",
    "value",
    "low",
    "high",
    "floor",
)
"""One row for each replica, tick and metric; `split` is `select` at ticks and `final` at the end."""

Row = Mapping[str, Any]


def of_journal(path: Path, members: Iterable[ContenderRecord]) -> Iterator[Row]:
    """Yield the rows of these contenders of one attempt, from its journal."""
    known = {record.contender: record for record in members}
    run_ids = {(name, replica.seed): replica.run_id for name, record in known.items() for replica in record.replicas}
    told: set[tuple[str, int, int, str]] = set()
    for tick, _ in events(path):
        name = tick.get("contender", "")
        if tick["kind"] not in ("tick", "final") or name not in known:
            continue
        for replica in tick["replicas"]:
            at = {key: replica[key] for key in ("seed", "step", "images", "seconds")}
            # Of a replica that has ended, the ticks of its neighbours tell the last once more.
            for split, scored in (("select", replica), ("final", replica["final"])):
                place = name, at["seed"], at["step"], split
                if scored and place not in told and place[:2] in run_ids:
                    told.add(place)
                    yield from _scored(known[name], run_ids[place[:2]], at, split, scored)


def _scored(record: ContenderRecord, run_id: str, at: Row, split: str, scored: Mapping[str, Any]) -> Iterator[Row]:
    for metric, score in scored["scores"].items():
        floor = scored["floors"].get(metric)
        yield row(record, run_id, at, split=split, metric=metric, score=score, floor=floor)


def row(
    record: ContenderRecord,
    run_id: str,
    at: Row,
    *,
    split: str,
    metric: str,
    score: Mapping[str, float | None],
    floor: float | None,
) -> Row:
    """Return one row, its columns in their order."""
    return {
        "experiment": record.experiment,
        "attempt": record.attempt,
        "contender": record.contender,
        "variant": record.variant,
        "run_id": run_id,
        "seed": at["seed"],
        "step": at["step"],
        "images": at["images"],
        "seconds": at["seconds"],
        "split": split,
        "metric": metric,
        "value": score["value"],
        "low": score["low"],
        "high": score["high"],
        "floor": floor,
    }


def rows_of(home: Home, found: Sequence[ContenderRecord]) -> list[Row]:
    """Return the rows of these contenders: from the journal where this home wrote it, else from MLflow."""
    attempts: dict[tuple[str, int], list[ContenderRecord]] = {}
    for record in found:
        attempts.setdefault((record.experiment, record.attempt), []).append(record)
    told: list[Row] = []
    for (experiment, attempt), members in attempts.items():
        journal = journal_of(home.attempt(experiment, attempt))
        if journal.exists():
            told += of_journal(journal, members)
        else:
            from orchestrator.recording.history import history

            told += history(home, members)
    return told


def histograms(home: Home, experiment: str, attempt: int) -> dict[tuple[str, int], dict[int, list[float]]]:
    """Return of each replica, by contender and seed, the share of each mode at each step; the journal alone has it."""
    found: dict[tuple[str, int], dict[int, list[float]]] = {}
    for tick, _ in events(journal_of(home.attempt(experiment, attempt))):
        for replica in tick["replicas"] if tick["kind"] == "tick" else ():
            if replica["step"] == tick["step"] and (shares := replica.get("histogram")):
                found.setdefault((tick["contender"], replica["seed"]), {})[tick["step"]] = shares
    return found
