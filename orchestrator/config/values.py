"""What a key may hold, wherever it stands: a number, a seed, a list without repetition; all else is refused."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class AtKeyError(ValueError):
    """A mistake of a whole mapping or list that is told at one of its keys."""

    def __init__(self, key: str | int, message: str) -> None:
        super().__init__(message)
        self.key = key


class Model(BaseModel):
    """A frozen value that refuses keys that it does not know, types that it would have to guess, NaN and infinity."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, str_min_length=1, str_max_length=1000
    )


def unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `values` if none stands twice."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise AtKeyError(index, f"{value} stands twice; give each once")
    return values


Value = int | float | bool | str | None
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, lt=2**63)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Strings = Annotated[tuple[str, ...], Field(min_length=1, strict=False), AfterValidator(unique)]
Names = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(unique)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1, strict=False), AfterValidator(unique)]
