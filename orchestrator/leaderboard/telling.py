"""A leaderboard in plain values: flat rows for files and frames, and the document of the command."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from orchestrator.leaderboard.rows import SETTINGS, Group, Row
from orchestrator.records import COSTS, ForeignRecord, plain
from orchestrator.space import digest

UNKNOWN = "unranked: protocol unknown"
"""What is said of runs that something else recorded."""


def flat(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Return one flat row a contender, for CSV, Markdown and frames; every row has every column."""
    params = dict.fromkeys(name for group in groups for row in group.rows for name in row.config)
    names = [name for name in params if not name.startswith(SETTINGS)]
    keys = list(dict.fromkeys(key for group in groups for row in group.rows for key in row.scores))
    rows = []
    for group in groups:
        for row in group.rows:
            flat_row: dict[str, Any] = {"rank": row.rank, "rank_low": row.rank_low, "rank_high": row.rank_high}
            flat_row |= {"order": row.order, "unranked": row.unranked}
            flat_row |= {"experiment": row.experiment, "attempt": row.attempt, "contender": row.contender}
            flat_row |= {"variant": row.variant, "replicas": row.replicas, "metric": group.metric}
            for key in keys:
                score = row.scores.get(key)
                flat_row |= {
                    key: score and score.value,
                    f"{key}_low": score and score.low,
                    f"{key}_high": score and score.high,
                }
            flat_row |= {cost: getattr(row, cost) for cost in COSTS}
            flat_row |= {name: plain(row.config[name]) if name in row.config else None for name in names}
            flat_row |= {"status": row.status, "reason": row.reason, "run_id": row.run_ids[0]}
            flat_row |= {"protocol": digest(group.protocol), "budget_class": digest(group.budget_class)}
            rows.append(flat_row)
    return rows


def as_json(groups: Sequence[Group], foreign: Sequence[ForeignRecord] = ()) -> dict[str, Any]:
    """Return the document of `ganarena leaderboard --json`; `foreign` are runs that something else recorded."""
    return {
        "groups": [
            {
                "protocol": dict(group.protocol),
                "budget_class": dict(group.budget_class),
                "metric": group.metric,
                "searched": list(group.searched),
                "rows": [_told(row) for row in group.rows],
            }
            for group in groups
        ],
        "foreign": [asdict(run) | {"unranked": UNKNOWN} for run in foreign],
    }


def _told(row: Row) -> dict[str, Any]:
    told = {key: value for key, value in asdict(row).items() if key not in ("tags", "metrics")}
    return told | {"config": {name: plain(value) for name, value in row.config.items()}}
