"""The plan of an attempt: every contender, and the share of the machine that it gets, before anything starts."""

import platform
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from orchestrator.config.document import Location
from orchestrator.config.generator import Generator
from orchestrator.config.models import Experiment, SearchExperiment, StudyExperiment
from orchestrator.config.search import SECONDS
from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.machine import Capacity, capacity
from orchestrator.recording.journal import Event, State
from orchestrator.resources import Need, largest
from orchestrator.search.packs import packs
from orchestrator.space import STARTUP, Contender, contenders, digest, draws, kind

Announce = Callable[[Event, State], None]
"""Called after every event with what it added up to: the live view, or nothing."""

RECORDED_VERSIONS = ("ganarena", "torch", "torchvision", "torchmetrics", "ray", "mlflow", "numpy")


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
        found = []
        if self.draws and self.draws < STARTUP + self.slots:
            found.append(
                f"the first {STARTUP} contenders are drawn at random, for results decide once so many have ended;"
                f" with {self.draws} in all and {self.slots} at once nothing is left to decide"
            )
        if len({digest(contender.configuration) for contender in self.contenders.values()}) < len(self.contenders):
            found.append("some contenders are equal, for the space leaves too little to draw; they will train alike")
        if isinstance(self.experiment, SearchExperiment) and self.experiment.search.scheduler == "pbt":
            kinds = {kind(contender, self.experiment.space) for contender in self.contenders.values()}
            if len(kinds) == len(self.contenders):
                found.append("no two slots share an architecture, so none can go on as a copy of another")
        averaged = {
            contender.hyperparameters.get("ema_half_life") is not None for contender in self.contenders.values()
        }
        if len(averaged) > 1:
            found.append(
                "some generators are averaged and some are raw, so they will not be ranked against each other;"
                " one `ema_half_life` under hyperparameters puts all into one group"
            )
        memory, free = (
            largest(need.memory for need in self.needs.values()),
            max(node.memory for node in self.there.nodes),
        )
        if memory and memory > free:
            found.append(
                f"one trial is expected to take {memory / 1e9:.1f} GB of memory, and no node has more than"
                f" {free / 1e9:.1f} GB free; where it does not suffice, fewer replicas train at once"
            )
        return found

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


def make_plan(experiment: Experiment, home: Home, device: str, *, write: bool, cluster: Capacity | None = None) -> Plan:
    """Resolve an experiment: load its data, try its judge, draw its contenders.

    Nothing is written but, with `write`, a dataset that the file allows to be downloaded.
    """
    import gans
    import metrics
    from orchestrator.config.checks import located
    from orchestrator.judging import Judge
    from orchestrator.trial import metering

    document = experiment.document
    if experiment.log_system_metrics:
        with located(document, ("log_system_metrics",)):
            metering.check(device)
    there = cluster or capacity()
    fitting = _fitting(experiment, there)
    drawn = contenders(experiment)
    total = len(drawn) + draws(experiment)
    if not total:
        raise RequestError("the space holds no contender; widen it, or raise search.contenders")
    directions: dict[str, bool] = {}
    objectives: tuple[str, ...] = ()
    for place, source in experiment.sources.items():
        with located(document, place):
            keep = write and source.download
            dataset = gans.data.load(source.spec, cache=home.cache, download=source.download, keep=keep)
        if isinstance(experiment, SearchExperiment) and experiment.trainer:
            with located(document, ("generator", "range")):
                (experiment.generator or Generator()).check(dataset.kind)
        with located(document, ("evaluation", "extractor")):
            extractor = Judge(dataset, experiment.evaluation, cache=home.cache).extractor
        for name, written in _variants(experiment).items():
            if reason := gans.variant(name).supports(dataset):
                message = f"{name} cannot learn {dataset.name}: {reason}; choose another variant or other data"
                document.fail(written, message)
        for index, family in enumerate(experiment.evaluation.metrics):
            with located(document, ("evaluation", "metrics", index)):
                metrics.check([family], extractor, dataset.modes)
            entry = metrics.METRICS[family]
            directions |= dict.fromkeys(entry.keys(extractor.name), entry.higher_is_better)
        objectives = tuple(
            family if family == SECONDS else metrics.key(family, extractor.name) for family in experiment.objectives
        )
    searched = experiment.search if isinstance(experiment, SearchExperiment) else None
    parallel = searched.parallel if searched else "auto"
    trials = len(packs(drawn, searched.pack if searched else 1)) + draws(experiment)
    return Plan(
        experiment=experiment,
        contenders={contender.name: contender for contender in drawn},
        slots=max(1, min(fitting, trials, fitting if parallel == "auto" else parallel)),
        threads=max(1, int(experiment.resources.cpus)),
        device=device,
        objectives=objectives,
        directions=directions,
        draws=draws(experiment),
        there=there,
    )


def _fitting(experiment: Experiment, there: Capacity) -> int:
    """Return how many trials fit at once; one that never fits is refused."""
    asked = experiment.resources
    if refused := there.refusal(asked.cpus, asked.gpus):
        what, message = refused
        experiment.document.fail(("resources", what) if what else ("resources",), message)
    return there.holds(asked.cpus, asked.gpus)


def _variants(experiment: Experiment) -> dict[str, Location]:
    """Return every variant that may train, with its place in the file."""
    if isinstance(experiment, StudyExperiment):
        return {name: ("study", "variants", index) for index, name in enumerate(experiment.study.variants)}
    assert isinstance(experiment, SearchExperiment)  # noqa: S101  (the two kinds of file)
    if experiment.trainer:
        return {}
    if chosen := experiment.space.get("variant"):
        return {str(name): ("space", "variant", "choice", index) for index, name in enumerate(chosen.choice or ())}
    return {str(experiment.variant): ("variant",)}


def environment(device: str, threads: int) -> dict[str, str]:
    """Return what a repetition must share: versions, device, threads, and the commit of the source tree."""
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device,
        "threads": str(threads),
    }
    for package in RECORDED_VERSIONS:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "source tree"
    source = Path(__file__).parent.parent
    if (source / ".git").exists():
        asked = subprocess.run(  # noqa: S603
            ["git", "-C", str(source), "rev-parse", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        found["commit"] = asked.stdout.strip() or "unknown"
    return found
