"""The whole experiment file: what each one says, and what makes it a search or a study."""

from typing import Any, Self

from pydantic import Field, PrivateAttr

from orchestrator.code import Code, is_python
from orchestrator.config.budget import Budget
from orchestrator.config.data import Data
from orchestrator.config.document import Document, Location
from orchestrator.config.engine import Engine
from orchestrator.config.evaluation import Evaluation
from orchestrator.config.generator import Generator
from orchestrator.config.name import Name, folder_name
from orchestrator.config.resources import Resources
from orchestrator.config.search import Confirm, Search
from orchestrator.config.space import Dimension
from orchestrator.config.stop import NoStops, Stops
from orchestrator.config.study import StudyAxes
from orchestrator.config.values import Model, Names, Seeds, Value


class Experiment(Model):
    """What every experiment file says."""

    name: Name
    hyperparameters: dict[str, Value] = Field({}, description="fixed ones, by the names of `ganarena list variants`")
    budget: Budget
    seeds: Seeds = (0,)
    evaluation: Evaluation = Evaluation()
    resources: Resources = Resources()
    engine: Engine = Engine()
    stop: Stops = Field(("diverged",), description="rules that end a replica; those that are not listed observe")
    baselines: Names = Field((), description="fitted without a game and judged alike, for comparison; never ranked")
    log_system_metrics: bool = Field(
        False,
        description="processors, memory and GPUs at every tick, as MLflow's system metrics; it changes no score",
    )

    _document: Document | None = PrivateAttr(None)
    _code: Code = PrivateAttr(Code())

    @property
    def document(self) -> Document:
        """Where each key was written, for whoever finds later that it does not fit."""
        return self._document or Document("experiment", self.model_dump(mode="json"), {})

    @property
    def sources(self) -> dict[Location, Data]:
        """Every dataset, under its place in the file."""
        raise NotImplementedError

    def written_in(self, document: Document) -> Self:
        """Return the same experiment, which knows the document that it was read from."""
        copy = self.model_copy()
        copy._document = document
        return copy

    @property
    def code(self) -> Code:
        """The Python names in it that may be imported."""
        return self._code

    @property
    def python_names(self) -> dict[Location, tuple[str, str]]:
        """Every name that may be Python's, with its kind, under its place in the file."""
        found: dict[Location, tuple[str, Any]] = {
            (*place, "name"): ("dataset", data.name) for place, data in self.sources.items()
        }
        found["evaluation", "extractor"] = "extractor", self.evaluation.extractor
        for index, family in enumerate(self.evaluation.metrics):
            found["evaluation", "metrics", index] = "metric", family
        for index, item in enumerate(self.stop):
            found["stop", index] = "rule", item if isinstance(item, str) else next(iter(item))
        return {place: (kind, name) for place, (kind, name) in found.items() if is_python(name)}

    def with_code(self, code: Code) -> Self:
        """Return the same experiment, which knows what of it may be imported."""
        copy = self.model_copy()
        copy._code = code
        return copy

    @property
    def folder(self) -> str:
        """The folder name of this experiment under a home."""
        return folder_name(self.name)

    @property
    def objectives(self) -> tuple[str, ...]:
        """The families by which contenders are judged, the one that ranks them first; `seconds` may be among them."""
        return tuple(self.ranked_by.values())

    @property
    def ranked_by(self) -> dict[Location, str]:
        """The objectives, each under its place in the file."""
        return {("evaluation", "metrics", 0): self.evaluation.metrics[0]}

    @property
    def objective(self) -> str:
        """The family by which contenders are ranked."""
        return self.objectives[0]


class SearchExperiment(Experiment):
    """A search: contenders drawn from a space on one dataset."""

    variant: str | None = Field(None, description="a name from `ganarena list variants`, unless the space chooses it")
    trainer: str | None = Field(
        None, description="in place of a variant, package.module:function of somebody's own loop: train(config, watch)"
    )
    generator: Generator | None = Field(None, description="what the `sample` of a trainer returns")
    data: Data
    space: dict[str, Dimension] = Field({})
    search: Search = Search(contenders=1)

    @property
    def sources(self) -> dict[Location, Data]:
        """Every dataset, under its place in the file."""
        return {("data",): self.data}

    @property
    def ranked_by(self) -> dict[Location, str]:
        """The objectives, each under its place in the file."""
        here, asked = ("search", "metric"), self.search.metric
        if isinstance(asked, str):
            return {here: asked}
        return {(*here, index): family for index, family in enumerate(asked or ())} or super().ranked_by

    @property
    def adaptive(self) -> bool:
        """Are contenders drawn as results come, and not up front?"""
        return self.search.sampler == "tpe"

    @property
    def confirm(self) -> Confirm | None:
        """How the best are confirmed, if they are."""
        return self.search.confirm if isinstance(self.search.confirm, Confirm) else None

    @property
    def python_names(self) -> dict[Location, tuple[str, str]]:
        """Every name that may be Python's, with its kind, under its place in the file."""
        found: dict[Location, tuple[str, Any]] = {
            ("variant",): ("variant", self.variant),
            ("trainer",): ("trainer", self.trainer),
        }
        if chosen := self.space.get("variant"):
            choice = enumerate(chosen.choice or ())
            found |= {("space", "variant", "choice", index): ("variant", name) for index, name in choice}
        return super().python_names | {place: named for place, named in found.items() if is_python(named[1])}


class StudyExperiment(Experiment):
    """A study: variants x seeds x data, rules observing only."""

    study: StudyAxes
    stop: NoStops = ()

    @property
    def python_names(self) -> dict[Location, tuple[str, str]]:
        """Every name that may be Python's, with its kind, under its place in the file."""
        variants = enumerate(self.study.variants)
        found = {("study", "variants", index): ("variant", name) for index, name in variants if is_python(name)}
        return super().python_names | found

    @property
    def sources(self) -> dict[Location, Data]:
        """Every dataset, under its place in the file."""
        return {("study", "data", index): data for index, data in enumerate(self.study.data)}
