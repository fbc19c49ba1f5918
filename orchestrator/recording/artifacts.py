"""What runs keep beside their numbers: generators, and pictures of samples."""

from collections.abc import Callable, Iterable
from pathlib import Path

from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.recording.files import files
from orchestrator.recording.layout import PICTURE, PINNED
from orchestrator.recording.runs import Run
from orchestrator.recording.source import source

REGISTERED = "models:/"


def generator(home: Home, run_id: str) -> Path:
    """Return the folder of a recorded generator; a contender's is that of its first finished replica.

    `models:/NAME@champion` or `models:/NAME/VERSION` means one from the registry.
    """
    if run_id.startswith(REGISTERED):
        return _registered(home, run_id)
    run = recorded_run(home, run_id)
    for candidate in (run, *replicas(home, run)):
        if folder := artifact(home, candidate, "generator"):
            return folder
    status = run.tags.get("arena.status", "unknown")
    raise RequestError(
        f"run {run_id} recorded no generator (its status is {status}); choose a finished one from `ganarena runs`"
    )


def _registered(home: Home, uri: str) -> Path:
    """Return the folder of a registered generator."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    from orchestrator.recording.client import client

    store = client(home)
    name, alias_sign, alias = uri.removeprefix(REGISTERED).partition("@")
    name, _, number = (name, "", "") if alias_sign else name.rpartition("/")
    try:
        version = store.get_model_version_by_alias(name, alias) if alias_sign else store.get_model_version(name, number)
        address = store.get_model_version_download_uri(name, version.version)
        return Path(get_artifact_repository(address).download_artifacts(""))
    except MlflowException as error:
        models = store.search_registered_models()
        known = sorted(f"{REGISTERED}{each.name}@{alias}" for each in models for alias in each.aliases)
        there = f"there are {', '.join(known)}" if known else "none is registered yet; a search registers its best"
        raise RequestError(f"no registered generator {uri!r} ({error.error_code}); {there}") from None


def replicas(home: Home, contender: Run) -> list[Run]:
    """Return the replicas of a contender, the finished ones first."""
    tagged = [("arena.kind", "replica"), ("mlflow.parentRunId", contender.run_id)]
    found = source(home).runs([contender.experiment], tagged)
    return sorted(found, key=lambda run: (run.tags["arena.status"] != "finished", int(run.tags["arena.seed"])))


def picture(home: Home, run_id: str) -> Path | None:
    """Return the sample picture of a contender, the first where there are several."""
    kept = files(home, recorded_run(home, run_id).artifact_uri)
    listed = sorted(path for path in kept.listed() if path.endswith(".png"))
    return kept.fetched(listed[0]) if listed else None


def series(home: Home, run_id: str, choose: Callable[[Iterable[int]], Iterable[int]]) -> dict[int, Path]:
    """Return local copies of the pictures of a replica at the steps that `choose` picks."""
    kept = files(home, recorded_run(home, run_id).artifact_uri)
    listed = {
        int(found[1]): path
        for path in kept.listed("images")
        if path.endswith(".png") and (found := PICTURE.match(path))
    }
    return {step: kept.fetched(listed[step]) for step in choose(listed)}


def contender_of(home: Home, run_id: str) -> str:
    """Return the run of the contender that a run is, or is a replica of."""
    run = recorded_run(home, run_id)
    if run.tags.get("arena.kind") not in ("contender", "replica"):
        raise RequestError(f"run {run_id} is no contender; `ganarena runs` lists them")
    return run.tags.get("mlflow.parentRunId", run_id)


def pin(home: Home, contender: str, *, pinned: bool) -> None:
    """Tag a contender as pinned, or no longer where it was."""
    from orchestrator.recording.client import client

    if pinned:
        client(home).set_tag(contender, PINNED, "yes")
    else:
        client(home).delete_tag(contender, PINNED)


def is_pinned(home: Home, contender: str) -> bool:
    """Are the checkpoints of this contender kept, whatever is cleaned?"""
    return PINNED in recorded_run(home, contender).tags


def recorded_run(home: Home, run_id: str) -> Run:
    """Return a run of which somebody gave the id."""
    if (run := source(home).run(run_id)) is None:
        raise RequestError(f"no run {run_id!r} in {home.path}; `ganarena runs` lists them")
    return run


def artifact(home: Home, run: Run, path: str) -> Path | None:
    """Return a local copy of an artifact of a run, or None where the run has none of this name."""
    kept = files(home, run.artifact_uri)
    return kept.fetched(path) if path in kept.listed() else None
