"""The experiment file as validated values: what may be written, and what each key means."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from orchestrator.code import Code, is_python
from orchestrator.config.document import Document, Location, describe
from orchestrator.errors import RequestError


class AtKeyError(ValueError):
    """A mistake of a whole mapping or list that is told at one of its keys."""

    def __init__(self, key: str | int, message: str) -> None:
        super().__init__(message)
        self.key = key


def printable(name: str) -> str:
    """Return `name` if it is one printable line of 1 to 200 characters."""
    if not 1 <= len(name) <= 200 or not name.strip():
        raise ValueError("expected one printable line of 1 to 200 characters")
    if odd := [character for character in name if not character.isprintable()]:
        raise ValueError(f"expected one printable line, found the character U+{ord(odd[0]):04X}")
    return name


def unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `values` if none stands twice."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise AtKeyError(index, f"{value} stands twice; give each once")
    return values


def pair(bounds: Any) -> Any:
    """Return `bounds` if there are two, whatever they are."""
    found = len(bounds) if isinstance(bounds, list | tuple) else describe(bounds)
    if found != 2:
        raise ValueError(f"expected two bounds, [low, high], found {found}")
    return bounds


def one_rule(item: Any) -> Any:
    """Return `item` if it is the name of a rule, or one rule with its settings."""
    if isinstance(item, dict) and len(item) == 1 and isinstance(next(iter(item.values())), dict):
        return item
    if not isinstance(item, str):
        raise ValueError("expected a rule's name, or one rule with its settings such as {plateaued: {patience: 0.3}}")
    return item


def each_rule_once(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `items` if no rule stands twice, whatever its settings."""
    unique(tuple(item if isinstance(item, str) else next(iter(item)) for item in items))
    return items


def whole_or_share(gpus: float) -> float:
    """Return `gpus` if it is a share of one or a whole number."""
    if gpus > 1 and gpus != int(gpus):
        raise ValueError(f"expected a share of one GPU or a whole number of them, found {gpus:g}")
    return gpus


def none_acts(items: Any) -> Any:
    """Return `items` if there are none."""
    if isinstance(items, list | tuple) and items:
        raise ValueError("in a study rules observe and never act; leave this key out")
    return items


def unrecordable(name: str) -> str | None:
    """Say why a record cannot hold a hyperparameter of this name, if it cannot."""
    if not re.fullmatch(r"[A-Za-z][\w./ -]{0,199}", name, re.ASCII):
        return f"expected a name of letters, digits, _ . - and /, found {name!r}"
    if name in ("variant", "seeds") or name.startswith(("data.", "budget.")):
        return f"{name!r} is a name that every record has already; take another"
    return None


MOST_CONTENDERS = 10_000
PERTURBED = ("generator_lr", "discriminator_lr", "penalty.weight")
"""What scheduler pbt changes as it goes, where it is drawn from a range."""
SECONDS = "seconds"
"""The objective that is no score: what training and judging took."""
LAWS = ("choice", "uniform", "loguniform", "randint")
SOURCES = {"name": ("download", "radius", "spacing", "std"), "images": ("size", "labels"), "npz": ()}
"""Where data may come from, and what may be said beside it."""

Number = int | float
Value = int | float | bool | str | None
Positive = Annotated[float, Field(gt=0)]
Samples = Annotated[int, Field(ge=2, le=10_000_000)]
Count = Annotated[int, Field(ge=1, lt=2**63)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, AfterValidator(printable)]
Strings = Annotated[tuple[str, ...], Field(min_length=1, strict=False), AfterValidator(unique)]
Names = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(unique)]
Values = Annotated[tuple[Value, ...], Field(min_length=1, strict=False), AfterValidator(unique)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1, strict=False), AfterValidator(unique)]
Bounds = Annotated[tuple[Number, Number], Field(strict=False), BeforeValidator(pair)]
WholeBounds = Annotated[tuple[int, int], Field(strict=False), BeforeValidator(pair)]
OneRule = Annotated[dict[str, dict[str, Any]], Field(min_length=1, max_length=1)]
Stop = Annotated[str | OneRule, BeforeValidator(one_rule)]
Stops = Annotated[tuple[Stop, ...], Field(strict=False), AfterValidator(each_rule_once)]
NoStops = Annotated[tuple[Stop, ...], Field(max_length=0, strict=False), BeforeValidator(none_acts)]


def folder_name(name: str) -> str:
    """Return a folder name for any experiment name: a readable slug and a digest that keeps different names apart."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "experiment"
    return f"{slug}-{sha256(name.encode()).hexdigest()[:8]}"


def label(spec: Mapping[str, Any]) -> str:
    """Return a short name for data: theirs, or that of their file or folder."""
    return next(Path(spec[source]).name for source in SOURCES if source in spec)


class Model(BaseModel):
    """A frozen value that refuses keys that it does not know, types that it would have to guess, NaN and infinity."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, str_min_length=1, str_max_length=1000
    )


class Data(Model):
    """Where the reals come from: exactly one of `name`, `images` and `npz`."""

    name: str | None = Field(None, description="a name from `ganarena list datasets`")
    download: bool = Field(False, description="may this dataset be downloaded?")
    images: str | None = Field(None, description="a folder of pictures")
    size: Annotated[int, Field(ge=8, le=4096)] | None = Field(
        None, description="side of the square that pictures are cropped and resized to"
    )
    labels: Literal["folders"] | None = Field(None, description="`folders`: each subfolder is a class")
    npz: str | None = Field(None, description="an .npz file with an array `samples`, and perhaps `labels`")
    radius: Positive | None = Field(None, description="of ring8")
    spacing: Positive | None = Field(None, description="of grid25")
    std: Positive | None = Field(None, description="of each mode of ring8, grid25 and gaussian1d")

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [key for key in SOURCES if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of name, images and npz, found {' and '.join(given) or 'none'}")
        for source, keys in SOURCES.items():
            stray = [key for key in keys if getattr(self, key)] if source != given[0] else []
            if stray:
                raise AtKeyError(stray[0], f"goes with {source}, not with {given[0]}")
        if self.images is not None and self.size is None:
            raise AtKeyError("images", "expected a size beside it, for example size: 64")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A bare name is read as well."""
        described = handler(core)
        return {"anyOf": [described, {"type": "string", "description": "a name from `ganarena list datasets`"}]}

    def __str__(self) -> str:
        return self.label

    @property
    def spec(self) -> dict[str, Any]:
        """What `gans.data.load` takes."""
        return self.model_dump(exclude_none=True, exclude={"download"})

    @property
    def label(self) -> str:
        """A short name for tables."""
        return label(self.spec)

    def relative_to(self, folder: Path) -> "Data":
        """Return the same with paths made absolute from `folder`."""
        changes = {key: str((folder / path).resolve()) for key in ("images", "npz") if (path := getattr(self, key))}
        return self.model_copy(update=changes)


class Clock(Protocol):
    """What counts time in a training run."""

    @property
    def step(self) -> int:
        """Generator updates."""

    @property
    def images(self) -> int:
        """Real images shown to the discriminator."""


class Budget(Model):
    """How long to train, and how often to look: in images shown to the discriminator, or in generator steps."""

    images: Count | None = None
    steps: Count | None = None
    tick: Count

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.images is None) == (self.steps is None):
            raise ValueError("expected exactly one of images and steps")
        if self.tick > self.amount:
            raise AtKeyError("tick", f"{self.tick} lies beyond the budget of {self.amount} {self.unit}; lower the tick")
        return self

    @property
    def unit(self) -> Literal["images", "steps"]:
        """The unit of amount and tick."""
        return "images" if self.images is not None else "steps"

    @property
    def amount(self) -> int:
        """The whole budget, in its unit."""
        return self.images if self.images is not None else self.steps or 0

    def spent(self, progress: "Clock") -> int:
        """How much of the budget is spent, in its unit."""
        return progress.images if self.unit == "images" else progress.step


class Evaluation(Model):
    """How samples are judged, at every tick and finally."""

    extractor: str | None = Field(None, description="feature space; default identity for points, inception for images")
    weights: str | None = Field(None, description="file with the extractor's weights")
    samples: Samples = Field(1000, description="samples scored at a tick")
    final_samples: Samples | None = Field(None, description="samples scored at the end")
    metrics: Strings = Field(("fd",), description="families from `ganarena list metrics`; the first is the objective")

    @property
    def at_end(self) -> int:
        """Samples of the final score."""
        return self.final_samples or self.samples


class Generator(Model):
    """What the `sample` of somebody's own loop returns, for the protocol of its scores."""

    range: Literal["-1..1", "0..1", "uint8"] | None = Field(None, description="of images; points have none")
    weights: Literal["raw", "averaged"] = Field("raw", description="averaged: over the steps of training")
    batch_norm: Literal["running", "batch", "none"] = Field("running", description="batch: not in evaluation mode")
    truncation: Positive | None = Field(None, description="of the latents; none where they are not truncated")
    labels: Literal["training law"] | None = Field(None, description="training law: it is told classes as data have")

    @property
    def state(self) -> dict[str, Any]:
        """What a score of its samples depends on, beside the weights."""
        return self.model_dump(exclude={"range"})

    def check(self, kind: str) -> None:
        """Raise unless the range that samples of this kind need is declared."""
        if kind == "images" and self.range is None:
            raise RequestError("expected the range of the images that `sample` returns: -1..1, 0..1 or uint8")
        if kind == "points" and self.range is not None:
            raise RequestError(f"points have no range, found {self.range!r}; leave it out")


class Dimension(Model):
    """One searched name: a law to draw from, and under which other choices it exists."""

    choice: Values | None = Field(None, description="values of equal chance")
    uniform: Bounds | None = Field(None, description="low and high")
    loguniform: Bounds | None = Field(None, description="low and high; the logarithm is uniform")
    randint: WholeBounds | None = Field(None, description="low and high, high excluded")
    when: dict[str, Value | Values] = Field({}, description="values of other names under which this one exists")

    @model_validator(mode="after")
    def _one_law(self) -> Self:
        given = [law for law in LAWS if getattr(self, law) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of {', '.join(LAWS)}, found {' and '.join(given) or 'none'}")
        if self.choice is None:
            low, high = getattr(self, self.law)
            if not low < high:
                raise AtKeyError(self.law, f"expected [low, high] with low < high, found [{low}, {high}]")
            if self.law == "loguniform" and low <= 0:
                raise AtKeyError(self.law, f"expected bounds above 0, found [{low}, {high}]")
        return self

    @property
    def law(self) -> str:
        """The name of the law that it is drawn from."""
        return next(law for law in LAWS if getattr(self, law) is not None)

    @property
    def conditions(self) -> dict[str, tuple[Value, ...]]:
        """For each name under `when`, the values under which this dimension exists."""
        return {name: values if isinstance(values, tuple) else (values,) for name, values in self.when.items()}

    @property
    def extremes(self) -> tuple[Value, ...]:
        """Values that stand for all that can be drawn: every choice, or both ends."""
        if self.randint:
            return self.randint[0], self.randint[1] - 1
        values: tuple[Value, ...] = getattr(self, self.law)
        return values


def possible(factors: tuple[float, ...]) -> tuple[float, ...]:
    """Return `factors` if none is 0 or below."""
    for index, factor in enumerate(factors):
        if factor <= 0:
            raise AtKeyError(index, f"expected a factor above 0, found {factor}")
    return factors


class Population(Model):
    """How slots of population-based training become copies of better ones."""

    every: Count | None = Field(
        None, description="budget between two comparisons, in whole ticks; default a tenth of the budget"
    )
    quantile: Annotated[float, Field(gt=0, le=0.5)] = Field(
        0.25, description="share of the slots of one architecture that give way to copies of as many best ones"
    )
    factors: Annotated[tuple[float, ...], Field(min_length=1, strict=False), AfterValidator(possible)] = Field(
        (0.8, 1.2), description="a copy's learning rates and penalty weight are multiplied by one of these"
    )
    resample: Annotated[float, Field(ge=0, le=1)] = Field(
        0.25, description="probability that a number is drawn anew from its range instead"
    )


class Confirm(Model):
    """Training the best of a search again, on seeds that had no part in choosing them."""

    top: Count = Field(3, description="how many of the best are trained again, beside the variant's defaults")
    seeds: Seeds = Field(description="new ones, none of which is among the seeds of the search")


class Search(Model):
    """Which contenders are drawn, who is pruned, and by what."""

    contenders: Annotated[int, Field(ge=1, le=MOST_CONTENDERS)] | None = Field(
        None, description="how many; for sampler grid an upper limit"
    )
    sampler: Literal["random", "grid", "tpe"] = Field(
        "random", description="tpe: drawn as results come, by Optuna, where the earlier ones were good"
    )
    scheduler: Literal["none", "asha", "hyperband", "median", "pbt"] = Field(
        "none",
        description="asha and hyperband prune by rungs, median against the others' running means;"
        " pbt lets the worst go on as perturbed copies of the best",
    )
    population: Population | None = Field(None, description="of scheduler pbt")
    audit: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="probability that a pruned contender goes on all the same, so that regret can be estimated"
    )
    metric: str | Strings | None = Field(
        None,
        description="family of the objective, or several for a Pareto front, among them perhaps `seconds`;"
        " the first ranks; default the first of evaluation.metrics",
    )
    grace: Count | None = Field(None, description="budget before anyone is pruned; default one tick")
    reduction: Annotated[int, Field(ge=2)] = Field(
        3, description="asha and hyperband keep the best 1/reduction at each rung"
    )
    seed: Seed = 0
    seconds: Positive | None = Field(
        None,
        description="of the whole search, over all of its launches: then nobody starts, and who trains ends at the next"
        " tick; a confirmation still follows; --resume with more goes on, unless it was confirmed",
    )
    parallel: Literal["auto"] | Count = Field("auto", description="contenders at once; auto fills the machine")
    pack: Annotated[int, Field(ge=1, le=1000)] = Field(
        1, description="contenders that train as one program, where they differ only in numbers of their replicas"
    )
    confirm: Literal["none"] | Confirm = Field(
        "none", description="trains the best again on new seeds; none: rows are ranked as selected, and marked so"
    )

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.sampler != "grid" and self.contenders is None:
            raise AtKeyError("contenders", f"sampler {self.sampler} needs to know how many; for example contenders: 8")
        return self


class Resources(Model):
    """What one trial occupies."""

    cpus: Positive = Field(1, description="processors; as many threads, at least one")
    gpus: Annotated[float, Field(ge=0), AfterValidator(whole_or_share)] = Field(
        0, description="a share of one, which several trials then use, or whole ones"
    )
    processes: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="that share every batch of a trial, on one node: one for each of its GPUs"
    )

    @model_validator(mode="after")
    def _one_process_a_device(self) -> Self:
        if self.processes > 1 and self.gpus not in (0, self.processes):
            raise AtKeyError("processes", f"each has a GPU of its own; ask for gpus: {self.processes}, or for none")
        return self


class Experiment(Model):
    """What every experiment file says."""

    name: Name
    hyperparameters: dict[str, Value] = Field({}, description="fixed ones, by the names of `ganarena list variants`")
    budget: Budget
    seeds: Seeds = (0,)
    evaluation: Evaluation = Evaluation()
    resources: Resources = Resources()
    stop: Stops = Field(("diverged",), description="rules that end a replica; those that are not listed observe")
    baselines: Names = Field((), description="fitted without a game and judged alike, for comparison; never ranked")

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
        return (self.evaluation.metrics[0],)

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
    space: dict[str, Dimension] = {}
    search: Search = Search(contenders=1)

    @property
    def sources(self) -> dict[Location, Data]:
        """Every dataset, under its place in the file."""
        return {("data",): self.data}

    @property
    def objectives(self) -> tuple[str, ...]:
        """The families by which contenders are judged, the one that ranks them first; `seconds` may be among them."""
        asked = self.search.metric
        return (asked,) if isinstance(asked, str) else asked or super().objectives

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


def apart(data: tuple[Data, ...]) -> tuple[Data, ...]:
    """Return `data` if no two have one name: the rows of a study tell them apart by it."""
    unique(tuple(each.label for each in data))
    return data


class StudyAxes(Model):
    """Every variant on every dataset, under one published or own protocol."""

    variants: Strings
    data: Annotated[tuple[Data, ...], Field(min_length=1, strict=False), AfterValidator(apart)]
    protocol: Literal["arena"] = Field("arena", description="arena: ticks judged on select, the end on final")


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
