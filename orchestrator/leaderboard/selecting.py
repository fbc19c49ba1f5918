"""Which rows of a leaderboard are shown, and in which order; no rank is changed by looking at fewer rows."""

import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite, isnan
from typing import Any

from orchestrator.errors import RequestError, did_you_mean, expect
from orchestrator.leaderboard.rows import Group, Row
from orchestrator.records import COSTS

STATUSES = ("running", "finished", "stopped", "pruned", "failed", "interrupted")
LEFT_OUT = ("stopped", "pruned", "failed")
"""Of these a table shows only the scored ones, unless it is asked for them."""
COLUMNS = ("rank", "order", "experiment", "attempt", "contender", "variant", "replicas", *COSTS, "status", "reason")
MOST_NAMES = 12
"""How many names an error lists."""
EQUALITY = ("=", "!=")
"""Comparisons that words know as well."""
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
CONDITION = re.compile(r"\s*([^<>=!\s]+)\s*(<=|>=|!=|<|>|=)=?\s*(.+?)\s*")


@dataclass(frozen=True)
class Condition:
    """A name, a comparison and a value, as in `generator_lr<1e-3`; what a row does not have fulfils none."""

    name: str
    comparison: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Return the condition that a text means."""
        expect(str, text, "a condition, such as 'generator_lr<1e-3'")
        found = CONDITION.fullmatch(text)
        if not found:
            raise RequestError(
                f"--where {text!r}: expected NAME, one of < <= = != >= >, and a value, as in 'generator_lr<1e-3'"
            )
        condition = cls(*found.groups())
        asked = _comparable(condition.value)
        if condition.orders and not (isinstance(asked, float) and isfinite(asked)):
            raise RequestError(
                f"--where {text!r}: expected a finite number after {condition.comparison}, found {condition.value!r};"
                " words are compared by = and != only"
            )
        return condition

    @property
    def orders(self) -> bool:
        """Does it ask for more or less, which only numbers have?"""
        return self.comparison not in EQUALITY

    def __call__(self, row: Row) -> bool:
        """Does this row fulfil it? Numbers are compared as numbers, words only for being the same."""
        there, asked = _comparable(known(row).get(self.name)), _comparable(self.value)
        if there is None:
            return False
        if isinstance(there, str) or isinstance(asked, str):
            return not self.orders and COMPARISONS[self.comparison](str(there), str(asked))
        return COMPARISONS[self.comparison](there, asked)


def known(row: Row) -> dict[str, Any]:
    """Return all that a row can be asked for: columns, scores, params, tags and metrics, by name."""
    named: dict[str, Any] = {key.removeprefix("arena."): value for key, value in row.tags.items()}
    named |= {**row.tags, **row.metrics, **row.last, **row.config}
    for key, score in row.scores.items():
        named |= {key: score.value, f"{key}_low": score.low, f"{key}_high": score.high}
    return named | {name: getattr(row, name) for name in COLUMNS}


def select(groups: Iterable[Group], where: Sequence[str] = (), statuses: Sequence[str] | None = None) -> list[Group]:
    """Return the groups with those rows that fulfil every condition and have one of the statuses."""
    groups, conditions = list(groups), [Condition.parse(text) for text in where]
    for condition in conditions:
        _checked(condition.name, groups, "--where")
        if condition.orders:
            _ordered(condition, groups)
    shown = [
        replace(group, rows=[row for row in group.rows if all(condition(row) for condition in conditions)])
        for group in groups
    ]
    if statuses is not None:
        shown = [replace(group, rows=[row for row in group.rows if row.status in statuses]) for group in shown]
    return shown


def arrange(groups: Iterable[Group], name: str) -> list[Group]:
    """Return the groups with their rows sorted by `name`, the smallest first; `-name` turns it round."""
    groups, turned = list(groups), name.startswith("-")
    _checked(name.removeprefix("-"), groups, "--sort")
    return [replace(group, rows=_sorted(group.rows, name.removeprefix("-"), turned=turned)) for group in groups]


def on_front(groups: Iterable[Group], cost: str) -> list[Group]:
    """Return the groups with those rows that nobody beats both in quality and at this cost, the cheapest first."""
    return arrange(
        [replace(group, rows=[row for row in group.rows if cost in row.pareto]) for group in groups],
        cost,
    )


def without_lost(groups: Iterable[Group]) -> tuple[list[Group], Counter[str]]:
    """Leave out what was stopped, pruned or failed without a final score; say how many of each status those are."""
    shown, hidden = [], Counter[str]()
    for group in groups:
        left = [row for row in group.rows if row.order is None and row.status in LEFT_OUT]
        hidden += Counter(row.status for row in left)
        shown.append(replace(group, rows=[row for row in group.rows if row not in left]))
    return shown, hidden


def _checked(name: str, groups: Sequence[Group], option: str) -> None:
    names = {each for group in groups for row in group.rows for each in known(row)}
    if names and name not in names:
        useful = [
            *dict.fromkeys(group.metric for group in groups),
            *(name for group in groups for name in group.searched),
            *COLUMNS,
        ]
        listed = [each for each in dict.fromkeys(useful) if each in names][:MOST_NAMES]
        told = f"there are {', '.join(listed)}, and any other score, param or tag"
        raise RequestError(f"{option} {name!r}: nothing recorded has this name{did_you_mean(name, names)}; {told}")


def _ordered(condition: Condition, groups: Sequence[Group]) -> None:
    """Refuse to ask for more or less of what is nowhere a number."""
    there = {_comparable(known(row).get(condition.name)) for group in groups for row in group.rows} - {None}
    if there and all(isinstance(value, str) for value in there):
        raise RequestError(
            f"--where '{condition.name}{condition.comparison}{condition.value}': {condition.name} holds words, for"
            f" example {min(map(str, there))!r}, which have no order; use = or !="
        )


def _sorted(rows: Sequence[Row], name: str, *, turned: bool) -> list[Row]:
    values = [(row, _comparable(known(row).get(name))) for row in rows]
    numbers = sorted(
        ((row, value) for row, value in values if isinstance(value, float)), key=lambda each: each[1], reverse=turned
    )
    words = sorted(
        ((row, value) for row, value in values if isinstance(value, str)), key=lambda each: each[1], reverse=turned
    )
    return [row for row, _ in (*numbers, *words)] + [row for row, value in values if value is None]


def _comparable(value: Any) -> float | str | None:
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        return str(value)
    return str(value) if isnan(number) else number
