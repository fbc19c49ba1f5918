"""What review reads: contenders and their replicas as plain values, whatever store they came from."""

import json
from ast import literal_eval
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COSTS = ("seconds", "device_seconds", "images", "steps", "parameters")
"""What a contender's quality is held against."""


@dataclass(frozen=True, kw_only=True)
class ScoreRecord:
    """A recorded score; the interval is 95 %, and null where none is valid."""

    value: float
    low: float | None
    high: float | None
    higher_is_better: bool


@dataclass(frozen=True, kw_only=True)
class ReplicaRecord:
    """One seed of a contender."""

    run_id: str
    seed: int
    status: str
    reason: str | None
    step: int
    images: int
    seconds: float
    final: Mapping[str, ScoreRecord]
    last: Mapping[str, float]
    fired: Mapping[str, str] = field(default_factory=dict)
    """Rule -> what it said; those that only observed as well."""
    device_seconds: float | None = None
    """Seconds times the GPUs that it held, or the CPUs where it held none."""
    parameters: int | None = None
    """Numbers that learn, of both players."""


@dataclass(frozen=True, kw_only=True)
class ContenderRecord:
    """One contender of one attempt, with all of its replicas."""

    run_id: str
    experiment: str
    attempt: int
    contender: str
    variant: str
    status: str
    reason: str | None
    objective: str | None
    protocol: Mapping[str, Any] | None
    budget_class: Mapping[str, Any] | None
    params: Mapping[str, str]
    replicas: Sequence[ReplicaRecord] = field(default_factory=tuple)
    baseline: bool = False
    """Was it fitted without a game? Then it is shown and never ranked."""
    audited: str | None = None
    """Why the scheduler would have pruned it, if it went on as an audit; it is shown and never ranked."""
    confirms: str | None = None
    """The selected contender that it repeats on new seeds, or `default` for the variant's defaults."""
    pinned: bool = False
    """Are its checkpoints kept, whatever is cleaned?"""
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ForeignRecord:
    """A run that something else recorded in the same store: nobody knows what its numbers mean."""

    run_id: str
    experiment: str
    name: str
    status: str


def plain(param: str) -> Any:
    """Return the value that a param was, for MLflow keeps them as text: a number, a list of seeds, none, or a word."""
    try:
        value = literal_eval(param)
        json.dumps(value, allow_nan=False)  # text that only looks like Python, such as 1j, stays text
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return param
    return list(value) if isinstance(value, tuple) else value
