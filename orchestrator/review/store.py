"""What the store of a home holds, asked by name."""

from collections.abc import Sequence

from orchestrator.errors import RequestError, expect
from orchestrator.home import Home
from orchestrator.leaderboard import Group, latest, rank
from orchestrator.records import ContenderRecord, ForeignRecord


def records(home: Home, names: Sequence[str] = (), *, everything: bool = False) -> list[ContenderRecord]:
    """Return the recorded contenders, of each experiment its latest attempt unless `everything`."""
    for name in names:
        expect(str, name, "the name of an experiment")
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
