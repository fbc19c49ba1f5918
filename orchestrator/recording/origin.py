"""Where a recorded run came from: its contender, and the attempt whose journal holds the truth about it."""

import json
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import RequestError
from orchestrator.home import Home, journal_of
from orchestrator.recording.artifacts import recorded_run
from orchestrator.recording.journal import Event, State

LONGEST_NAME = 150
"""How much of an experiment's name stands in that of one of its contenders that goes on by itself."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A recorded contender, as its journal tells it."""

    run_id: str
    contender: str
    state: State

    @property
    def ticks(self) -> list[Event]:
        """What was reported of it."""
        return [tick for tick in self.state.ticks if tick["contender"] == self.contender]

    @property
    def experiment(self) -> Event:
        """The experiment of its attempt."""
        return dict((self.state.attempt or {})["experiment"])

    @property
    def configuration(self) -> Event:
        """Its own part of it: variant, hyperparameters, data, budget."""
        return dict((self.state.attempt or {})["contenders"][self.contender])

    @property
    def onward(self) -> str:
        """The name under which it goes on by itself: its experiment's, unless that has other contenders to be kept."""
        name = str(self.experiment["name"])
        alone = len((self.state.attempt or {})["contenders"]) == 1
        return name if alone else f"{name[:LONGEST_NAME]}-{self.contender}"

    @property
    def trained(self) -> bool:
        """Was it trained by our own loop, up to a tick at least?"""
        baseline = self.configuration["variant"] in self.experiment.get("baselines", ())
        return (
            bool(self.ticks)
            and not baseline
            and "trainer" not in self.experiment
            and "generator" not in self.experiment
        )

    @property
    def seeds(self) -> list[int]:
        """Its seeds, in their order."""
        return [replica["seed"] for replica in self.ticks[-1]["replicas"]]

    @property
    def checkpoint(self) -> Path:
        """Where its last checkpoint is, or was."""
        return Path(self.ticks[-1]["checkpoint"])

    @property
    def held(self) -> list[int]:
        """The seeds whose state the last checkpoint holds."""
        return [state["seed"] for state in json.loads((self.checkpoint / "watch.json").read_text())]


def origin(home: Home, run_id: str) -> Origin:
    """Return the contender that was recorded under this run, or of which this run is a replica."""
    run = recorded_run(home, run_id)
    tags = run.tags
    if tags.get("arena.kind") == "replica":
        return origin(home, tags["mlflow.parentRunId"])
    if tags.get("arena.kind") != "contender":
        raise RequestError(f"run {run_id} is no contender and no replica; `ganarena runs` lists those that are")
    journal = _journal(home, run.experiment, int(tags["arena.attempt"]))
    return Origin(run_id=run.run_id, contender=tags["arena.contender"], state=State.read(journal))


def _journal(home: Home, name: str, attempt: int) -> Path:
    journal = journal_of(home.attempt(name, attempt))
    if not journal.exists():
        raise RequestError(f"{journal} is gone, and with it what {name!r} could go on from; train it from its start")
    return journal
