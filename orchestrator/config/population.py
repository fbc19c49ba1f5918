"""The key `search.population`: how population-based training copies and perturbs."""

from typing import Annotated

from pydantic import AfterValidator, Field

from orchestrator.config.values import AtKeyError, Count, Model

PERTURBED = ("generator_lr", "discriminator_lr", "penalty.weight")
"""What scheduler pbt changes as it goes, where it is drawn from a range."""


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
