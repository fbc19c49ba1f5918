"""The plan of an attempt: every contender, and the share of the machine that it gets, before anything starts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from orchestrator.config.models import Experiment, SearchExperiment
from orchestrator.environment import environment
from orchestrator.machine import Capacity, capacity
from orchestrator.recording.journal import Event, State
from orchestrator.resources import Need, largest
from orchestrator.search.notes import notes
from orchestrator.search.packs import packs
from orchestrator.space import Contender

ROOMY = 4e9
"""Bytes of memory for each trial with which nobody asks what trials need."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done, resolved to the last number before anything starts."""

    experiment: Experiment
    contenders: Mapping[str, Contender]
    slots: int
    threads: int
    device: str
    objectives: tuple[str, ...]
    directions: Mapping[str, bool]
    draws: int = 0
    """How many contenders are drawn as results come."""
    there: Capacity = field(default_factory=capacity)
    """What trials may occupy."""
    needs: Mapping[str, Need] = field(default_factory=dict)
    """What contenders will take, of those of which it is known."""

    @property
    def objective(self) -> str:
        """The score by which contenders are ranked."""
        return self.objectives[0]

    @property
    def expected(self) -> int:
        """How many contenders there will be."""
        return len(self.contenders) + self.draws

    @property
    def aims(self) -> dict[str, bool]:
        """Of each objective, whether more of it is better."""
        return {key: self.directions.get(key, False) for key in self.objectives}

    @property
    def higher_is_better(self) -> bool:
        """Is more of the objective better?"""
        return self.directions[self.objective]

    @property
    def ticks(self) -> int:
        """Ticks of one contender."""
        return -(-self.experiment.budget.amount // self.experiment.budget.tick)

    @property
    def confirmation(self) -> dict[str, Any] | None:
        """What is trained after the search: how many contenders, on which seeds, and what that adds to the replicas."""
        experiment = self.experiment
        if not isinstance(experiment, SearchExperiment) or not experiment.confirm:
            return None
        repeated = min(experiment.confirm.top, self.expected) + (0 if experiment.trainer else 1)
        seeds = list(experiment.confirm.seeds)
        return {"contenders": repeated, "seeds": seeds, "replicas": repeated * len(seeds)}

    def packed(self, state: State) -> list[list[str]]:
        """Return the contenders that train as one program, in this round of the attempt."""
        names = [name for name in state.contenders if (name in state.confirms) == state.searched]
        return packs([Contender.named(name, state.configurations[name]) for name in names], self.pack)

    @property
    def packs(self) -> list[list[str]]:
        """The contenders that train as one program, of those that are drawn before anything starts."""
        return packs(self.contenders.values(), self.pack)

    @property
    def pack(self) -> int:
        """How many contenders may train as one program."""
        return self.experiment.search.pack if isinstance(self.experiment, SearchExperiment) else 1

    @property
    def tight(self) -> bool:
        """Could memory be short? Then a few steps of each kind are worth their time; a GPU is left to the trials."""
        free = sum(node.memory for node in self.there.nodes) / self.slots
        return self.device == "cpu" and free < ROOMY

    def with_needs(self, needs: Mapping[str, Need]) -> "Plan":
        """Return the plan now that it is known what contenders take: no more at once than memory holds."""
        asked = self.experiment.resources
        fitting = self.there.holds(asked.cpus, asked.gpus, largest(need.memory for need in needs.values()) or 0)
        return replace(self, needs=needs, slots=max(1, min(self.slots, fitting)))

    @property
    def resources(self) -> dict[str, Any]:
        """What a trial gets, what it is expected to take at most, and what that means for the whole search."""
        asked, needs = self.experiment.resources, self.needs.values()
        seconds = sum(need.seconds for need in needs) / len(needs) if needs else None
        again = self.confirmation or {"replicas": 0}
        trials = len(self.packs) + self.draws + again["replicas"] / len(self.experiment.seeds)
        return {
            "cpus": asked.cpus,
            "gpus": asked.gpus,
            "threads": self.threads,
            "memory": largest(need.memory for need in needs),
            "gpu_memory": largest(need.gpu_memory for need in needs),
            "seconds": seconds,
            "slots": self.slots,
            "total_seconds": None if seconds is None else seconds * trials / self.slots,
        }

    @property
    def notes(self) -> list[str]:
        """What a person should know before this starts."""
        return notes(self)

    def as_json(self) -> dict[str, Any]:
        """Return what `--dry-run --json` prints."""
        return {
            "experiment": self.experiment.name,
            "contenders": {name: contender.configuration for name, contender in self.contenders.items()},
            "draws": self.draws,
            "replicas": len(self.experiment.seeds),
            "ticks": self.ticks,
            "slots": self.slots,
            "packs": self.packs,
            "threads": self.threads,
            "device": self.device,
            "objective": self.objective,
            "objectives": list(self.objectives),
            "confirmation": self.confirmation,
            "resources": self.resources,
            "needs": {name: asdict(need) for name, need in self.needs.items()},
            "notes": self.notes,
        }

    def of_attempt(self, state: State) -> "Plan":
        """Return the plan with the contenders that the attempt began with, whatever defaults have changed since."""
        recorded = state.attempt["contenders"] if state.attempt else {}
        begun = {name: Contender.named(name, configuration) for name, configuration in recorded.items()}
        return replace(self, contenders=begun, draws=state.undrawn)

    def event(self, attempt: int) -> Event:
        """Return the first line of the journal."""
        return {
            "kind": "attempt",
            "attempt": attempt,
            "folder": self.experiment.folder,
            "experiment": self.experiment.model_dump(mode="json", exclude_none=True),
            "contenders": {name: contender.configuration for name, contender in self.contenders.items()},
            "draws": self.draws,
            "objective": self.objective,
            "objectives": list(self.objectives),
            "directions": dict(self.directions),
            "ticks": self.ticks,
            "confirm": self.confirmation is not None,
            "environment": environment(self.device, self.threads),
        }
