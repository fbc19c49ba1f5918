"""Which attempt is begun or gone on with, and whether a file has changed since: what exists is never overwritten."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.config.models import Experiment
from orchestrator.errors import RequestError
from orchestrator.home import Home, journal_of
from orchestrator.recording.journal import Event, events

SECONDS = "search.seconds "
LOGGED = "log_system_metrics"


def choose_attempt(experiment: Experiment, home: Home, *, resume: bool, again: bool) -> Path:
    """Return the folder of the attempt to begin or to go on with; what exists is never overwritten."""
    if resume and again:
        raise RequestError("--resume goes on with an attempt and --again makes a new one; give one of them")
    name, attempts = experiment.name, home.attempts(experiment.name)
    if attempts and not (resume or again):
        raise RequestError(
            f"{name!r} has contenders already: --resume goes on with them, --again makes a new attempt,"
            " or use another name"
        )
    if again or not attempts:
        return home.next_attempt(name)
    recorded, _ = next(events(journal_of(attempts[-1])), ({}, 0))
    if recorded:
        # More time changes nothing that was done.
        told = changes(recorded["experiment"], experiment)
        if different := [each for each in told if not each.startswith(SECONDS)]:
            raise RequestError(
                f"--resume refuses a changed file: {'; '.join(different)};"
                " undo the change, use --again, or another name"
            )
    return attempts[-1]


def changes(recorded: Event, experiment: Experiment) -> list[str]:
    """Return what differs between a recorded experiment, as it is read today, and this one, a phrase for each key.

    What is only logged beside the training may be another every time.
    """
    was, now = _as_read_today(recorded, experiment), experiment.model_dump(mode="json", exclude_none=True)
    return differences(was, now | {LOGGED: was.get(LOGGED, False)})


def _as_read_today(recorded: Event, experiment: Experiment) -> Event:
    """Return a recorded experiment with the defaults of keys that are newer than its record, where it still reads."""
    try:
        return type(experiment).model_validate(recorded).model_dump(mode="json", exclude_none=True)
    except ValidationError:
        return recorded


def differences(was: Any, now: Any, path: str = "") -> list[str]:
    """Return what differs between two plain values, a phrase for each key."""
    if isinstance(was, dict) and isinstance(now, dict):
        keys = [*was, *(key for key in now if key not in was)]
        return [each for key in keys for each in differences(was.get(key), now.get(key), f"{path}.{key}".lstrip("."))]
    return [] if was == now else [f"{path} was {was!r} and is {now!r}"]
