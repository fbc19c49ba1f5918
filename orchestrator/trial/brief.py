"""What every trial of an attempt is told."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.code import Code
from orchestrator.config.budget import Budget
from orchestrator.config.engine import Engine
from orchestrator.config.evaluation import Evaluation
from orchestrator.config.generator import Generator
from orchestrator.config.models import Experiment, SearchExperiment
from orchestrator.config.stop import Stop

if TYPE_CHECKING:
    from orchestrator.home import Home
    from orchestrator.search.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What every trial of an attempt is told; it travels to the workers once."""

    evaluation: Evaluation
    budget: Budget
    seeds: tuple[int, ...]
    stop: tuple[Stop, ...]
    objective: str
    cache: Path | None
    device: str = "cpu"
    threads: int = 1
    processes: int = 1
    engine: Engine = field(default_factory=Engine)
    deadline: float = math.inf
    """When nobody starts any more, by the clock on the wall."""
    together: int | None = None
    """So many replicas train at once, where memory did not suffice for all."""
    log_system_metrics: bool = False
    code: Code = field(default_factory=Code)
    trainer: str | None = None
    generator: Generator = field(default_factory=Generator)
    begun_in: str = ""
    """The folder that the driver was started in, which Ray puts first on every worker's path."""

    @classmethod
    def of(cls, plan: "Plan", home: "Home", seeds: tuple[int, ...] | None = None) -> "Brief":
        """Return what the trials of this plan need to know, on the experiment's seeds or on others."""
        experiment = plan.experiment
        return cls(
            evaluation=experiment.evaluation,
            budget=experiment.budget,
            seeds=seeds or experiment.seeds,
            stop=experiment.stop,
            objective=experiment.objective,
            cache=home.cache,
            device=plan.device,
            threads=plan.threads,
            processes=experiment.resources.processes,
            engine=experiment.engine,
            log_system_metrics=experiment.log_system_metrics,
            code=experiment.code,
            begun_in=str(Path.cwd()),
            **_own_loop(experiment),
        )


def _own_loop(experiment: Experiment) -> dict[str, Any]:
    """Return what a trial is told of somebody's own loop, where one stands in place of a variant."""
    if not isinstance(experiment, SearchExperiment) or experiment.trainer is None:
        return {}
    return {"trainer": experiment.trainer, "generator": experiment.generator or Generator()}
