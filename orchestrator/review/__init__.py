"""Review: what the store of a home holds, asked by name or by run."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.leaderboard import Group, latest, rank
from orchestrator.records import ContenderRecord, ForeignRecord, plain
from orchestrator.review.curves import Row, rows_of


def records(home: Home, names: Sequence[str] = (), *, everything: bool = False) -> list[ContenderRecord]:
    """Return the recorded contenders, of each experiment its latest attempt unless `everything`."""
    if not home.exists:
        return []
    from orchestrator.recording.reading import read
    from orchestrator.recording.recorder import flush

    flush(home)
    found = read(home, names)
    missing = set(names) - {record.experiment for record in found}
    if missing and (missing := missing - {run.experiment for run in foreign(home, names)}):
        known = sorted({record.experiment for record in read(home)})
        there = f"there are {', '.join(known)}" if known else "none is recorded yet"
        raise RequestError(f"no experiment {sorted(missing)[0]!r} in {home.path}; {there}")
    return found if everything else latest(found)


def foreign(home: Home, names: Sequence[str] = ()) -> list[ForeignRecord]:
    """Return the runs of the store that something else recorded."""
    if not home.exists:
        return []
    from orchestrator.recording.reading import read_foreign

    return read_foreign(home, names)


def groups(
    home: Home, names: Sequence[str] = (), *, metric: str | None = None, everything: bool = False
) -> list[Group]:
    """Return the leaderboard of a home."""
    return rank(records(home, names, everything=everything), metric=metric)


def curves(home: Home, names: Sequence[str] = (), *, everything: bool = False) -> list[Row]:
    """Return what every replica scored at every tick."""
    return rows_of(home, records(home, names, everything=everything))


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
    from shutil import copyfile

    from orchestrator.config.name import folder_name
    from orchestrator.recording.artifacts import picture

    if not (found := picture(home, run_id)):
        return None
    home.reports.mkdir(parents=True, exist_ok=True)
    target = home.reports / f"{folder_name(name)}-best.png"
    copyfile(found, target)
    return target
