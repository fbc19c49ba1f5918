"""The sliced Wasserstein distance: exact in one dimension, averaged over directions (Rabin et al., 2011)."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from metrics.collected import Collected
from metrics.features import Features
from metrics.score import Score, Scores

DIRECTIONS = 512
BLOCK = 64


def sliced_wasserstein(real: Tensor, generated: Tensor, *, directions: int = DIRECTIONS, seed: int = 0) -> Tensor:
    """The root of the mean squared 2-Wasserstein distance along fixed random directions."""
    width, random = real.shape[1], torch.Generator().manual_seed(seed)
    axes = normalize(torch.randn(directions, width, generator=random, dtype=torch.float64)).to(real.device)
    parts = [_squared(real.double() @ some.T, generated.double() @ some.T) for some in torch.split(axes, BLOCK)]
    return torch.cat(parts).mean().sqrt()


def _squared(one: Tensor, other: Tensor) -> Tensor:
    """Of two samples a column [N, L] and [M, L]: the integral of the squared difference of both quantile functions."""
    one, other = one.sort(0).values, other.sort(0).values
    if len(one) == len(other):
        return (one - other).square().mean(0)
    # Both step at their own multiples of 1/N and 1/M; between two steps neither changes.
    ends = torch.unique(torch.cat([_steps(len(one)), _steps(len(other))])).to(one.device)
    widths, middles = ends.diff(prepend=ends.new_zeros(1)), ends - ends.diff(prepend=ends.new_zeros(1)) / 2
    gap = one[(middles * len(one)).long()] - other[(middles * len(other)).long()]
    integral: Tensor = (widths[:, None] * gap.square()).sum(0)
    return integral


def _steps(count: int) -> Tensor:
    return torch.arange(1, count + 1, dtype=torch.float64) / count


class SlicedWasserstein(Collected):
    """`sliced_wasserstein` in the units of the features."""

    higher_is_better = False

    def compute(self) -> Tensor:
        """The distance, a float64 scalar."""
        return sliced_wasserstein(self.part("rows")["rows"], self.rows())

    def verdict(self, _features: Features, /) -> Scores:
        return Scores(scores={"sliced_wasserstein": Score(value=float(self.compute()), higher_is_better=False)})
