"""How far the shares of known modes are from the true ones, and how far those of a perfect sampler are."""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from metrics.errors import TooFewSamplesError
from metrics.features import Features
from metrics.mixture import weights_of
from metrics.modes import Histogram, binomial, likely, scalar
from metrics.score import Score, Scores


def kl(shares: Tensor, truth: Tensor) -> Tensor:
    """What each mode [K] contributes to KL(shares || truth), in nats."""
    # Not the logarithm of a quotient: where both are 0 that is not a number.
    terms: Tensor = torch.special.xlogy(shares, shares) - torch.special.xlogy(shares, truth)
    return terms


def variation(shares: Tensor, truth: Tensor) -> Tensor:
    """What each mode [K] contributes to the total variation, between 0 and 1 in all."""
    return (shares - truth).abs() / 2


def jensen_shannon(shares: Tensor, truth: Tensor) -> Tensor:
    """What each mode [K] contributes to the Jensen-Shannon divergence, between 0 and log 2 in all."""
    middle = (shares + truth) / 2
    return (kl(shares, middle) + kl(truth, middle)) / 2


Divergence = Callable[[Tensor, Tensor], Tensor]
DIVERGENCES: dict[str, Divergence] = {
    "mode_tv": variation,
    "mode_tv_valid": variation,
    "jsd": jensen_shannon,
    "jsd_valid": jensen_shannon,
    "reverse_kl": kl,
}


def reverse_kl(counts: Tensor, weights: Tensor) -> Tensor:
    """KL(histogram of the valid samples || true shares), in nats: a blurred generator is not punished."""
    return kl(counts.double() / counts.sum(), weights.to(counts.device)).sum()


def perfect_reverse_kl(weights: Tensor, count: int) -> float:
    """What `reverse_kl` is on average for `count` valid samples of the truth itself."""
    return perfect_divergence(kl, weights, weights, count)


def perfect_divergence(divergence: Divergence, chances: Tensor, truth: Tensor, count: int) -> float:
    """What the divergence is on average for `count` samples that hit each mode by its chance [K].

    Exact, as it is a sum over modes, and each mode's hits have a binomial law.
    """
    return _perfect(divergence, tuple(chances.tolist()), tuple(truth.tolist()), count)


@lru_cache(maxsize=64)  # with a thousand unequal modes it takes a tenth of a second, and every tick asks
def _perfect(divergence: Divergence, chances: tuple[float, ...], truth: tuple[float, ...], count: int) -> float:
    total = 0.0
    for (chance, share), times in Counter(zip(chances, truth, strict=True)).items():
        hits = likely(count, chance)
        total += times * float(binomial(hits, count, chance) @ divergence(hits / count, scalar(share)))
    return max(0.0, total)


class Divergent(Histogram):
    """A divergence of the shares of all samples: what is not valid is one more mode, which the truth does not have."""

    higher_is_better = False
    key: ClassVar[str]

    def compute(self) -> Tensor:
        """The divergence, a float64 scalar."""
        shares = self.hits.double() / self.samples()
        truth = weights_of(self.modes).to(shares)
        return self._sum(torch.cat([shares, 1 - shares.sum()[None]]), torch.cat([truth, truth.new_zeros(1)]))

    def verdict(self, _features: Features, /) -> Scores:
        chances, truth = self.chances(), weights_of(self.modes)
        chances, truth = torch.cat([chances, 1 - chances.sum()[None]]), torch.cat([truth, truth.new_zeros(1)])
        floor = perfect_divergence(DIVERGENCES[self.key], chances, truth, self.samples())
        score = Score(value=max(float(self.compute()), 0.0), higher_is_better=False)
        return Scores(scores={self.key: score}, floors={self.key: floor}, histogram=self.conditional())

    def _sum(self, shares: Tensor, truth: Tensor) -> Tensor:
        return DIVERGENCES[self.key](shares, truth).sum()


class Conditional(Divergent):
    """The same of the valid samples alone; absent from a verdict, not NaN, where no sample is valid.

    Its floor is that of a perfect sampler with as many valid samples: a blurred one has fewer, and has lost no mode.
    """

    def compute(self) -> Tensor:
        """The divergence, a float64 scalar."""
        if not self.hits.any():
            raise TooFewSamplesError(f"{self.key} needs a valid sample, but none lies near a centre")
        return self._sum(self.hits.double() / self.hits.sum(), weights_of(self.modes).to(self.hits.device))

    def verdict(self, _features: Features, /) -> Scores:
        if not self.hits.any():
            return Scores()
        truth, valid = weights_of(self.modes), int(self.hits.sum())
        floors = {self.key: perfect_divergence(DIVERGENCES[self.key], truth, truth, valid)}
        score = Score(value=max(float(self.compute()), 0.0), higher_is_better=False)
        return Scores(scores={self.key: score}, floors=floors, histogram=self.conditional())


class ModeVariation(Divergent):
    """Total variation of all samples' shares."""

    key = "mode_tv"


class ValidModeVariation(Conditional):
    """Total variation of the valid samples' shares."""

    key = "mode_tv_valid"


class JensenShannon(Divergent):
    """Jensen-Shannon divergence of all samples' shares."""

    key = "jsd"


class ValidJensenShannon(Conditional):
    """Jensen-Shannon divergence of the valid samples' shares."""

    key = "jsd_valid"


class ReverseKL(Conditional):
    """`reverse_kl` of the valid samples' shares."""

    key = "reverse_kl"
