"""The result of a search with several objectives: whom no other betters in all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.config.search import SECONDS
from orchestrator.leaderboard.pareto import pareto
from orchestrator.leaderboard.rows import Group, Row


def front(ranked: Sequence[Group], aims: Mapping[str, bool]) -> list[dict[str, Any]]:
    """Return the front by final scores, within the largest group that has one; the best in the first aim comes first.

    `aims` says of each score, and perhaps of `seconds`, whether more of it is better.
    """
    for group in sorted(ranked, key=lambda each: -len(each.rows)):
        rows = {row.contender: row for row in group.rows if not row.mark and not row.baseline}
        points = {
            name: [values[aim] for aim in aims]
            for name, row in rows.items()
            if aims.keys() <= (values := _values(row)).keys()
        }
        if points:
            return [
                {
                    "contender": name,
                    "run_id": rows[name].run_ids[0],
                    "variant": rows[name].variant,
                    "values": dict(zip(aims, points[name], strict=True)),
                }
                for name in pareto(points, [*aims.values()])
            ]
    return []


def _values(row: Row) -> dict[str, float]:
    """Return what a row came to, if it was scored finally."""
    scores = {key: score.value for key, score in row.scores.items()}
    return scores | {SECONDS: row.seconds} if scores else {}
