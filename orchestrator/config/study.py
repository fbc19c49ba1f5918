"""The key `study`: which variants meet on which data."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from orchestrator.config.data import Data
from orchestrator.config.values import Model, Strings, unique


def apart(data: tuple[Data, ...]) -> tuple[Data, ...]:
    """Return `data` if no two have one name: the rows of a study tell them apart by it."""
    unique(tuple(each.label for each in data))
    return data


class StudyAxes(Model):
    """Every variant on every dataset, under one published or own protocol."""

    variants: Strings
    data: Annotated[tuple[Data, ...], Field(min_length=1, strict=False), AfterValidator(apart)]
    protocol: Literal["arena"] = Field("arena", description="arena: ticks judged on select, the end on final")
