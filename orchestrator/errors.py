"""The two ways in which a command ends badly through no fault of the code: a wrong request, and work that failed."""

from collections.abc import Iterable
from difflib import get_close_matches
from reprlib import repr as short
from types import UnionType


class RequestError(ValueError):
    """The request was wrong: one sentence with what was expected, what came and the way out; nothing was started."""


class WorkError(RuntimeError):
    """The request was right and the work failed; what was done up to then is kept."""


class Interrupted(WorkError):  # noqa: N818  (nothing went wrong)
    """The user asked to stop; the state is saved, and the message says how to go on."""


def expect(kind: type | UnionType, value: object, wanted: str) -> None:
    """Refuse anything but a value of this kind; `wanted` says in words what is expected."""
    if not isinstance(value, kind):
        raise RequestError(f"expected {wanted}, found {short(value)}")


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the nearest of `known`, or nothing where none is near."""
    near = get_close_matches(str(name), list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
