"""Two contenders against each other: the test of their difference, and what more seeds would tell."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, variance

LEVEL = 0.95
POWER = 0.8
MOST_SEEDS = 10_000
ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class Duel:
    """The first contender against the second, seed against seed; `reason` says why nothing can be told."""

    difference: float | None = None
    """The mean of the first less that of the second."""
    low: float | None = None
    high: float | None = None
    p: float | None = None
    """How likely so large a difference is, in either direction, where there is none (Welch)."""
    adjusted_p: float | None = None
    """The same among all pairs that are compared at once (Holm)."""
    beats: float | None = None
    """The probability that the first is better on a new seed of each, by the predictive law of Student."""
    seeds_to_decide: int | None = None
    """Seeds of each that show a difference of this size with a probability of 80 %."""
    reason: str | None = None

    @property
    def decided(self) -> bool:
        """Is one of them better, with 95 % confidence for all pairs at once?"""
        return self.adjusted_p is not None and self.adjusted_p <= 1 - LEVEL


def duel(first: Sequence[float], second: Sequence[float], *, higher_is_better: bool) -> Duel:
    """Compare the final scores of two contenders' seeds, unpaired and without assuming equal variances."""
    fewest = min(len(first), len(second))
    if fewest < 2:
        difference = fmean(first) - fmean(second) if fewest else None
        return Duel(difference=difference, reason="not estimable: it takes at least 2 seeds of each")
    from scipy.special import stdtr, stdtrit

    difference = fmean(first) - fmean(second)
    spreads = [variance(first), variance(second)]
    counts = [len(first), len(second)]
    if math.sqrt(sum(spreads)) <= ROUNDING * (abs(fmean(first)) + abs(fmean(second))):
        return Duel(difference=difference, reason="not estimable: no seed differs from another")
    error, freedom = _error([s / n for s, n in zip(spreads, counts, strict=True)], counts)
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    ahead = difference if higher_is_better else -difference
    new, new_freedom = _error([s * (1 + 1 / n) for s, n in zip(spreads, counts, strict=True)], counts)
    return Duel(
        difference=difference,
        low=difference - half,
        high=difference + half,
        p=(p := 2 * float(stdtr(freedom, -abs(difference) / error))),
        adjusted_p=p,
        beats=float(stdtr(new_freedom, ahead / new)),
        seeds_to_decide=seeds_to_decide(abs(difference), spreads),
    )


def step_down(duels: Sequence[Duel]) -> list[Duel]:
    """Return the duels with their p-values adjusted for being looked at together."""
    tested = sorted((duel.p, place) for place, duel in enumerate(duels) if duel.p is not None)
    adjusted, largest = list(duels), 0.0
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, p * (len(tested) - rank)))
        adjusted[place] = replace(duels[place], adjusted_p=largest)
    return adjusted


def seeds_to_decide(difference: float, spreads: Sequence[float]) -> int | None:
    """Return how many seeds of each show this difference of means with 80 % power; None where 10,000 do not."""
    if power(difference, spreads, MOST_SEEDS) < POWER:
        return None
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(difference, spreads, middle) >= POWER else (middle, high)
    return high


def power(difference: float, spreads: Sequence[float], seeds: int) -> float:
    """Return how likely Welch's test of so many seeds of each shows a true difference of means, and its direction."""
    from scipy.special import nctdtr, stdtrit

    error, freedom = _error([spread / seeds for spread in spreads], [seeds, seeds])
    critical = float(stdtrit(freedom, (1 + LEVEL) / 2))
    return float(1 - nctdtr(freedom, difference / error, critical))


def _error(parts: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """Return the root of the sum of two variances, and Welch and Satterthwaite's degrees of freedom for it."""
    freedom = sum(parts) ** 2 / sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    return math.sqrt(sum(parts)), freedom
