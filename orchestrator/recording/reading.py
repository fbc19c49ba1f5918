"""Records out of MLflow: contenders with their replicas, and what something else recorded."""

import gc
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import DatabaseError
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.errors import RequestError, WorkError
from orchestrator.home import Home
from orchestrator.recording.client import client, search
from orchestrator.recording.layout import AUDITED, FIRED, PINNED, SCHEMA
from orchestrator.records import ContenderRecord, ForeignRecord, ReplicaRecord, ScoreRecord


def read(home: Home, names: Sequence[str] = ()) -> list[ContenderRecord]:
    """Return the contenders that the store holds, of the named experiments or of all."""
    with _reading(home), _uncollected():
        return _read(home, names)


def read_foreign(home: Home, names: Sequence[str] = ()) -> list[ForeignRecord]:
    """Return the runs that something else recorded, in the named experiments or in all."""
    with _reading(home):
        store = client(home)
        experiments = _experiments(store, names)
        runs = search(store, list(experiments), "tags.`arena.kind` IS NULL") if experiments else ()
        found = [
            ForeignRecord(
                run_id=run.info.run_id,
                experiment=experiments[run.info.experiment_id],
                name=run.info.run_name or "",
                status=run.info.status.lower(),
            )
            for run in runs
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


@contextmanager
def _reading(home: Home) -> Iterator[None]:
    """Say in one sentence why a store cannot be read."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, DatabaseError) as error:
        told = " ".join(str(error).split())[:200]
        where = "at MLFLOW_TRACKING_URI" if os.environ.get("MLFLOW_TRACKING_URI") else f"in {home.path}"
        raise WorkError(f"MLflow's store {where} cannot be read ({told}); mend it, or choose another home") from None


def _experiments(store: MlflowClient, names: Sequence[str]) -> dict[str, str]:
    """Return the names of the asked experiments, or of all, by their ids in the store."""
    return {each.experiment_id: each.name for each in store.search_experiments() if not names or each.name in names}


def _read(home: Home, names: Sequence[str]) -> list[ContenderRecord]:
    store = client(home)
    experiments = _experiments(store, names)
    runs = list(search(store, list(experiments))) if experiments else []
    _readable(runs, experiments)
    children: dict[str, list[Run]] = {}
    for run in runs:
        if run.data.tags.get("arena.kind") == "replica":
            children.setdefault(run.data.tags["mlflow.parentRunId"], []).append(run)
    documents = _Documents(store)
    records = []
    for run in runs:
        tags = run.data.tags
        if tags.get("arena.kind") != "contender":
            continue
        replicas = sorted((_replica_record(child) for child in children.get(run.info.run_id, [])), key=lambda r: r.seed)
        records.append(
            ContenderRecord(
                run_id=run.info.run_id,
                experiment=experiments[run.info.experiment_id],
                attempt=int(tags["arena.attempt"]),
                contender=tags["arena.contender"],
                variant=tags["arena.variant"],
                status=tags["arena.status"],
                reason=tags.get("arena.reason") or None,
                baseline="arena.baseline" in tags,
                audited=tags.get(AUDITED),
                confirms=tags.get("arena.confirms"),
                objective=tags.get("arena.objective"),
                protocol=documents.read(run, "protocol"),
                budget_class=documents.read(run, "budget_class"),
                params=dict(run.data.params),
                replicas=replicas,
                pinned=PINNED in tags,
                tags={key: value for key, value in tags.items() if not key.startswith("mlflow.")},
                metrics=dict(run.data.metrics),
            )
        )
    return sorted(records, key=lambda record: (record.experiment, record.attempt, record.contender))


def _readable(runs: Sequence[Run], experiments: Mapping[str, str]) -> None:
    """Refuse records of a layout that is newer than this reader; older ones only hold less."""
    for run in runs:
        schema = run.data.tags.get("arena.schema", "1")
        if not schema.isdecimal() or int(schema) > int(SCHEMA):
            name = experiments[run.info.experiment_id]
            raise RequestError(
                f"{name!r} was recorded by a newer GAN Arena (arena.schema {schema}; this one reads {SCHEMA} and older)"
                "; upgrade it, or name other experiments"
            )


class _Documents:
    """Reads a JSON artifact once for all runs whose tag says that it is the same."""

    def __init__(self, store: MlflowClient) -> None:
        self.store = store
        self.known: dict[tuple[str, str], dict[str, Any]] = {}

    def read(self, run: Run, name: str) -> dict[str, Any] | None:
        if (digest_ := run.data.tags.get(f"arena.{name}")) is None:
            return None
        if (name, digest_) not in self.known:
            path = self.store.download_artifacts(run.info.run_id, f"{name}.json")
            self.known[name, digest_] = json.loads(Path(path).read_text())
        return self.known[name, digest_]


def _replica_record(run: Run) -> ReplicaRecord:
    tags, numbers = run.data.tags, run.data.metrics
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
        run_id=run.info.run_id,
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
