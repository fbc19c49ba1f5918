"""YAML 1.2 text to plain values, from a parser's events: no tags, no code, no key twice, no small file grown huge."""

import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, DocumentStartEvent, MappingStartEvent, ScalarEvent
from ruamel.yaml.reader import ReaderError

from orchestrator.config.document import Document, Location, describe
from orchestrator.errors import RequestError

MOST_VALUES = 100_000
DEEPEST = 16

CORE_SCHEMA: tuple[tuple[str, Callable[[str], Any]], ...] = (
    (r"|~|null|Null|NULL", lambda _: None),
    (r"true|True|TRUE", lambda _: True),
    (r"false|False|FALSE", lambda _: False),
    (r"[-+]?[0-9]+", int),
    (r"0o[0-7]+|0x[0-9a-fA-F]+", lambda text: int(text, 0)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    (r"[-+]?\.(inf|Inf|INF)", lambda text: -math.inf if text.startswith("-") else math.inf),
    (r"\.(nan|NaN|NAN)", lambda _: math.nan),
)
"""What plain scalars mean in YAML 1.2 (section 10.3.2); all others are text, so `no` and `2024-01-01` are."""

HINTS = {
    r"'\t'": "; indent with spaces",
    "mapping values": "; put text that holds a colon in quotes, and look at the indentation",
}


def document(text: str, source: str) -> Document:
    """Read the one value that the text holds, with the place of every key; an empty text holds nothing."""
    try:
        return _Reader(text, source).document()
    except MarkedYAMLError as error:
        place, told = _told(error, source)
        raise RequestError(f"{place}: not valid YAML: {told}") from None
    except ReaderError as error:
        place = _place(source, text.count("\n", 0, error.position))
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise RequestError(f"{place}: not valid YAML: found the control character U+{code:04X}") from None
    except RequestError:
        raise
    except YAMLError as error:
        raise RequestError(f"{source}: not valid YAML: {_one_line(str(error))}") from None
    except (ValueError, OverflowError):  # from chr, of "\\UFFFFFFFF"
        raise RequestError(f"{source}: not valid YAML: found an escape that is no character") from None


def _told(error: MarkedYAMLError, source: str) -> tuple[str, str]:
    """Return where the parser stumbled and over what, and the line where what it was reading began."""
    mark, began = error.problem_mark or error.context_mark, error.context_mark
    told = ", ".join(_one_line(part) for part in (error.context, error.problem) if part)
    if began and mark and began.line != mark.line:
        told += f"; it began in line {began.line + 1}"
    told += "".join(hint for sign, hint in HINTS.items() if sign in told)
    return _place(source, mark.line) if mark else source, told


class _Reader:
    """Builds plain values from events; an alias is read again from where its anchor stands.

    The number of values counts what aliases repeat, so that no small file grows huge.
    """

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.coming = YAML(typ="safe", pure=True).parse(text)
        self.events: list[Any] = []
        self.at = 0
        self.anchors: dict[str, int] = {}
        self.open: set[str] = set()
        self.places: dict[Location, str] = {}
        self.values = 0

    def document(self) -> Document:
        """Read the only document of the stream."""
        self._next()
        start = self._next()
        if not isinstance(start, DocumentStartEvent):
            return Document(self.source, None, {})
        if start.version not in (None, (1, 2)):
            self._fail(start, f"expected YAML 1.2, found the directive %YAML {'.'.join(map(str, start.version))}")
        value = self._value(())
        self._next()
        if isinstance(another := self._next(), DocumentStartEvent):
            self._fail(another, "expected one document, found a second")
        return Document(self.source, value, self.places)

    def _next(self) -> Any:
        if self.at == len(self.events):
            self.events.append(next(self.coming))
        self.at += 1
        return self.events[self.at - 1]

    def _ended(self) -> bool:
        """Take the end of a collection, if it comes next."""
        if isinstance(self._next(), CollectionEndEvent):
            return True
        self.at -= 1
        return False

    def _value(self, location: Location) -> Any:
        event = self._next()
        self.places.setdefault(location, self._place(event))
        self.values += 1
        if self.values > MOST_VALUES:
            self._fail(event, f"expected at most {MOST_VALUES:,} values, aliases included")
        if len(location) > DEEPEST:
            self._fail(event, f"expected at most {DEEPEST} levels of lists and mappings, found more")
        if isinstance(event, AliasEvent):
            return self._again(event, location)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._fail(event, f"the tag {tag} is refused; an experiment file holds plain values without tags")
        if event.anchor and self.anchors.setdefault(event.anchor, self.at - 1) != self.at - 1:
            self._fail(event, f"the anchor &{event.anchor} stands twice; give each name once")
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        self.open.add(event.anchor)
        build = self._mapping if isinstance(event, MappingStartEvent) else self._sequence
        value = build(location)
        self.open.discard(event.anchor)
        return value

    def _again(self, alias: AliasEvent, location: Location) -> Any:
        if alias.anchor not in self.anchors:
            self._fail(alias, f"the alias *{alias.anchor} repeats nothing; no anchor &{alias.anchor} stands before it")
        if alias.anchor in self.open:
            self._fail(alias, f"the alias *{alias.anchor} stands inside of what it repeats")
        back, self.at = self.at, self.anchors[alias.anchor]
        value = self._value(location)
        self.at = back
        return value

    def _sequence(self, location: Location) -> list[Any]:
        values: list[Any] = []
        while not self._ended():
            values.append(self._value((*location, len(values))))
        return values

    def _mapping(self, location: Location) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not self._ended():
            event = self._next()
            key = self._key(event)
            here = (*location, key)
            if key in values:
                self._fail(event, f"duplicate key {key!r}, first given at {self.places[here]}")
            self.places[here] = self._place(event)
            values[key] = self._value(here)
        return values

    def _key(self, event: Any) -> str:
        if not isinstance(event, ScalarEvent) or event.tag is not None:
            kinds = {ScalarEvent: "a tag", AliasEvent: "an alias", MappingStartEvent: "a mapping"}
            self._fail(event, f"expected a name as key, found {kinds.get(type(event), 'a list')}")
        if event.value == "<<":
            self._fail(event, "the merge key << is not part of YAML 1.2; write the keys out")
        if not isinstance(key := self._scalar(event), str):
            self._fail(event, f"expected a name as key, found {describe(key)}")
        return key

    def _scalar(self, event: ScalarEvent) -> Any:
        text: str = event.value
        if event.style:  # quoted, or a block of text
            return text
        for pattern, made in CORE_SCHEMA:
            if re.fullmatch(pattern, text):
                try:
                    return made(text)
                except ValueError:
                    self._fail(event, f"expected a number that fits, found one of {len(text):,} digits")
        return text

    def _place(self, event: Any) -> str:
        return _place(self.source, event.start_mark.line)

    def _fail(self, event: Any, message: str) -> NoReturn:
        raise RequestError(f"{self._place(event)}: {message}")


def _place(source: str, line: int) -> str:
    """Return `file:line`; an option of the command line has no lines."""
    return source if source.startswith("-") else f"{source}:{line + 1}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
