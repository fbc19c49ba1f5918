"""Places and ranks: which row stands before which, who takes a rank, and what nobody betters at its cost."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.leaderboard.pareto import pareto
from orchestrator.leaderboard.rows import Row
from orchestrator.records import COSTS

FEWEST_SEEDS = 3
"""A mean of fewer takes no rank: its spread is all but unknown."""


def in_order(rows: Sequence[Row], metric: str, *, higher_is_better: bool) -> list[Row]:
    """Return the rows of a group, the best first, each with its place, its rank and the fronts that it stands on."""
    confirming = any(row.confirms for row in rows)
    told = [replace(row, unranked=_unranked(row, metric, confirming)) for row in rows]
    # Sorting is stable: of equal rows the first by name comes first.
    told.sort(key=lambda row: _order(row, metric, higher_is_better, confirming))
    ranked = _ranked(told, metric, higher_is_better)
    return _on_fronts(_with_optimism(ranked, metric), metric, higher_is_better)


def _unranked(row: Row, metric: str, confirming: bool) -> str | None:
    """Say why a row takes no rank, if it does not."""
    if row.baseline:
        return "baseline"
    if row.audited:
        return "audited"  # its search had dropped it, and may not select what only the audit kept
    if metric not in row.scores:
        return "no final score"
    if confirming and not row.confirmed:
        return "selected, not confirmed"
    if row.complete < FEWEST_SEEDS:
        return f"{row.complete} seed{'' if row.complete == 1 else 's'}, and a rank takes {FEWEST_SEEDS}"
    return None


def _order(row: Row, metric: str, higher: bool, confirming: bool) -> tuple[bool, bool, bool, bool, bool, bool, float]:
    """Confirmed before selected, complete before those with a lost replica, ranked before those of few seeds."""
    score = row.scores.get(metric)
    if score is None:
        return row.baseline, True, False, False, False, False, 0.0
    apart = confirming and not row.confirmed
    value = -score.value if higher else score.value
    return row.baseline, False, bool(row.audited), apart, row.lost, row.unranked is not None, value


def _ranked(rows: Sequence[Row], metric: str, higher: bool) -> list[Row]:
    """Give ranks with their sets: tested among the complete, while those with a lost replica stand behind by rule."""
    from orchestrator.leaderboard.ranking import rank_sets

    placed = _placed(rows, metric)
    torn = [row.rank for row in placed if row.rank and row.lost]
    behind = (min(torn), min(torn) + len(torn) - 1) if torn else (0, 0)
    tested = rank_sets([row.values for row in placed if row.rank and not row.lost], higher_is_better=higher)
    sets = iter([*tested, *(behind for _ in torn)])
    found = [(row, next(sets) if row.rank else (None, None)) for row in placed]
    return [replace(row, rank_low=low, rank_high=high) for row, (low, high) in found]


def _placed(rows: Sequence[Row], metric: str) -> list[Row]:
    """Give places from 1 to the scored rows, which are the ranks of those that take one; equal scores share."""
    placed: list[Row] = []
    for place, row in enumerate(rows, start=1):
        if row.baseline or row.audited or metric not in row.scores:
            placed.append(row)
            continue
        before = placed[-1] if placed else None
        same = before and _standing(before, metric) == _standing(row, metric)
        order = before.order if before and same else place
        placed.append(replace(row, order=order, rank=None if row.unranked else order))
    return placed


def _standing(row: Row, metric: str) -> tuple[float, bool, bool, bool]:
    return row.scores[metric].value, row.lost, row.confirmed, row.unranked is None


def _with_optimism(rows: Sequence[Row], metric: str) -> list[Row]:
    """Tell of each confirmed row how much better or worse its contender looked when it was selected."""
    selected = {
        (row.experiment, row.attempt, row.contender): row.scores[metric].value for row in rows if metric in row.scores
    }
    told = []
    for row in rows:
        before = selected.get((row.experiment, row.attempt, row.confirms or ""))
        known = before is not None and metric in row.scores
        told.append(replace(row, optimism=before - row.scores[metric].value) if known and before is not None else row)
    return told


def _on_fronts(rows: Sequence[Row], metric: str, higher: bool) -> list[Row]:
    """Tell of each row at which costs nobody is both better and cheaper, among those whose scores may be compared."""
    confirming = any(row.confirmed for row in rows)
    fair = [i for i, row in enumerate(rows) if row.order and not row.lost and row.confirmed == confirming]
    fronts = {}
    for cost in COSTS:
        spent = {i: getattr(rows[i], cost) for i in fair}
        points = {i: (rows[i].scores[metric].value, paid) for i, paid in spent.items() if paid is not None}
        fronts[cost] = set(pareto(points, (higher, False)))
    return [replace(row, pareto=[cost for cost in COSTS if i in fronts[cost]]) for i, row in enumerate(rows)]
