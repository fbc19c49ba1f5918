"""The experiment file as validated values: what may be written, and what each key means."""

import re
import unicodedata
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Number = int | float
Value = int | float | bool | str
Count = Annotated[int, Field(ge=1)]


class Model(BaseModel):
    """A frozen value that refuses keys that it does not know and types that it would have to guess."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def printable(name: str) -> str:
    """Return `name` if it is one printable line of 1 to 200 characters."""
    if not 1 <= len(name) <= 200 or not name.strip():
        raise ValueError("expected a line of 1 to 200 characters")
    if any(unicodedata.category(character).startswith("C") for character in name):
        raise ValueError("expected one printable line, found a control character")
    return name


def folder_name(name: str) -> str:
    """Return a folder name for any experiment name: a readable slug and a digest that keeps different names apart."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "experiment"
    return f"{slug}-{sha256(name.encode()).hexdigest()[:8]}"


def unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `values` if none stands twice."""
    seen: list[Any] = []
    for value in values:
        if value in seen:
            raise ValueError(f"duplicate {value!r}; give each once")
        seen.append(value)
    return values


Unique = AfterValidator(unique)
Name = Annotated[str, AfterValidator(printable)]
Strings = Annotated[tuple[str, ...], Field(min_length=1, strict=False), Unique]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Data(Model):
    """Where the reals come from: exactly one of `name`, `images` and `npz`."""

    name: str | None = Field(None, description="a name from `ganarena list datasets`")
    download: bool = Field(False, description="may this dataset be downloaded?")
    images: str | None = Field(None, description="a folder of pictures")
    size: Count | None = Field(None, description="side of the square that pictures are cropped and resized to")
    labels: Literal["folders"] | None = Field(None, description="`folders`: each subfolder is a class")
    npz: str | None = Field(None, description="an .npz file with an array `samples`, and perhaps `labels`")
    radius: Annotated[float, Field(gt=0)] | None = Field(None, description="of ring8")
    spacing: Annotated[float, Field(gt=0)] | None = Field(None, description="of grid25")
    std: Annotated[float, Field(gt=0)] | None = Field(None, description="of each mode of ring8 and grid25")

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [key for key in ("name", "images", "npz") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of name, images and npz, found {' and '.join(given) or 'none'}")
        if self.images is None and (self.size or self.labels):
            raise ValueError("size and labels go with images")
        if self.images is not None and self.size is None:
            raise ValueError("expected a size beside images, for example size: 64")
        return self

    @property
    def spec(self) -> dict[str, Any]:
        """What `gans.data.load` takes."""
        return self.model_dump(exclude_none=True, exclude={"download"})

    @property
    def label(self) -> str:
        """A short name for tables."""
        return self.name or Path(self.images or self.npz or "").name

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
            raise ValueError(
                f"the tick {self.tick} lies beyond the budget of {self.amount} {self.unit}; lower the tick"
            )
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
    samples: Annotated[int, Field(ge=2)] = Field(1000, description="samples scored at a tick")
    final_samples: Annotated[int, Field(ge=2)] | None = Field(None, description="samples scored at the end")
    metrics: Strings = Field(("fd",), description="families from `ganarena list metrics`; the first is the objective")

    @property
    def at_end(self) -> int:
        """Samples of the final score."""
        return self.final_samples or self.samples


class Dimension(Model):
    """One searched name: a law to draw from, and under which other choices it exists."""

    choice: Annotated[tuple[Value, ...], Field(min_length=1, strict=False), Unique] | None = None
    uniform: tuple[Number, Number] | None = Field(None, strict=False)
    loguniform: tuple[Number, Number] | None = Field(None, strict=False)
    randint: tuple[int, int] | None = Field(None, strict=False, description="low and high, high excluded")
    when: dict[str, Value | Annotated[tuple[Value, ...], Field(strict=False)]] = {}

    @model_validator(mode="after")
    def _one_law(self) -> Self:
        given = [law for law in ("choice", "uniform", "loguniform", "randint") if getattr(self, law) is not None]
        if len(given) != 1:
            raise ValueError(
                f"expected one of choice, uniform, loguniform, randint; found {' and '.join(given) or 'none'}"
            )
        for law in ("uniform", "loguniform", "randint"):
            bounds = getattr(self, law)
            if bounds and not (abs(bounds[0]) < float("inf") and bounds[0] < bounds[1] < float("inf")):
                raise ValueError(f"expected {law}: [low, high] with low < high, found {list(bounds)}")
        if self.loguniform and self.loguniform[0] <= 0:
            raise ValueError(f"expected loguniform bounds above 0, found {list(self.loguniform)}")
        return self

    @property
    def conditions(self) -> dict[str, tuple[Value, ...]]:
        """For each name under `when`, the values under which this dimension exists."""
        return {name: values if isinstance(values, tuple) else (values,) for name, values in self.when.items()}

    @property
    def extremes(self) -> tuple[Value, ...]:
        """Values that stand for all that can be drawn: every choice, or both ends."""
        if self.randint:
            return self.randint[0], self.randint[1] - 1
        return self.choice or self.uniform or self.loguniform or ()


class Search(Model):
    """Which contenders are drawn, who is pruned, and by what."""

    contenders: Count | None = Field(None, description="how many; for sampler grid an upper limit")
    sampler: Literal["random", "grid"] = "random"
    scheduler: Literal["none", "asha"] = "none"
    metric: str | None = Field(None, description="family of the objective; default the first of evaluation.metrics")
    grace: Count | None = Field(None, description="budget before anyone is pruned; default one tick")
    reduction: Annotated[int, Field(ge=2)] = Field(3, description="asha keeps the best 1/reduction at each rung")
    seed: Seed = 0
    parallel: Literal["auto"] | Count = Field("auto", description="contenders at once; auto fills the machine")
    confirm: Literal["none"] = Field("none", description="none: rows are ranked as selected, and marked so")

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.sampler == "random" and self.contenders is None:
            raise ValueError("expected contenders: N beside sampler random")
        return self


class Resources(Model):
    """What one trial occupies."""

    cpus: Annotated[float, Field(gt=0)] = 1
    gpus: Annotated[float, Field(ge=0)] = 0


Stop = str | Annotated[dict[str, dict[str, Any]], Field(min_length=1, max_length=1)]


class Experiment(Model):
    """What every experiment file says."""

    name: Name
    hyperparameters: dict[str, Value] = {}
    budget: Budget
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, strict=False), Unique] = (0,)
    evaluation: Evaluation = Evaluation()
    resources: Resources = Resources()
    stop: Annotated[tuple[Stop, ...], Field(strict=False)] = ("diverged",)

    @property
    def folder(self) -> str:
        """The folder name of this experiment under a home."""
        return folder_name(self.name)

    @property
    def objective(self) -> str:
        """The family by which contenders are compared."""
        return self.evaluation.metrics[0]


class SearchExperiment(Experiment):
    """A search: contenders drawn from a space on one dataset."""

    variant: str | None = Field(None, description="a name from `ganarena list variants`, unless the space chooses it")
    data: Data
    space: dict[str, Dimension] = {}
    search: Search = Search(contenders=1)

    @property
    def objective(self) -> str:
        """The family by which contenders are compared."""
        return self.search.metric or self.evaluation.metrics[0]


class StudyAxes(Model):
    """Every variant on every dataset, under one published or own protocol."""

    variants: Strings
    data: Annotated[tuple[Data, ...], Field(min_length=1, strict=False)]
    protocol: Literal["arena"] = Field("arena", description="arena: ticks judged on select, the end on final")


class StudyExperiment(Experiment):
    """A study: variants x seeds x data, rules observing only."""

    study: StudyAxes
    stop: Annotated[tuple[Stop, ...], Field(max_length=0, strict=False)] = ()
