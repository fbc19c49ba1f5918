"""The best contender of a leaderboard, and its picture where a person finds it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from shutil import copyfile
from typing import Any

from orchestrator.config.name import folder_name
from orchestrator.home import Home
from orchestrator.leaderboard import Group
from orchestrator.records import plain


def best(ranked: Sequence[Group]) -> dict[str, Any] | None:
    """Return the first of the largest group that has a score."""
    for group in sorted(ranked, key=lambda each: -len(each.rows)):
        for row in group.rows:
            if row.order == 1:
                return {
                    "run_id": row.run_ids[0],
                    "variant": row.variant,
                    "config": {name: plain(text) for name, text in row.config.items()},
                    "scores": {key: asdict(score) for key, score in row.scores.items()},
                }
    return None


def keep_picture(home: Home, run_id: str, name: str) -> Path | None:
    """Copy the sample picture of a contender to where a person finds it."""
    from orchestrator.recording.artifacts import picture

    if not (found := picture(home, run_id)):
        return None
    home.reports.mkdir(parents=True, exist_ok=True)
    target = home.reports / f"{folder_name(name)}-best.png"
    copyfile(found, target)
    return target
