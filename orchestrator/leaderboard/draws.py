"""What the contenders of a search tell together, where they were drawn independently of each other."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from orchestrator.leaderboard.expected_best import expected_best
from orchestrator.leaderboard.importance import importance
from orchestrator.leaderboard.rows import Group, Row, searched

INDEPENDENT = ("random", "grid")
CHANGING = ("pbt",)
"""Under these schedulers a contender does not keep what was drawn for it."""
GOING_ON = ("running", "interrupted")


def searches(group: Group) -> list[list[Row]]:
    """Return the drawn contenders of each search of a group."""
    found: dict[tuple[str, int], list[Row]] = {}
    for row in group.rows:
        drawn = row.tags.get("arena.sampler") in INDEPENDENT and row.tags.get("arena.scheduler") not in CHANGING
        if drawn and not row.confirmed and not row.baseline:
            found.setdefault((row.experiment, row.attempt), []).append(row)
    return list(found.values())


def best_by_budget(group: Group) -> list[dict[str, Any]]:
    """Return the expected best against the budget of each search; none while some of its contenders go on."""
    told = []
    for rows in searches(group):
        going = sum(row.status in GOING_ON for row in rows)
        reason = f"not estimable yet: {going} of {len(rows)} contenders go on" if going else None
        points = (
            [] if going else expected_best(_scores(rows, group), _costs(rows), higher_is_better=group.higher_is_better)
        )
        told.append(_of(rows) | {"draws": len(rows), "reason": reason, "points": [asdict(point) for point in points]})
    return told


def importances(group: Group) -> list[dict[str, Any]]:
    """Return the importance of every searched parameter of each search, or why it has none."""
    told = []
    for rows in searches(group):
        scored = [(row, score) for row, score in zip(rows, _scores(rows, group), strict=True) if score is not None]
        names = ["variant", *searched(rows)]
        configurations = [{name: row.config[name] for name in names if name in row.config} for row, _ in scored]
        told.append(_of(rows) | asdict(importance(configurations, [score for _, score in scored], names)))
    return told


def _of(rows: Sequence[Row]) -> dict[str, Any]:
    return {"experiment": rows[0].experiment, "attempt": rows[0].attempt}


def _scores(rows: Sequence[Row], group: Group) -> list[float | None]:
    """Return the score of each contender; one that lost a replica has none."""
    return [row.scores[group.metric].value if row.order and not row.lost else None for row in rows]


def _costs(rows: Sequence[Row]) -> dict[str, list[float]]:
    """Return what each contender used, in every unit that is known of all."""
    units: dict[str, list[float | None]] = {
        "device_seconds": [row.device_seconds for row in rows],
        "images": [row.images_of_all for row in rows],
    }
    known = {unit: [paid for paid in spent if paid is not None] for unit, spent in units.items()}
    return {unit: spent for unit, spent in known.items() if len(spent) == len(rows)}
