"""Scores where the truth is a mixture whose centres are known: which modes are hit, and how well."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from metrics.errors import TooFewSamplesError, UnfitError
from metrics.features import Features
from metrics.intervals import Interval, Z, mid_p
from metrics.judge import Judge, pooled
from metrics.mixture import Mixture, weights_of
from metrics.reference import Reference
from metrics.score import Score, Scores

# By the stricter of both counts a mode is held when it has this share of all samples, valid or not.
SHARE = 0.01
BLOCK = 4096


def valid(points: Tensor, modes: Mixture) -> Iterator[tuple[Tensor, Tensor]]:
    """The modes of those of the points [N, D] that are valid, and their distances from the centres, block by block."""
    centres = modes.centres.to(points.device).double()
    for block in torch.split(points.double(), BLOCK):
        # The default mode of cdist is off by up to 0.2 where the distance is 0.
        nearest = torch.cdist(block, centres, compute_mode="donot_use_mm_for_euclid_dist").min(1)
        near = nearest.values <= modes.radius * modes.std
        yield nearest.indices[near], nearest.values[near]


def perfect_validity(dimensions: int, radius: float) -> float:
    """Share of a round Gaussian within `radius` standard deviations of its centre: 98.889 % in the plane."""
    return float(torch.special.gammainc(scalar(dimensions / 2), scalar(radius**2 / 2)))


def perfect_modes(chances: Tensor, count: int, fewest: int) -> float:
    """How many modes get at least `fewest` of `count` samples on average, a sample being of mode k by `chances[k]`."""
    few = torch.arange(min(fewest, count + 1), dtype=torch.float64)
    enough = {chance: 1 - float(binomial(few, count, chance).sum()) for chance in set(chances.tolist())}
    return sum(min(1.0, max(0.0, enough[chance])) for chance in chances.tolist())


def binomial(hits: Tensor, count: int, chance: float) -> Tensor:
    """The chance of each number of hits [K] in `count` tries."""
    ways = scalar(count + 1).lgamma() - (hits + 1).lgamma() - (count - hits + 1).lgamma()
    law: Tensor = ways + torch.special.xlogy(hits, chance) + torch.special.xlog1py(count - hits, -chance)
    return law.exp()


def likely(count: int, chance: float) -> Tensor:
    """The numbers of hits in `count` tries but for those that all together have a chance of less than 1e-20 [K]."""
    mean = count * chance
    reach = 12 * math.sqrt(mean) + 40
    return torch.arange(max(0, int(mean - reach)), min(count, int(mean + reach)) + 1, dtype=torch.float64)


def scalar(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


class Histogram(Judge):
    """What the scores of this module share: hits per mode and number of samples, over a stream of point batches."""

    hits: Tensor
    count: Tensor

    def __init__(self, modes: Mixture, **options: Any) -> None:
        super().__init__(**options)
        self.modes = modes
        self.add_state("hits", torch.zeros(len(modes.centres), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, features: Features | Tensor, *, real: bool = False) -> None:
        """Take a batch of points [N, D]; the real side is known and not read."""
        if real:
            return
        points = self.checked(pooled(features), real=False, width=self.modes.centres.shape[1])
        self.count = self.count + len(points)
        for places, distances in valid(points, self.modes):
            self.take(places, distances)

    def take(self, places: Tensor, distances: Tensor) -> None:  # noqa: ARG002 - some read the distances as well
        """Count a block of valid samples, by the modes [N] that they belong to and their distances from these."""
        self.hits = self.hits + places.bincount(minlength=len(self.hits))

    @classmethod
    def against(cls, reference: Reference, _names: Sequence[str] = (), /) -> Self:
        if reference.modes is None:
            raise UnfitError("modes can only be counted where they are known; give `modes`")
        return cls(reference.modes)

    def samples(self) -> int:
        """How many samples there were, at least one."""
        if not self.count:
            raise TooFewSamplesError("modes cannot be counted without a sample")
        return int(self.count)

    def conditional(self) -> list[float] | None:
        """Share of each mode among the valid samples; None if there are none."""
        valid = self.hits.sum()
        return (self.hits.double() / valid).tolist() if valid else None

    def chances(self) -> Tensor:
        """Of a perfect sampler to make a valid sample of each mode [K]."""
        return weights_of(self.modes) * perfect_validity(self.modes.centres.shape[1], self.modes.radius)


class ModeCount(Histogram):
    """How many modes have at least one valid sample, and how many have at least one per cent of all samples."""

    higher_is_better = True

    def compute(self) -> dict[str, Tensor]:
        """Both counts, by key."""
        return {"modes": (self.hits >= 1).sum(), "modes_1pct": (self.hits >= self._one_per_cent()).sum()}

    def verdict(self, _features: Features, /) -> Scores:
        fewest = {"modes": 1, "modes_1pct": self._one_per_cent()}
        return Scores(
            scores={
                key: Score.of(float(value), self._interval(key, int(value)), higher_is_better=True)
                for key, value in self.compute().items()
            },
            floors={key: perfect_modes(self.chances(), self.samples(), least) for key, least in fewest.items()},
            histogram=self.conditional(),
        )

    def _interval(self, key: str, value: int) -> Interval | None:
        """Only a sample that is alone in its mode takes it along: the jackknife's variance, never less than the true.

        One more than are alone are counted, since none is no proof that none could be.
        """
        if key != "modes":
            return None
        alone, count = int((self.hits == 1).sum()), self.samples()
        reach = Z * math.sqrt(alone * (1 - alone / count) + 1)
        return max(0.0, value - reach), min(float(len(self.hits)), value + reach)

    def _one_per_cent(self) -> int:
        return max(1, -(-self.samples() // round(1 / SHARE)))


class HighQuality(Histogram):
    """Share of valid samples."""

    higher_is_better = True

    def compute(self) -> Tensor:
        """The share, a float64 scalar."""
        return self.hits.sum().double() / self.samples()

    def verdict(self, _features: Features, /) -> Scores:
        interval = mid_p(int(self.hits.sum()), self.samples())
        return Scores(
            scores={"high_quality": Score.of(float(self.compute()), interval, higher_is_better=True)},
            floors={"high_quality": float(self.chances().sum())},
            histogram=self.conditional(),
        )
