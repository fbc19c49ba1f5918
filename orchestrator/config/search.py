"""The key `search`: how many contenders are drawn and how, who is pruned, and who is confirmed."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from orchestrator.config.population import Population
from orchestrator.config.values import AtKeyError, Count, Model, Positive, Seed, Seeds, Strings

MOST_CONTENDERS = 10_000
SECONDS = "seconds"
"""The objective that is no score: what training and judging took."""


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
    reduction: Annotated[int, Field(ge=2, le=1000)] = Field(
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
