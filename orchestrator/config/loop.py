"""What `orchestrator.watch` is given, as validated values."""

from typing import Any

from pydantic import Field, ValidationError

from orchestrator.config.budget import Budget
from orchestrator.config.checks.data import check_data
from orchestrator.config.checks.evaluation import check_evaluation
from orchestrator.config.checks.stop import check_stop
from orchestrator.config.checks.variant import unrecordable
from orchestrator.config.data import Data
from orchestrator.config.document import Document
from orchestrator.config.evaluation import Evaluation
from orchestrator.config.generator import Generator
from orchestrator.config.name import Name
from orchestrator.config.reading import fail
from orchestrator.config.stop import Stops
from orchestrator.config.values import Count, Model, Seed, Value


class LoopExperiment(Model):
    """A loop of somebody's own, under watch."""

    name: Name
    variant: Name
    data: Data
    config: dict[str, Value] = Field(default_factory=dict)
    seed: Seed = 0
    budget: Budget | None = None
    every: Count = 1
    evaluation: Evaluation = Evaluation()
    stop: Stops = ("diverged",)
    generator: Generator = Generator()
    log_system_metrics: bool = False

    @property
    def objective(self) -> str:
        """The family by which contenders are compared."""
        return self.evaluation.metrics[0]

    def as_recorded(self) -> dict[str, Any]:
        """Return it in the words of an experiment file."""
        said = self.model_dump(
            mode="json", exclude_none=True, exclude={"config", "seed", "every", "log_system_metrics"}
        )
        return said | {"hyperparameters": self.config, "seeds": [self.seed]}

    @classmethod
    def as_read_today(cls, recorded: dict[str, Any]) -> dict[str, Any]:
        """Return a record with the defaults of keys that are newer than it, where it still reads."""
        said = {key: value for key, value in recorded.items() if key not in ("hyperparameters", "seeds")}
        said |= {"config": recorded["hyperparameters"], "seed": recorded["seeds"][0]}
        try:
            return cls.model_validate(said).as_recorded()
        except ValidationError:
            return recorded


def validated(value: dict[str, Any]) -> LoopExperiment:
    """Return what `value` describes, or raise the first thing that is wrong with it."""
    document = Document("watch", value, {})
    try:
        experiment = LoopExperiment.model_validate(value)
    except ValidationError as error:
        fail(error, document, LoopExperiment)
    for name in experiment.config:
        if reason := unrecordable(name):
            document.fail(("config", name), reason)
    check_data(experiment.data, document, ("data",))
    check_evaluation(experiment.evaluation, {("evaluation", "metrics", 0): experiment.objective}, document)
    check_stop(experiment.stop, experiment.evaluation.metrics, experiment.objective, document)
    return experiment
