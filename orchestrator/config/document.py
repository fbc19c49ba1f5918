"""A YAML file as plain values, with the line of every key: no tags, no code, no key twice."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from orchestrator.errors import RequestError

Location = tuple[str | int, ...]

LARGEST_FILE = 1_000_000
MOST_NODES = 100_000
SCALARS = {"null", "bool", "int", "float", "str"}


@dataclass(frozen=True)
class Document:
    """Plain values and the place where each was written."""

    source: str
    value: Any
    places: dict[Location, str] = field(repr=False)

    def place(self, location: Location) -> str:
        """Return `file:line` of the nearest key at or above `location`."""
        while location not in self.places and location:
            location = location[:-1]
        return self.places.get(location, self.source)

    def fail(self, location: Location, message: str) -> NoReturn:
        """Raise the one sentence that names file, line and key."""
        key = ".".join(map(str, location))
        raise RequestError(f"{self.place(location)}: {key + ': ' if key else ''}{message}")


def read(path: Path) -> Document:
    """Parse the file at `path`; anything but plain YAML 1.2 is refused with its line."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise RequestError(f"{path}: expected an experiment file under {LARGEST_FILE:,} bytes, found {size:,}")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise RequestError(
            f"{path}: cannot read this experiment file ({reason}); give the path of a YAML file"
        ) from None
    except UnicodeDecodeError as error:
        raise RequestError(f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#04x}") from None
    return parse(text, source=str(path))


def parse(text: str, *, source: str) -> Document:
    """Parse YAML text; `source` names it in messages."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise RequestError(f"{source}{line}: not valid YAML: {_one_line(error.problem or error.context)}") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise RequestError(f"{source}: not valid YAML: {_one_line(str(error) or type(error).__name__)}") from None
    reader = _Reader(source)
    if node is None:
        raise RequestError(f"{source}: the file is empty; expected an experiment, see `ganarena schema`")
    try:
        value = reader.value(node, ())
    except RecursionError:
        raise RequestError(f"{source}: nested too deeply for an experiment file") from None
    if not isinstance(value, dict):
        raise RequestError(f"{source}:1: expected keys such as `name:` and `budget:`, found {describe(value)}")
    return Document(source, value, reader.places)


def with_changes(document: Document, changes: Iterable[str]) -> Document:
    """Apply `KEY=VALUE` changes, such as `budget.images=6400` or `hyperparameters.penalty.weight=5`."""
    value, places = dict(document.value), dict(document.places)
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path:
            raise RequestError(f"--set {change}: expected KEY=VALUE, for example --set budget.images=6400")
        changed = parse(f"value: {text}", source=f"--set {path}").value["value"]
        location = _change(value, path, changed)
        places[location] = f"--set {path}"
    return Document(document.source, value, places)


def describe(value: object) -> str:
    """Name what came in the words of YAML."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


class _Reader:
    """Builds plain values from YAML nodes; aliases are followed within a bound, so that no small file grows huge."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.places: dict[Location, str] = {}
        self.nodes = 0

    def value(self, node: Any, location: Location) -> Any:
        self.places.setdefault(location, self._place(node))
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self._fail(node, f"expected at most {MOST_NODES:,} values, aliases included")
        kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
        if kind == "map":
            return self._mapping(node, location)
        if kind == "seq":
            return [self.value(item, (*location, index)) for index, item in enumerate(node.value)]
        if kind not in SCALARS:
            self._fail(node, f"the tag {node.tag} is refused: an experiment file holds plain values only")
        return self._scalar(node, kind)

    def _mapping(self, node: Any, location: Location) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not str(key_node.tag).endswith(":str"):
                self._fail(key_node, f"expected a name as key, found {_one_line(str(key_node.value))!r}")
            key = key_node.value
            here = (*location, key)
            if key in values:
                self._fail(key_node, f"duplicate key {key!r}, first given at {self.places[here]}")
            self.places[here] = self._place(key_node)
            values[key] = self.value(value_node, here)
        return values

    def _scalar(self, node: Any, kind: str) -> Any:
        text = node.value
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        try:
            if kind == "int":
                return (
                    int(text.replace("_", ""), 0)
                    if text.lower().startswith(("0x", "0o"))
                    else int(text.replace("_", ""))
                )
            if kind == "float":
                return float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:
            self._fail(node, f"not a number: {text!r}")
        return text

    def _place(self, node: Any) -> str:
        return f"{self.source}:{node.start_mark.line + 1}"

    def _fail(self, node: Any, message: str) -> NoReturn:
        raise RequestError(f"{self._place(node)}: {message}")


def _change(value: dict[str, Any], path: str, changed: Any) -> Location:
    """Set the dotted `path` in place, copying what it passes; names of hyperparameters keep their dots."""
    head, _, rest = path.partition(".")
    if not rest:
        value[head] = changed
        return (head,)
    inner = value.get(head)
    if inner is not None and not isinstance(inner, dict):
        raise RequestError(f"--set {path}: {head!r} holds {describe(inner)}, which has no key {rest!r}")
    value[head] = inner = dict(inner or {})
    if head in ("hyperparameters", "space"):
        inner[rest] = changed
        return (head, rest)
    return (head, *_change(inner, rest, changed))


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
