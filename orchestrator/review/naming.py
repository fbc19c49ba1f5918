"""Which run is meant: an id, the beginning of one, or EXPERIMENT/INDEX, which is a contender of the latest attempt."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.errors import RequestError, did_you_mean, expect
from orchestrator.home import Home
from orchestrator.leaderboard.grouping import latest
from orchestrator.records import ContenderRecord, ReplicaRecord
from orchestrator.review import store

SHORTEST_PREFIX = 4
WHOLE = re.compile("[0-9a-f]{32}|models:/.*")
"""What needs no search among the records: the id of a run, or the address of a registered generator."""

WORDS = "a run: an id, the beginning of one, or EXPERIMENT/INDEX"


@dataclass(frozen=True)
class Meant:
    """A recorded contender, or one replica of it."""

    contender: ContenderRecord
    replica: ReplicaRecord | None = None

    @property
    def run_id(self) -> str:
        """The run of the replica, or else of the contender."""
        return self.contender.run_id if self.replica is None else self.replica.run_id

    @property
    def replicas(self) -> Sequence[ReplicaRecord]:
        """That one, or else all of them."""
        return self.contender.replicas if self.replica is None else [self.replica]


def run_id(home: Home, asked: str) -> str:
    """Return the id of the run that is meant; whether there is one of a whole id, its reader finds out."""
    expect(str, asked, WORDS)
    if not home.exists:
        raise RequestError(f"nothing is recorded in {home.path}; run `ganarena demo` first, or give another --home")
    if WHOLE.fullmatch(asked):
        return asked
    return find(asked, store.records(home, everything=True)).run_id


def find(asked: str, records: Sequence[ContenderRecord]) -> Meant:
    """Return the run that is meant among these."""
    expect(str, asked, WORDS)
    experiment, _, index = asked.rpartition("/")
    return _at(experiment, index, records) if experiment else _beginning(asked, records)


def _at(experiment: str, index: str, records: Sequence[ContenderRecord]) -> Meant:
    newest = latest(records)
    there = [record for record in newest if record.experiment == experiment]
    if found := next((record for record in there if _is(record, index)), None):
        return Meant(found)
    asked = f"{experiment}/{index}"
    if not there:
        hint = did_you_mean(experiment, {record.experiment for record in newest})
        raise RequestError(f"no run {asked!r}: no experiment is called {experiment!r}{hint}; `ganarena runs` lists all")
    numbers = sorted(int(record.contender.partition("-")[0]) for record in there)
    told = f"contenders {numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"one contender, {numbers[0]}"
    raise RequestError(f"no run {asked!r}: the latest attempt of {experiment} has {told}")


def _beginning(asked: str, records: Sequence[ContenderRecord]) -> Meant:
    runs = {meant.run_id: meant for record in records for meant in _runs(record)}
    if asked in runs:
        return runs[asked]
    started = [run for run in runs if len(asked) >= SHORTEST_PREFIX and run.startswith(asked)]
    if len(started) == 1:
        return runs[started[0]]
    if started:
        told = ", ".join(started[:4])
        raise RequestError(f"{asked!r} begins {len(started)} runs ({told}); write more of the one that you mean")
    raise RequestError(
        f"no run {asked!r}{did_you_mean(asked, runs)}; `ganarena runs` lists them: give an id, at least"
        f" {SHORTEST_PREFIX} signs of its beginning, or EXPERIMENT/INDEX"
    )


def _runs(record: ContenderRecord) -> Iterator[Meant]:
    yield Meant(record)
    for replica in record.replicas:
        yield Meant(record, replica)


def _is(record: ContenderRecord, index: str) -> bool:
    number, _, _ = record.contender.partition("-")
    return index == record.contender or (index.isdecimal() and number.isdecimal() and int(index) == int(number))
