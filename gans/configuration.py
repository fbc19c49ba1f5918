"""Configurations are frozen values: how one is checked, and the strict door through which one is changed."""

import math
import os
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from reprlib import repr as short
from types import UnionType
from typing import Any, TypeVar

Value = TypeVar("Value")

WIDEST, LARGEST = 16_384, 65_536
"""Bounds of a width, and of a batch or a latent: beyond them lies a slip of the finger, told before memory runs out."""


class ConfigError(ValueError):
    """A request that cannot be meant as it stands; the message says what was expected, what came, and the way out."""


def override(config: Value, changes: dict[str, Any]) -> Value:
    """Return `config` with the dotted `changes` applied; a name it does not have is an error, never a no-op.

    All of them are applied at once: values may be valid together that are not so one after the other.
    """
    known = [field.name for field in fields(config)] if is_dataclass(config) else []
    new: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for path, value in changes.items():
        name, _, rest = path.partition(".")
        if name not in known:
            raise ConfigError(f"{type(config).__name__} has no {name!r} (from {path!r}); it has {', '.join(known)}")
        if rest:
            nested.setdefault(name, {})[rest] = value
        else:
            new[name] = value
    new |= {name: override(new.get(name, getattr(config, name)), inner) for name, inner in nested.items()}
    return replace(config, **new) if new else config  # type: ignore[type-var]


def describe(config: Any) -> Any:
    """`config` as plain JSON values, a dataclass as its fields under its type's name."""
    if is_dataclass(config) and not isinstance(config, type):
        shown = {field.name: describe(getattr(config, field.name)) for field in fields(config) if field.repr}
        return {"type": type(config).__name__, **shown}
    if isinstance(config, dict):
        return {str(key): describe(value) for key, value in config.items()}
    if isinstance(config, tuple | list):
        return [describe(value) for value in config]
    return config if config is None or isinstance(config, bool | int | float | str) else repr(config)


def differences(ours: Any, theirs: Any, at: str = "") -> list[str]:
    """Sentences such as `batch: 64 against 32`, one for each place where two descriptions differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted(ours.keys() | theirs.keys())
        nested = (differences(ours.get(key), theirs.get(key), f"{at}.{key}" if at else key) for key in keys)
        return [difference for found in nested for difference in found]
    return [] if ours == theirs else [f"{at}: {ours!r} against {theirs!r}"]


def expect(kind: type | UnionType, value: Any, wanted: str) -> None:
    """Refuse anything but a value of this kind; `wanted` says in words what is expected, and how one is made."""
    if not isinstance(value, kind):
        raise ConfigError(f"expected {wanted}, but {short(value)} came")


def as_path(name: str, value: Any) -> Path:
    """The path that `name` was given."""
    if not isinstance(value, str | os.PathLike):
        raise ConfigError(f"{name} must be a path, but {short(value)} came")
    return Path(value)


def whole(name: str, value: Any, *, least: int = 1, most: int | None = None) -> None:
    """Refuse anything but a whole number from `least` upwards, and up to `most` if there is one."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        plain = (
            "" if isinstance(value, int) or not hasattr(value, "__index__") else "; make it one of Python's by int()"
        )
        raise ConfigError(f"{name} must be a whole number of at least {least}, but {value!r} came{plain}")
    if most is not None and value > most:
        raise ConfigError(f"{name} must be a whole number of at most {most}, but {value!r} came; lower it")


def real(name: str, value: Any, *, above: float = -math.inf, least: float = -math.inf, below: float = math.inf) -> None:
    """Refuse anything but a finite number within the given limits."""
    sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not sound or not (value > above and value >= least and value < below):
        limits = [("above", above), ("of at least", least), ("below", below)]
        wanted = " and ".join(f"{word} {limit:g}" for word, limit in limits if math.isfinite(limit))
        raise ConfigError(f"{name} must be a finite number{' ' * bool(wanted)}{wanted}, but {value!r} came")
