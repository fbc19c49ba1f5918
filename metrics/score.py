"""What a measurement is: a number that is never NaN, with an interval where one is true."""

import math
from dataclasses import dataclass, field

from metrics.errors import NonFiniteError
from metrics.intervals import Interval


@dataclass(frozen=True, kw_only=True)
class Score:
    """A value, and a 95 % interval of its expectation at the same N; `low` and `high` are None where none is valid."""

    value: float
    low: float | None = None
    high: float | None = None
    higher_is_better: bool

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for number in (self.value, self.low, self.high) if number is not None):
            raise NonFiniteError(f"a score is finite, but this one is {self.value} in [{self.low}, {self.high}]")

    @classmethod
    def of(cls, value: float, interval: Interval | None, *, higher_is_better: bool) -> "Score":
        """A score with this interval, if there is one."""
        low, high = interval or (None, None)
        return cls(value=value, low=low, high=high, higher_is_better=higher_is_better)


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores by key, in the order of the request, and what a perfect sampler gets at this N where that is known."""

    scores: dict[str, Score] = field(default_factory=dict)
    floors: dict[str, float] = field(default_factory=dict)
    histogram: list[float] | None = None  # share of each known mode among the valid samples

    def __or__(self, other: "Scores") -> "Scores":
        return Scores(
            scores=self.scores | other.scores,
            floors=self.floors | other.floors,
            histogram=self.histogram or other.histogram,
        )
