"""The Frechet distance without end: its bias falls as 1/N, and the intercept is left (Chong & Forsyth, 2020)."""

import torch
from torch import Tensor

from metrics.collected import Collected
from metrics.features import Features
from metrics.frechet import frechet_distance, side
from metrics.moments import Gaussian
from metrics.score import Score, Scores

POINTS = 15
# The smallest subset, as a share of all samples. At N/10, as published, 1/N^2 still bends the line.
SMALLEST = 0.25
# Fewer samples than this many a dimension in the smallest subset, and the line is none.
PER_DIMENSION = 2


def extrapolated(real: Gaussian, generated: Tensor, *, seed: int = 0) -> Tensor:
    """The intercept of the distance of subsets without replacement, a straight line in 1/N."""
    random = torch.Generator().manual_seed(seed)
    sizes = torch.linspace(SMALLEST * len(generated), len(generated), POINTS).round().long().clamp_min(2)
    distances = torch.stack([_subset(real, generated, int(size), random) for size in sizes])
    inverse = 1 / sizes.double()
    away = inverse - inverse.mean()
    slope = (away * distances.cpu()).sum() / away.square().sum()
    intercept: Tensor = distances.mean().cpu() - slope * inverse.mean()
    return intercept


def _subset(real: Gaussian, generated: Tensor, size: int, random: torch.Generator) -> Tensor:
    kept = torch.randperm(len(generated), generator=random)[:size].to(generated.device)
    return frechet_distance(real, side(generated[kept]))


class FrechetInfinity(Collected):
    """`extrapolated`; absent from a verdict where there are too few samples for a line. May be a little negative."""

    higher_is_better = False
    fewest = 20

    def compute(self) -> Tensor:
        """The intercept, a float64 scalar."""
        return extrapolated(Gaussian(**self.part("gaussian")), self.rows())

    def verdict(self, features: Features, /) -> Scores:
        if SMALLEST * features.count < PER_DIMENSION * features.pooled.shape[1]:
            return Scores(floors={"fd_infinity": 0.0})
        score = Score(value=float(self.compute()), higher_is_better=False)
        return Scores(scores={"fd_infinity": score}, floors={"fd_infinity": 0.0})
