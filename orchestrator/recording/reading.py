"""Records out of MLflow: contenders with their replicas, and what something else recorded."""

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.recording.files import files
from orchestrator.recording.layout import AUDITED, FIRED, PINNED, SCHEMA
from orchestrator.recording.runs import Run, unreadable
from orchestrator.recording.source import source
from orchestrator.records import ContenderRecord, ForeignRecord, ReplicaRecord, ScoreRecord
from orchestrator.space import digest


def read(home: Home, names: Sequence[str] = ()) -> list[ContenderRecord]:
    """Return the contenders that the store holds, of the named experiments or of all."""
    with _uncollected():
        runs = source(home).runs(names)
        _readable(runs)
        replicas: dict[str, list[ReplicaRecord]] = {}
        for run in runs:
            if run.tags.get("arena.kind") == "replica":
                replicas.setdefault(run.tags["mlflow.parentRunId"], []).append(_replica(run))
        documents = _Documents(home)
        found = [
            _contender(run, replicas.get(run.run_id, ()), documents)
            for run in runs
            if run.tags.get("arena.kind") == "contender"
        ]
    return sorted(found, key=lambda record: (record.experiment, record.attempt, record.contender))


def read_foreign(home: Home, names: Sequence[str] = ()) -> list[ForeignRecord]:
    """Return the runs that something else recorded, in the named experiments or in all."""
    found = [
        ForeignRecord(run_id=run.run_id, experiment=run.experiment, name=run.name, status=run.status.lower())
        for run in source(home).runs(names, [("arena.kind", None)])
    ]
    return sorted(found, key=lambda run: (run.experiment, run.name, run.run_id))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let the garbage collector rest: it walks the thousands of rows again and again while they are being made."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _readable(runs: Sequence[Run]) -> None:
    """Refuse records of a layout that is newer than this reader; older ones only hold less."""
    for run in runs:
        schema = run.tags.get("arena.schema", "1")
        if not schema.isdecimal() or int(schema) > int(SCHEMA):
            raise RequestError(
                f"{run.experiment!r} was recorded by a newer GAN Arena (arena.schema {schema}; this one reads {SCHEMA}"
                " and older); upgrade it, or name other experiments"
            )


class _Documents:
    """Reads a JSON artifact once for all runs whose tag says that it is the same."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.known: dict[tuple[str, str], dict[str, Any]] = {}

    def read(self, run: Run, name: str) -> dict[str, Any] | None:
        if (told := run.tags.get(f"arena.{name}")) is None:
            return None
        if (name, told) in self.known:
            return self.known[name, told]
        try:
            found: dict[str, Any] = json.loads(files(self.home, run.artifact_uri).fetched(f"{name}.json").read_text())
        except (OSError, ValueError) as error:
            raise unreadable(self.home, error) from None
        if digest(found) == told:  # else it has just become another, and its tag is not written yet
            self.known[name, told] = found
        return found


def _contender(run: Run, replicas: Sequence[ReplicaRecord], documents: _Documents) -> ContenderRecord:
    return ContenderRecord(
        run_id=run.run_id,
        experiment=run.experiment,
        attempt=int(run.tags["arena.attempt"]),
        contender=run.tags["arena.contender"],
        variant=run.tags["arena.variant"],
        status=run.tags["arena.status"],
        reason=run.tags.get("arena.reason") or None,
        baseline="arena.baseline" in run.tags,
        audited=run.tags.get(AUDITED),
        confirms=run.tags.get("arena.confirms"),
        objective=run.tags.get("arena.objective"),
        protocol=documents.read(run, "protocol"),
        budget_class=documents.read(run, "budget_class"),
        params=run.params,
        replicas=sorted(replicas, key=lambda replica: replica.seed),
        pinned=PINNED in run.tags,
        tags={key: value for key, value in run.tags.items() if not key.startswith("mlflow.")},
        metrics=run.metrics,
    )


def _replica(run: Run) -> ReplicaRecord:
    tags, numbers = run.tags, run.metrics
    directions = json.loads(tags.get("arena.directions", "{}"))
    final = {
        key: ScoreRecord(
            value=numbers[f"final/{key}"],
            low=numbers.get(f"final/{key}_low"),
            high=numbers.get(f"final/{key}_high"),
            higher_is_better=higher,
        )
        for key, higher in directions.items()
        if f"final/{key}" in numbers
    }
    return ReplicaRecord(
        run_id=run.run_id,
        seed=int(tags["arena.seed"]),
        status=tags["arena.status"],
        reason=tags.get("arena.reason") or None,
        step=int(numbers.get("step", 0)),
        images=int(numbers.get("images", 0)),
        seconds=numbers.get("seconds", 0.0),
        device_seconds=numbers.get("device_seconds"),
        parameters=int(numbers["parameters"]) if "parameters" in numbers else None,
        final=final,
        last={key: numbers[key] for key in directions if key in numbers},
        fired={key.removeprefix(FIRED): told for key, told in tags.items() if key.startswith(FIRED)},
    )
