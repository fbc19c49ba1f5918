"""Mean and covariance of a stream: centred, in float64, mergeable in any order and number of parts."""

import math
from dataclasses import dataclass
from functools import reduce
from typing import Self

import torch
from torch import Tensor

from metrics.errors import TooFewSamplesError
from metrics.features import require_finite
from metrics.symmetric import cholesky, gram


@dataclass(frozen=True)
class Moments:
    """How many samples, their mean [D], and the sum of outer products of what is left after it is taken away [D, D].

    The textbook's E[xx'] - E[x]E[x]' loses every digit when the mean is a million times the spread; this does not.
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> Self:
        """Of samples [N, D]."""
        rows = rows.double()
        mean = rows.mean(0) if len(rows) else rows.new_zeros(rows.shape[1])
        centred = rows - mean
        scatter = gram(centred.T)
        return cls(len(rows), mean, scatter.tril_().add_(scatter.tril(-1).T))

    def __add__(self, other: "Moments") -> "Moments":
        """Of both streams together (Chan, Golub & LeVeque, 1979)."""
        count = self.count + other.count
        if not self.count or not other.count:
            return self if self.count else other
        step = other.mean - self.mean
        scatter = self.scatter + other.scatter + torch.outer(step, step) * (self.count * other.count / count)
        return Moments(count, self.mean + step * (other.count / count), scatter)

    @property
    def freedom(self) -> int:
        """What the scatter is divided by for the covariance."""
        require_two(self.count)
        return self.count - 1

    @property
    def covariance(self) -> Tensor:
        return self.scatter / self.freedom

    @property
    def spread(self) -> Tensor:
        """The trace of the covariance."""
        return self.scatter.trace() / self.freedom

    def packed(self) -> Tensor:
        """One matrix [D + 1, D + 1]: torchmetrics merges states one by one, and these three only merge together."""
        corner = self.mean.new_full((1,), self.count)
        return torch.cat([torch.cat([corner, self.mean])[None], torch.cat([self.mean[:, None], self.scatter], 1)])

    @classmethod
    def unpacked(cls, packed: Tensor) -> Self:
        return cls(int(packed[0, 0]), packed[0, 1:], packed[1:, 1:])


def merge(packed: Tensor) -> Tensor:
    """Packed moments of several workers [W, D + 1, D + 1] to those of all: a reduction for `Metric.add_state`."""
    return reduce(Moments.__add__, (Moments.unpacked(part) for part in packed)).packed()


def factor(covariance: Tensor) -> Tensor:
    """A matrix L with L L' = covariance: triangular where it exists, else without the directions that carry nothing.

    No jitter is added to a deficient covariance: it would move the distance by 3e-3.
    """
    require_finite(covariance, name="the covariances")
    if (root := cholesky(covariance)) is not None:
        return root
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > values[-1].clamp_min(0) * torch.finfo(values.dtype).eps * len(values)
    return vectors[:, kept] * values[kept].sqrt()


@dataclass(frozen=True)
class Gaussian:
    """A mean [D] and a factor L of the covariance [D, R], L L' = C: all that the distance reads of a side."""

    mean: Tensor
    factor: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> Self:
        """Of samples [N, D]. No more samples than dimensions are their own factor: nothing is decomposed."""
        if len(rows) > rows.shape[1]:
            return cls.from_moments(Moments.of(rows))
        require_two(len(rows))
        rows = rows.double()
        mean = rows.mean(0)
        return cls(mean, (rows - mean).div_(math.sqrt(len(rows) - 1)).T)

    @property
    def spread(self) -> Tensor:
        """The trace of the covariance."""
        length: Tensor = torch.linalg.vector_norm(self.factor)
        return length.square()

    @classmethod
    def from_moments(cls, moments: Moments) -> Self:
        """Of what `Moments` has added up."""
        return cls(moments.mean, factor(moments.scatter).div_(math.sqrt(moments.freedom)))


def require_two(count: int) -> None:
    """Refuse a side that has no covariance."""
    if count < 2:
        raise TooFewSamplesError(f"a Frechet distance needs at least 2 samples on each side, but one side has {count}")
