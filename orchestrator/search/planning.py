"""The plan of an attempt: every contender, and the share of the machine that it gets, before anything starts."""

import os
import platform
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from orchestrator.config.models import Experiment, SearchExperiment, StudyExperiment
from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.recording.journal import Event, State
from orchestrator.space import Contender, contenders

Announce = Callable[[Event, State], None]
"""Called after every event with what it added up to: the live view, or nothing."""

RECORDED_VERSIONS = ("ganarena", "torch", "torchvision", "torchmetrics", "ray", "mlflow", "numpy")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done, resolved to the last number before anything starts."""

    experiment: Experiment
    contenders: Mapping[str, Contender]
    slots: int
    threads: int
    device: str
    objective: str
    directions: Mapping[str, bool]

    @property
    def higher_is_better(self) -> bool:
        """Is more of the objective better?"""
        return self.directions[self.objective]

    @property
    def ticks(self) -> int:
        """Ticks of one contender."""
        return -(-self.experiment.budget.amount // self.experiment.budget.tick)

    def as_json(self) -> dict[str, Any]:
        """Return what `--dry-run --json` prints."""
        return {
            "experiment": self.experiment.name,
            "contenders": {name: contender.configuration for name, contender in self.contenders.items()},
            "replicas": len(self.experiment.seeds),
            "ticks": self.ticks,
            "slots": self.slots,
            "threads": self.threads,
            "device": self.device,
            "objective": self.objective,
        }

    def event(self, attempt: int) -> Event:
        """Return the first line of the journal."""
        return {
            "kind": "attempt",
            "attempt": attempt,
            "folder": self.experiment.folder,
            "experiment": self.experiment.model_dump(mode="json", exclude_none=True),
            "contenders": {name: contender.configuration for name, contender in self.contenders.items()},
            "objective": self.objective,
            "directions": dict(self.directions),
            "ticks": self.ticks,
            "environment": environment(self.device, self.threads),
        }


def make_plan(experiment: Experiment, home: Home, device: str, *, write: bool) -> Plan:
    """Resolve an experiment: load its data, try its judge, draw its contenders; without `write` leave no trace."""
    import gans
    import metrics
    from orchestrator.judging import Judge, load_data

    cache = home.cache if write else None
    sources = experiment.study.data if isinstance(experiment, StudyExperiment) else [experiment.data]  # type: ignore[attr-defined]
    drawn = contenders(experiment)
    if not drawn:
        raise RequestError("the space holds no contender; widen it, or raise search.contenders")
    directions: dict[str, bool] = {}
    objective = ""
    for source in sources:
        dataset = load_data(source, cache=cache)
        judge = Judge(dataset, experiment.evaluation, cache=cache)
        for name in sorted({contender.variant for contender in drawn if contender.data == source.spec}):
            if reason := gans.variant(name).supports(dataset):
                raise RequestError(
                    f"{name} cannot learn {dataset.name}: {reason}; choose another variant or other data"
                )
        for family in experiment.evaluation.metrics:
            entry = metrics.METRICS[family]
            directions |= dict.fromkeys(entry.keys(judge.extractor.name), entry.higher_is_better)
        objective = metrics.key(experiment.objective, judge.extractor.name)
    threads = max(1, int(experiment.resources.cpus))
    return Plan(
        experiment=experiment,
        contenders={contender.name: contender for contender in drawn},
        slots=slots(experiment, len(drawn)),
        threads=threads,
        device=device,
        objective=objective,
        directions=directions,
    )


def slots(experiment: Experiment, contenders_: int) -> int:
    """Return how many contenders train at once on this machine; a request that never fits is refused."""
    import torch

    cpus, gpus = cores(), torch.cuda.device_count()
    asked = experiment.resources
    for what, wanted, there in (("cpus", asked.cpus, cpus), ("gpus", asked.gpus, gpus)):
        if wanted > there:
            raise RequestError(
                f"resources.{what}: one trial asks for {wanted:g}, this machine has {there}; ask for less"
            )
    fitting = int(min(cpus / asked.cpus, gpus / asked.gpus if asked.gpus else float("inf")))
    parallel = experiment.search.parallel if isinstance(experiment, SearchExperiment) else "auto"
    return max(1, min(fitting, contenders_, fitting if parallel == "auto" else parallel))


def cores() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
