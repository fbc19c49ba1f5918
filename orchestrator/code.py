"""Other people's code: Python names in files and on the command line, imported only where somebody said so.

A name is `package.module:function`. What an installed package offers as an entry point may be imported, and everything
else only with `--trust-code`; it then stands in the catalogue of its kind, under that very name.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from orchestrator.errors import RequestError

NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
OURS = ("torchvision:",)
"""Begins names of our own catalogue that look like Python's."""

TRAINERS: dict[str, Callable[..., object]] = {}
"""Functions that stand in place of a variant: `train(config, watch)`."""


def is_python(name: object) -> bool:
    """Is this `package.module:function`?"""
    return isinstance(name, str) and NAME.fullmatch(name) is not None and not name.startswith(OURS)


@dataclass(frozen=True)
class Code:
    """Python names that may be imported, each with its kind, and where their modules lie; it travels to workers."""

    names: tuple[tuple[str, str], ...] = ()
    folder: str | None = None

    def load(self) -> None:
        """Import what is not in its catalogue yet, and put it there."""
        if self.names and self.folder and self.folder not in sys.path:
            sys.path.insert(0, self.folder)
        for kind, name in self.names:
            if name not in _catalogue(kind):
                _catalogue(kind)[name] = MAKERS[kind](name, imported(name))


def allowed(names: Iterable[tuple[str, str]], *, trusted: bool, folder: Path | None = None) -> Code:
    """Return the code behind these kinds and names, or raise if somebody has to look at it first; nothing is run."""
    wanted = tuple(dict.fromkeys((kind, name) for kind, name in names if is_python(name)))
    for kind, name in wanted:
        if not trusted and not offered(kind, name):
            raise RequestError(
                f"{name!r} is Python code, and no installed package offers it as one of {group(kind)};"
                " read it, then give --trust-code (in Python: trust_code=True) to import it"
            )
    return Code(wanted, str(folder.absolute()) if trusted and folder else None)


def group(kind: str) -> str:
    """Return the group of entry points that this kind of thing is offered in."""
    return f"ganarena.{kind}s"


def offered(kind: str, name: str) -> bool:
    """Does an installed package offer this name? Nothing of it is imported."""
    return any(point.value == name for point in entry_points(group=group(kind)))


def imported(name: str) -> Any:
    """Return what a Python name means."""
    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise RequestError(
            f"{name}: there is no module {error.name!r}; install it, or put it beside the file"
        ) from None
    except AttributeError:
        raise RequestError(f"{name}: the module {module} has no {attribute!r}; give the name of its function") from None
    except Exception as error:
        raise RequestError(f"{name}: importing {module} failed ({type(error).__name__}: {error}); mend it") from error


def _catalogue(kind: str) -> dict[str, Any]:
    import gans
    import metrics
    from orchestrator.stopping import RULES

    catalogues: Mapping[str, dict[str, Any]] = {
        "variant": gans.VARIANTS,
        "dataset": gans.data.DATASETS,
        "extractor": metrics.EXTRACTORS,
        "metric": metrics.METRICS,
        "rule": RULES,
        "trainer": TRAINERS,
    }
    return catalogues[kind]


def _called(name: str, thing: Any, kind: type | tuple[type, ...], what: str, *arguments: Any) -> Any:
    """Return what calling `thing` gives, if it is what it should be."""
    try:
        made = thing(*arguments)
    except TypeError as error:
        raise RequestError(f"{name}: expected a function that returns {what} ({error})") from None
    if not isinstance(made, kind):
        raise RequestError(f"{name}: expected {what}, but calling it gave {type(made).__name__}")
    return made


def _variant(name: str, thing: Any) -> Any:
    import gans

    _called(name, thing, gans.Variant, "a gans.Variant")
    return thing


def _dataset(name: str, thing: Any) -> Any:
    from gans.data import Finite, Synthetic
    from gans.data.catalogue import Entry

    return Entry(
        summary=_first_line(thing),
        paper="",
        make=lambda _parameters, _cache, _download: _called(name, thing, (Finite, Synthetic), "a gans.data.Finite"),
    )


def _extractor(name: str, thing: Any) -> Any:
    from metrics.features import Entry, Extractor

    def make(weights: Path | None, *_: object) -> Any:
        return _called(name, thing, Extractor, "a metrics.Extractor", *([weights] if weights else []))

    return Entry(name=name, summary=_first_line(thing), paper="", logits=True, make=make)


def _metric(name: str, thing: Any) -> Any:
    import metrics
    from metrics.names import LITERATURE

    family = thing if isinstance(thing, metrics.Family) else _called(name, thing, metrics.Family, "a metrics.Family")
    if family.name in metrics.METRICS or family.name in LITERATURE.values():
        raise RequestError(f"{name}: {family.name!r} is the name of a metric of the catalogue; give yours another")
    return family


def _rule(name: str, thing: Any) -> Any:
    from orchestrator.stopping import Rule

    rule = _called(name, thing, object, "a stop rule")
    if not callable(rule) or not hasattr(rule, "needs") or not hasattr(rule, "__dataclass_fields__"):
        raise RequestError(f"{name}: expected a frozen dataclass as orchestrator.stopping.{Rule.__name__} describes it")
    return thing


def _trainer(name: str, thing: Any) -> Any:
    if not callable(thing):
        raise RequestError(f"{name}: expected a function train(config, watch), found {type(thing).__name__}")
    return thing


MAKERS: Mapping[str, Callable[[str, Any], Any]] = {
    "variant": _variant,
    "dataset": _dataset,
    "extractor": _extractor,
    "metric": _metric,
    "rule": _rule,
    "trainer": _trainer,
}
"""What stands in the catalogue of each kind for what a Python name means."""


def _first_line(thing: Any) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]
