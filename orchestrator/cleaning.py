"""Keeping house: which checkpoints and caches nobody needs any more, how much they hold, and freeing them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.errors import RequestError, did_you_mean
from orchestrator.home import Home, journal_of, journals, number_of
from orchestrator.recording.journal import State
from orchestrator.records import ContenderRecord


@dataclass(frozen=True, kw_only=True)
class Part:
    """One kind of thing that can be freed: the files to go, and in words what stays."""

    kind: str
    files: Sequence[Path]
    folder: Path
    kept: Sequence[str] = ()

    @property
    def bytes(self) -> int:
        """How much room the files take."""
        return sum(file.lstat().st_size for file in self.files)

    def free(self) -> None:
        """Remove the files, and the folders that are empty without them."""
        for file in self.files:
            file.unlink(missing_ok=True)
        for folder in sorted((each for each in self.folder.rglob("*") if each.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()

    def as_json(self, *, freed: bool) -> dict[str, Any]:
        """Return what `ganarena clean --json` lists."""
        told = {"kind": self.kind, "folder": str(self.folder), "files": len(self.files), "bytes": self.bytes}
        return told | {"kept": list(self.kept), "freed": freed}


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A contender that is to be pinned, or no longer, and whether it was."""

    run_id: str
    pinned: bool
    was: bool

    def told(self, *, done: bool) -> str:
        """Say what has become of it, or would."""
        if self.pinned == self.was:
            return f"{self.run_id} was {'pinned already' if self.pinned else 'not pinned'}"
        return f"{self.run_id} {'is now' if done else 'would be'} {'pinned' if self.pinned else 'unpinned'}"


def held(home: Home, name: str | None, *, cache: bool) -> AbstractContextManager[None]:
    """Return the right to clean: no writer may be at work on this name, and none at all while the cache is cleaned."""
    if name is not None:
        known(home, name)
        return home.writing(name)
    return home.idle() if cache else nullcontext()


def known(home: Home, name: str) -> None:
    """Refuse a name that no attempt was ever made under."""
    if not home.attempts(name):
        there = sorted({str(found) for state in _states(home) if (found := _name(state))})
        listed = f"there are {', '.join(there)}" if there else "nothing is recorded here yet"
        raise RequestError(f"no experiment {name!r} in {home.path}{did_you_mean(name, there)}; {listed}")


def checkpoints(home: Home, name: str, pins: Iterable[Pin] = ()) -> Part:
    """Return the checkpoints of an experiment that nobody goes on from.

    Kept are those that `--resume` would go on from, and the last ones of the best contender of every group of the
    leaderboard, and of contenders that are pinned, or will be by `pins`; generators and pictures are MLflow's and
    always stay.
    """
    from orchestrator.review.store import records

    recorded = records(home, [name], everything=True) if home.exists else []
    will_be = {pin.run_id: pin.pinned for pin in pins}
    worth = _worth_keeping([replace(each, pinned=will_be.get(each.run_id, each.pinned)) for each in recorded])
    files: list[Path] = []
    kept: list[str] = []
    for attempt in home.attempts(name):
        state = State.read(journal_of(attempt))
        reasons = {
            contender: "an attempt to resume" if not state.complete else worth.get((number_of(attempt), contender))
            for contender, standing in state.contenders.items()
            if standing.tick
        }
        stay = {}
        for contender, reason in reasons.items():
            if reason and (last := _last(attempt, state, contender)):
                stay[last] = f"{attempt.name} {contender}: {reason}"
        if not state.complete:
            stay = {
                source: f"{attempt.name} {slot}: its copy goes on from here" for slot, source in _copied(attempt, state)
            } | stay
        kept += stay.values()
        files += _outside(attempt, stay)
    return Part(kind="checkpoints", files=sorted(files), folder=home.experiment(name), kept=kept)


def cache(home: Home) -> Part:
    """Return what is computed or fetched again when it is needed: references, datasets, weights."""
    return Part(kind="cache", files=sorted(file for file in home.cache.rglob("*") if file.is_file()), folder=home.cache)


def pinning(home: Home, pins: Iterable[str], unpins: Iterable[str]) -> list[Pin]:
    """Return which contenders are asked to be pinned, or no longer, if all of these runs are there."""
    from orchestrator.recording.artifacts import contender_of, is_pinned
    from orchestrator.review.naming import run_id

    asked = {contender_of(home, run_id(home, run)): True for run in pins}
    for run in unpins:
        contender = contender_of(home, run_id(home, run))
        if asked.get(contender):
            raise RequestError(f"{run} is to be pinned and unpinned at once; give it to one of --pin and --unpin")
        asked[contender] = False
    return [Pin(run_id=each, pinned=pinned, was=is_pinned(home, each)) for each, pinned in asked.items()]


def pin(home: Home, pins: Iterable[Pin]) -> None:
    """Keep the checkpoints of contenders from every cleaning, or no longer."""
    from orchestrator.recording import artifacts

    for each in pins:
        if each.pinned != each.was:
            artifacts.pin(home, each.run_id, pinned=each.pinned)


def _worth_keeping(recorded: Iterable[ContenderRecord]) -> dict[tuple[int, str], str]:
    """Return why a contender's last checkpoint stays, by attempt and name."""
    from orchestrator.leaderboard import rank

    recorded = list(recorded)
    best = {
        (row.attempt, row.contender): "best of its group"
        for group in rank(recorded)
        for row in group.rows
        if row.order == 1
    }
    return best | {(record.attempt, record.contender): "pinned" for record in recorded if record.pinned}


def _last(attempt: Path, state: State, contender: str) -> Path | None:
    """Return the folder of a contender's last checkpoint, however the path to the home was written then."""
    tick = state.contenders[contender].tick
    return _here(attempt, tick["checkpoint"]) if tick else None


def _copied(attempt: Path, state: State) -> Iterator[tuple[str, Path]]:
    """Yield every open slot that became a copy, with its original's checkpoint: it may not have saved one since."""
    for contender, standing in state.contenders.items():
        if standing.cloned and not standing.ended and (source := _here(attempt, standing.cloned["checkpoint"])):
            yield contender, source


def _here(attempt: Path, checkpoint: str) -> Path | None:
    """Return where a checkpoint of this attempt lies now."""
    _, inside, rest = checkpoint.rpartition(f"/{attempt.name}/")
    return attempt / rest if inside else None


def _outside(attempt: Path, stay: Iterable[Path]) -> Iterator[Path]:
    """Yield the files below an attempt's folders that lie in none of those that stay; its own files are its records."""
    staying = set(stay)
    for folder in (each for each in attempt.iterdir() if each.is_dir()):
        for file in folder.rglob("*"):
            if not file.is_dir() and staying.isdisjoint(file.parents):
                yield file


def _states(home: Home) -> Iterator[State]:
    for experiment in home.experiments:
        yield from map(State.read, journals(experiment))


def _name(state: State) -> str | None:
    return state.attempt["experiment"]["name"] if state.attempt else None
