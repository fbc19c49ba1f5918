"""What runs keep beside their numbers: generators, and pictures of samples."""

from collections.abc import Callable, Iterable
from pathlib import Path

from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from orchestrator.errors import RequestError, WorkError
from orchestrator.home import Home
from orchestrator.recording.client import children, client
from orchestrator.recording.layout import PICTURE, PINNED

REGISTERED = "models:/"
UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def generator(home: Home, run_id: str) -> Path:
    """Return the folder of a recorded generator; a contender's is that of its first finished replica.

    `models:/NAME@champion` or `models:/NAME/VERSION` means one from the registry.
    """
    if run_id.startswith(REGISTERED):
        return _registered(home, run_id)
    run = recorded_run(home, run_id)
    for candidate in (run_id, *children(client(home), run)):
        if folder := artifact(home, candidate, "generator"):
            return folder
    status = run.data.tags.get("arena.status", "unknown")
    raise RequestError(
        f"run {run_id} recorded no generator (its status is {status}); choose a finished one from `ganarena runs`"
    )


def _registered(home: Home, uri: str) -> Path:
    """Return the folder of a registered generator."""
    store = client(home)
    name, alias_sign, alias = uri.removeprefix(REGISTERED).partition("@")
    name, _, number = (name, "", "") if alias_sign else name.rpartition("/")
    try:
        version = store.get_model_version_by_alias(name, alias) if alias_sign else store.get_model_version(name, number)
        source = store.get_model_version_download_uri(name, version.version)
        return Path(get_artifact_repository(source).download_artifacts(""))
    except MlflowException as error:
        models = store.search_registered_models()
        known = sorted(f"{REGISTERED}{each.name}@{alias}" for each in models for alias in each.aliases)
        there = f"there are {', '.join(known)}" if known else "none is registered yet; a search registers its best"
        raise RequestError(f"no registered generator {uri!r} ({error.error_code}); {there}") from None


def picture(home: Home, run_id: str) -> Path | None:
    """Return the sample picture of a contender, the first where there are several."""
    listed = sorted(item.path for item in client(home).list_artifacts(run_id) if item.path.endswith(".png"))
    return artifact(home, run_id, listed[0]) if listed else None


def series(home: Home, run_id: str, choose: Callable[[Iterable[int]], Iterable[int]]) -> dict[int, Path]:
    """Return local copies of the pictures of a replica at the steps that `choose` picks."""
    # Asked through the client, each picture would look the run up again.
    folder = get_artifact_repository(recorded_run(home, run_id).info.artifact_uri)
    listed = {
        int(found[1]): part.path
        for part in folder.list_artifacts("images")
        if part.path.endswith(".png") and (found := PICTURE.match(part.path))
    }
    return {step: Path(folder.download_artifacts(listed[step])) for step in choose(listed)}


def contender_of(home: Home, run_id: str) -> str:
    """Return the run of the contender that a run is, or is a replica of."""
    run = recorded_run(home, run_id)
    if run.data.tags.get("arena.kind") not in ("contender", "replica"):
        raise RequestError(f"run {run_id} is no contender; `ganarena runs` lists them")
    return str(run.data.tags.get("mlflow.parentRunId", run_id))


def pin(home: Home, contender: str, *, pinned: bool) -> None:
    """Tag a contender as pinned, or no longer where it was."""
    if pinned:
        client(home).set_tag(contender, PINNED, "yes")
    else:
        client(home).delete_tag(contender, PINNED)


def is_pinned(home: Home, contender: str) -> bool:
    """Are the checkpoints of this contender kept, whatever is cleaned?"""
    return PINNED in recorded_run(home, contender).data.tags


def recorded_run(home: Home, run_id: str) -> Run:
    try:
        return client(home).get_run(run_id)
    except MlflowException as error:
        if error.error_code in UNKNOWN:
            raise RequestError(f"no run {run_id!r} in {home.path}; `ganarena runs` lists them") from None
        raise WorkError(f"MLflow could not be read: {' '.join(str(error).split())}") from error


def artifact(home: Home, run_id: str, path: str) -> Path | None:
    """Return a local copy of an artifact of a run, or None where the run has none of this name."""
    store = client(home)
    there = any(item.path == path for item in store.list_artifacts(run_id))
    return Path(store.download_artifacts(run_id, path)) if there else None
