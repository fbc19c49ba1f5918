"""An experiment file as it stands: plain values, and the place of every key for whoever finds a mistake in them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from orchestrator.errors import RequestError

Location = tuple[str | int, ...]

LARGEST_FILE = 100_000


@dataclass(frozen=True)
class Document:
    """Plain values and the place where each was written."""

    source: str
    value: Any
    places: Mapping[Location, str] = field(repr=False)

    def place(self, location: Location) -> str:
        """Return `file:line` of the nearest key at or above `location`."""
        while location not in self.places and location:
            location = location[:-1]
        return self.places.get(location, self.source)

    def fail(self, location: Location, message: str) -> NoReturn:
        """Raise the one sentence that names file, line and key."""
        place, key = self.place(location), ".".join(map(_one_word, location))
        named = not key or place == _option(key)
        raise RequestError(f"{place}: {message}" if named else f"{place}: {key}: {message}")


def read(path: Path) -> Document:
    """Parse the file at `path`; anything but plain YAML 1.2 is refused with its line."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        reason = error.strerror or error
        raise RequestError(f"{path}: cannot be read ({reason}); give the path of a YAML file") from None
    if len(content) > LARGEST_FILE:
        raise RequestError(f"{path}: expected an experiment file of at most {LARGEST_FILE:,} bytes, found more")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RequestError(f"{path}:{line}: expected UTF-8 text, found byte {content[error.start]:#04x}") from None
    return parse(text, source=str(path))


def parse(text: str, *, source: str) -> Document:
    """Parse YAML text that holds keys and values; `source` names it in messages."""
    from orchestrator.config import plain

    document = plain.document(text, source)
    if not isinstance(document.value, dict):
        document.fail((), f"expected keys such as `name:` and `budget:`, found {describe(document.value)}")
    return document


def with_changes(document: Document, changes: Iterable[str]) -> Document:
    """Apply `KEY=VALUE` changes, such as `budget.images=6400` or `hyperparameters.penalty.weight=5`."""
    from orchestrator.config import plain

    value, places = dict(document.value), dict(document.places)
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not all(path.split(".")):
            raise RequestError(f"--set {change}: expected KEY=VALUE, for example --set budget.images=6400")
        location = _change(value, path, plain.document(text, _option(path)).value)
        # What stood below is gone, and with it the places where it was written.
        places = {place: where for place, where in places.items() if place[: len(location)] != location}
        for depth in range(1, len(location) + 1):
            places.setdefault(location[:depth], _option(path))
    return Document(document.source, value, places)


def describe(value: object) -> str:
    """Name what came in the words of YAML."""
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value).replace("inf", ".inf").replace("nan", ".nan")
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."


def _change(value: dict[str, Any], path: str, changed: Any) -> Location:
    """Set the dotted `path` in place, copying what it passes; return where it leads."""
    location: Location = ()
    rest = path
    while True:
        name = _first(value, rest, dotted=location in (("hyperparameters",), ("space",)))
        location = (*location, name)
        if name == rest:
            value[name] = changed
            return location
        rest = rest[len(name) + 1 :]
        inner = {} if value.get(name) is None else value[name]
        if not isinstance(inner, dict):
            raise RequestError(f"{_option(path)}: {name} holds {describe(inner)}, which has no key {rest!r}")
        value[name] = value = dict(inner)


def _first(value: Mapping[str, Any], path: str, *, dotted: bool) -> str:
    """Return the first name of a path; where names have dots, the one that is known, or else all of it."""
    if not dotted:
        return path.partition(".")[0]
    return next((name for name in value if path.startswith(f"{name}.")), path)


def _option(path: str) -> str:
    return f"--set {path}"


def _one_word(part: str | int) -> str:
    """Return a key on one line, whatever it holds."""
    text = str(part)
    return text if text.isprintable() and len(text) <= 80 else describe(text)
