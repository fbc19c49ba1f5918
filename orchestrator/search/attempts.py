"""Which attempt is begun or gone on with, and whether a file has changed since: what exists is never overwritten."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.config.models import Experiment
from orchestrator.errors import RequestError, expect
from orchestrator.home import Home, journal_of
from orchestrator.recording.journal import Event, events

SECONDS = "search.seconds "
LOGGED = "log_system_metrics"

Ways = tuple[str, str]
"""How somebody says that an attempt goes on, and that a new one is made."""
OPTIONS = ("--resume", "--again")
ARGUMENTS = ("resume=True", "again=True")


def choose_attempt(experiment: Experiment, home: Home, *, resume: bool, again: bool, ways: Ways = OPTIONS) -> Path:
    """Return the folder of the attempt of a file to begin or to go on with."""

    def changed(recorded: Event) -> list[str]:
        # More time changes nothing that was done.
        return [each for each in changes(recorded, experiment) if not each.startswith(SECONDS)]

    return attempt_under(experiment.name, home, changed, resume=resume, again=again, ways=ways)


def attempt_under(
    name: str, home: Home, changed: Callable[[Event], list[str]], *, resume: bool, again: bool, ways: Ways = OPTIONS
) -> Path:
    """Return the folder of the attempt to begin or to go on with; `changed` tells what differs from its record."""
    to_resume, to_begin = ways
    for key, value in {"resume": resume, "again": again}.items():
        expect(bool, value, f"True or False for {key}")
    if resume and again:
        raise RequestError(f"{to_resume} goes on with an attempt and {to_begin} makes a new one; give one of them")
    attempts = home.attempts(name)
    if attempts and not (resume or again):
        home.require_no_other_writer(name)
        raise RequestError(
            f"{name!r} is recorded already: {to_resume} goes on with it, {to_begin} makes a new attempt,"
            " or use another name"
        )
    if again or not attempts:
        return home.next_attempt(name)
    recorded, _ = next(events(journal_of(attempts[-1])), ({}, 0))
    if recorded and (different := changed(recorded["experiment"])):
        raise RequestError(
            f"{to_resume} refuses what was changed: {'; '.join(different)}; undo it, use {to_begin}, or another name"
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
