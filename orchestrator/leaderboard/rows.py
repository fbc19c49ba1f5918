"""What a leaderboard shows: a row for each contender, in groups whose rows may be compared."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.records import ScoreRecord

SETTINGS = ("variant", "seeds", "data.", "budget.")
"""How the params begin that are not hyperparameters."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One contender: its place, its score, and what it cost."""

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    """The ranks that its seeds cannot rule out, for all rows of the group at once with 95 % confidence."""
    order: int | None
    """Its place among the scored ones; those that take a rank come first."""
    unranked: str | None
    """Why it takes no rank."""
    contender: str
    experiment: str
    attempt: int
    variant: str
    config: Mapping[str, str]
    replicas: int
    complete: int
    confirmed: bool
    """Was it trained on new seeds, after a contender had been selected?"""
    confirms: str | None
    """The selected contender that it repeats."""
    optimism: float | None
    """The score that its contender was selected with, less the one that it confirmed."""
    baseline: bool
    """Was it fitted without a game? Then it stands apart."""
    audited: str | None
    """Why it would have been pruned, had it not been kept by an audit; it stands apart as well."""
    mark: str | None
    """What a reader must know of the row's score: it is that of the lucky survivors."""
    alarms: Mapping[str, str]
    """Rules that fired and did not stop it: how many replicas, and what the first was told."""
    values: Sequence[float]
    """The final scores of its seeds, by the metric of the group."""
    scores: Mapping[str, ScoreRecord]
    last: Mapping[str, float]
    steps: int
    images: int
    images_of_all: int
    """Of all replicas together; `images` are those of one."""
    seconds: float
    device_seconds: float | None
    parameters: int | None
    pareto: Sequence[str]
    """The costs at which nobody is both better and cheaper."""
    status: str
    reason: str | None
    run_ids: Sequence[str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]

    @property
    def lost(self) -> bool:
        """Does its score leave out a replica?"""
        return self.complete < self.replicas

    @property
    def place(self) -> str:
        """How its place is shown: a rank, in brackets the place of one that takes none, or a dash."""
        if self.rank:
            return str(self.rank)
        return f"({self.order})" if self.order else "-"

    @property
    def observed(self) -> list[str]:
        """The rules that fired and did not stop it, each with how many of its replicas it is about."""
        return [f"{rule} observed in {told.partition(' at ')[0]}" for rule, told in self.alarms.items()]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows that may be compared: equal protocol, equal budget class, one metric."""

    protocol: Mapping[str, Any]
    budget_class: Mapping[str, Any]
    metric: str
    higher_is_better: bool
    searched: Sequence[str]
    """The hyperparameters that differ between contenders of one variant, whichever rows are shown."""
    rows: Sequence[Row]


def searched(rows: Iterable[Row]) -> list[str]:
    """Return the hyperparameters that differ between contenders of one variant."""
    seen: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        for name, value in row.config.items():
            if not name.startswith(SETTINGS):
                seen.setdefault((name, row.variant), set()).add(value)
    return list(dict.fromkeys(name for (name, _), values in seen.items() if len(values) > 1))
