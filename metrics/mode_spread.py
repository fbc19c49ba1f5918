"""How wide samples lie around the known modes that they belong to: whether these have shrunk, whoever hits them."""

import math
from typing import Any

import torch
from torch import Tensor

from metrics.errors import TooFewSamplesError, UnfitError
from metrics.features import Features
from metrics.intervals import FEWEST, Interval, normal
from metrics.mixture import Mixture
from metrics.modes import Histogram, perfect_validity
from metrics.score import Score, Scores


def perfect_square(dimensions: int, radius: float) -> float:
    """The mean squared distance, in variances, of a round Gaussian within `radius` deviations of its centre.

    Exact (Tallis, 1963): to weigh a distance by its square is to give its law two dimensions more.
    """
    weighed = perfect_validity(dimensions + 2, radius)
    if weighed < torch.finfo(torch.float64).tiny:
        raise UnfitError(
            f"of a Gaussian in {dimensions} dimensions nothing lies within {radius:g} deviations of its centre;"
            " give the modes a larger radius, or leave out mode_spread"
        )
    return dimensions * weighed / perfect_validity(dimensions, radius)


class ModeSpread(Histogram):
    """Root mean square distance of the valid samples to their centres over the truth's: 1 is right, less is collapse.

    A blurred generator fills the whole radius and has more; modes that lie apart by two radii are assumed.
    """

    higher_is_better = True
    squares: Tensor
    fourths: Tensor

    def __init__(self, modes: Mixture, **options: Any) -> None:
        super().__init__(modes, **options)
        self.perfect = perfect_square(modes.centres.shape[1], modes.radius)
        for power in ("squares", "fourths"):
            self.add_state(power, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def take(self, places: Tensor, distances: Tensor) -> None:
        """Count a block of valid samples, and add up the even powers of their distances."""
        super().take(places, distances)
        squares = (distances / self.modes.std).square()
        self.squares = self.squares + squares.sum()
        self.fourths = self.fourths + squares.square().sum()

    def compute(self) -> Tensor:
        """The ratio, a float64 scalar."""
        if not self.hits.any():
            raise TooFewSamplesError("mode_spread needs a valid sample, but none lies near a centre")
        return (self.squares / self.hits.sum() / self.perfect).sqrt()

    def verdict(self, _features: Features, /) -> Scores:
        if not self.hits.any():
            return Scores()
        score = Score.of(float(self.compute()), self._interval(), higher_is_better=True)
        return Scores(scores={"mode_spread": score}, floors={"mode_spread": 1.0}, histogram=self.conditional())

    def _interval(self) -> Interval | None:
        """The root of that of the mean square, which is a mean of independent samples."""
        count = int(self.hits.sum())
        if count < FEWEST:
            return None
        mean = float(self.squares) / count
        variance = max(0.0, float(self.fourths) / count - mean**2)
        low, high = normal(mean, math.sqrt(variance / (count - 1)), count)
        return math.sqrt(max(0.0, low) / self.perfect), math.sqrt(high / self.perfect)
