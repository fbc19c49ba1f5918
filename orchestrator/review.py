"""Review: what the store of a home holds, asked by name or by run."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.leaderboard import Group, latest, rank
from orchestrator.records import ContenderRecord


def records(home: Home, names: Sequence[str] = (), *, everything: bool = False) -> list[ContenderRecord]:
    """Return the recorded contenders, of each experiment its latest attempt unless `everything`."""
    if not home.exists:
        return []
    from orchestrator.recording.recorder import flush
    from orchestrator.recording.store import read

    flush(home)
    found = read(home, names)
    missing = set(names) - {record.experiment for record in found}
    if missing:
        known = sorted({record.experiment for record in read(home)})
        there = f"there are {', '.join(known)}" if known else "none is recorded yet"
        raise RequestError(f"no experiment {sorted(missing)[0]!r} in {home.path}; {there}")
    return found if everything else latest(found)


def groups(
    home: Home, names: Sequence[str] = (), *, metric: str | None = None, everything: bool = False
) -> list[Group]:
    """Return the leaderboard of a home."""
    return rank(records(home, names, everything=everything), metric=metric)


def best(ranked: Sequence[Group]) -> dict[str, Any] | None:
    """Return the first of the largest group that has a rank."""
    for group in sorted(ranked, key=lambda each: -len(each.rows)):
        for row in group.rows:
            if row.rank == 1:
                return {
                    "run_id": row.run_ids[0],
                    "variant": row.variant,
                    "config": dict(row.config),
                    "scores": {key: asdict(score) for key, score in row.scores.items()},
                }
    return None


def artifact(home: Home, run_id: str, path: str) -> Path | None:
    """Return a local copy of an artifact of a run, or None where the run has none of this name."""
    from mlflow.exceptions import MlflowException

    from orchestrator.recording.store import client

    store = client(home)
    try:
        listed = {item.path for item in store.list_artifacts(run_id)}
    except MlflowException:
        raise RequestError(f"no run {run_id!r} in {home.path}; `ganarena runs` lists them") from None
    return Path(store.download_artifacts(run_id, path)) if path in listed else None


def generator_of(home: Home, run_id: str) -> Path:
    """Return the folder of a recorded generator; a contender's is that of its first finished replica."""
    from mlflow.exceptions import MlflowException

    from orchestrator.recording.store import children, client

    store = client(home)
    try:
        run = store.get_run(run_id)
    except MlflowException:
        raise RequestError(f"no run {run_id!r} in {home.path}; `ganarena runs` lists them") from None
    for candidate in (run.info.run_id, *children(store, run)):
        if folder := artifact(home, candidate, "generator"):
            return folder
    status = run.data.tags.get("arena.status", "unknown")
    raise RequestError(
        f"run {run_id} recorded no generator (its status is {status}); choose a finished one from `ganarena runs`"
    )


def keep_picture(home: Home, run_id: str, name: str) -> Path | None:
    """Copy the sample picture of a contender to where a person finds it."""
    from shutil import copyfile

    from orchestrator.config.models import folder_name
    from orchestrator.recording.store import client

    pictures = sorted(item.path for item in client(home).list_artifacts(run_id) if item.path.endswith(".png"))
    if not pictures or not (picture := artifact(home, run_id, pictures[0])):
        return None
    home.reports.mkdir(parents=True, exist_ok=True)
    target = home.reports / f"{folder_name(name)}-best.png"
    copyfile(picture, target)
    return target
