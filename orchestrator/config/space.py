"""The key `space`: what is searched, by which law it is drawn, and when it exists."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from orchestrator.config.document import describe
from orchestrator.config.values import AtKeyError, Model, Value, unique

LAWS = ("choice", "uniform", "loguniform", "randint")


def pair(bounds: Any) -> Any:
    """Return `bounds` if there are two, whatever they are."""
    found = len(bounds) if isinstance(bounds, list | tuple) else describe(bounds)
    if found != 2:
        raise ValueError(f"expected two bounds, [low, high], found {found}")
    return bounds


Number = int | float
Values = Annotated[tuple[Value, ...], Field(min_length=1, strict=False), AfterValidator(unique)]
Bounds = Annotated[tuple[Number, Number], Field(strict=False), BeforeValidator(pair)]
WholeBounds = Annotated[tuple[int, int], Field(strict=False), BeforeValidator(pair)]


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
