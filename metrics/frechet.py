"""The Frechet distance between two clouds of features taken as Gaussians (Heusel et al., 2017)."""

import math
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor

from metrics.errors import UnfitError
from metrics.features import Features, require_finite
from metrics.intervals import Interval, log_jackknife
from metrics.judge import Judge, pooled
from metrics.moments import Gaussian, Moments, merge
from metrics.reference import Reference
from metrics.score import Score, Scores
from metrics.symmetric import eigenvalues_, gram, sandwich

# With fewer samples the error of the error is not small: a skewed law was covered in 80 of 100 draws.
FEWEST = 50
# With how many samples all others are left out in pairs: each takes a decomposition.
PAIRED = 3
# More samples than dimensions tell less together; what they do is asked in no more dimensions than these.
CHEAP = 512


Side = Gaussian | Moments


def frechet_distance(real: Side, generated: Side) -> Tensor:
    """|m - m'|^2 + tr C + tr C' - 2 tr (C C')^(1/2).

    With C = L L' the last trace is the sum of the roots of the eigenvalues of L' C' L: symmetric, in float64, and N x N
    when one side has fewer samples than dimensions. The product of the covariances, which is not symmetric and loses
    half of the digits, never appears. One factor is enough: that of the reference is stored with it.
    """
    apart = (real.mean - generated.mean).square().sum()
    return (apart + real.spread + generated.spread - 2 * _shared(real, generated)).clamp_min(0)


def side(rows: Tensor) -> Side:
    """Samples [N, D] in the form that takes the least work: their own factor, or moments that need none."""
    return Moments.of(rows) if len(rows) > rows.shape[1] else Gaussian.of(rows)


def _shared(one: Side, other: Side) -> Tensor:
    """tr (C C')^(1/2), by the smallest symmetric matrix with the eigenvalues of C C', but for zeros."""
    if isinstance(one, Moments) and isinstance(other, Moments):
        one = Gaussian.from_moments(one)
    if isinstance(one, Gaussian) and isinstance(other, Gaussian):
        overlap = one.factor.T @ other.factor
        return _trace_of_root(gram(overlap if overlap.shape[0] <= overlap.shape[1] else overlap.T))
    if isinstance(one, Gaussian) and isinstance(other, Moments):
        return _trace_of_root(sandwich(one.factor, other.scatter)) / math.sqrt(other.freedom)
    return _shared(other, one)


def _trace_of_root(matrix: Tensor) -> Tensor:
    require_finite(matrix, name="the products of both covariances")
    return eigenvalues_(matrix).clamp_min(0).sqrt().sum()


def without_each(real: Gaussian, rows: Tensor) -> Tensor:
    """The distance without each generated sample in turn [N]: exact, for the price of one decomposition.

    Leaving out sample i takes the rank-one n/(n-1) c c' from the scatter, c being the sample less the mean. What that
    takes from the trace of the square root follows from tr M^(1/2) = 1/pi int_0^inf tr M (M + s^2)^-1 ds, by parts:

        tr M^(1/2) - tr (M - a a')^(1/2) = -1/pi int_0^inf log(1 - a' (M + s^2)^-1 a) ds.
    """
    rows = rows.double()
    count, mean = len(rows), rows.mean(0)
    centred = rows - mean
    scatters, loads = _principal(centred @ real.factor)
    lost = _trace_lost(scatters, loads * (count / (count - 1)))
    lengths = centred.square().sum(1)
    spread = (lengths.sum() - lengths * count / (count - 1)) / (count - 2)
    shared = (scatters.sqrt().sum() - lost) / math.sqrt(count - 2)
    apart = (mean - centred / (count - 1) - real.mean).square().sum(1)
    return apart + real.factor.square().sum() + spread - 2 * shared


def told_by_pairs(real: Gaussian, rows: Tensor, value: float, left_out: Tensor) -> float:
    """The squares of what goes with two samples beyond what goes with either, summed over all pairs, from some of them.

    It is much where every sample spans a direction of its own, and little where there are many in each.
    """
    count, squares = len(rows), []
    for one in range(0, count, -(-count // PAIRED)):
        others = torch.arange(count, device=rows.device) != one
        both = without_each(real, rows[others])
        squares.append((both - left_out[others] - left_out[one] + value).square().mean())
    return float(torch.stack(squares).mean()) * count * (count - 1) / 2


def _principal(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues [R] of the scatter of rows that sum to 0, and the squared left singular vectors with them [N, R].

    Fewer rows than dimensions are first turned into the N - 1 dimensions that are left when their mean is taken away.
    Else rounding mixes that empty direction with the smallest others, and hides that every sample spans its own.
    """
    values: Tensor
    vectors: Tensor
    if not rows.any():
        return rows.new_zeros(0), rows.new_zeros(len(rows), 0)
    if len(rows) > rows.shape[1] + 1:
        values, vectors = torch.linalg.eigh(rows.T @ rows)
        kept = values > values[-1] * len(values) * torch.finfo(values.dtype).eps
        return values[kept], (rows @ vectors[:, kept]).square() / values[kept]
    turned = _turn(rows)[1:]
    values, vectors = torch.linalg.eigh(turned @ turned.T)
    return values.clamp_min(0), _turn(torch.cat([vectors[:1] * 0, vectors])).square()


def _turn(rows: Tensor) -> Tensor:
    """Householder's reflection of [N, R] that takes the constant vector to the first axis; it is its own inverse."""
    normal = rows.new_full((len(rows), 1), len(rows) ** -0.5)
    normal[0] += 1
    normal /= normal.norm()
    return rows - 2 * normal @ (normal.T @ rows)


def _trace_lost(scatters: Tensor, loads: Tensor) -> Tensor:
    """The integral of `without_each`, where a sample's a is given by its loads a_k^2 / m_k on the eigenvalues m_k.

    1 - a' (M + s^2)^-1 a is taken as two terms that cannot be negative; the first is 0 when every sample spans its own
    direction. By the trapezoid in log s: the integrand is analytic within pi/2 of the real axis, so that a step of 1/2
    leaves a relative error of exp(-2 pi^2) = 3e-9, and about 1e-6 of the integral lies beyond the ends.
    """
    if not len(scatters):
        return loads.new_zeros(len(loads))
    step = 0.5
    exponents = torch.arange(-18, 14 + step, step, dtype=scatters.dtype, device=scatters.device)
    nodes = scatters[-1].sqrt() * exponents.exp()
    stays = nodes.square() / (scatters[:, None] + nodes.square())
    sums = loads.sum(1, keepdim=True)
    # A sum that rounding has put above 1 would grow without end along s.
    left = (1 - sums).clamp_min(0) + loads / sums.clamp_min(1) @ stays
    return -(left.log() @ nodes) * step / math.pi


def distance_interval(real: Gaussian, rows: Tensor, value: float, *, reals: float) -> Interval | None:
    """Of the expected distance at this number of samples."""
    left_out = without_each(real, rows)
    paired = rows.shape[1] <= CHEAP or len(rows) <= rows.shape[1]
    pairs = told_by_pairs(real, rows, value, left_out) if paired else 0.0
    return log_jackknife(value, left_out, reals=reals, pairs=pairs)


class FrechetDistance(Judge):
    """`frechet_distance` over a stream of feature batches, against real batches or a finished reference.

    Each side holds its rows while they are fewer than the dimensions, and its moments from then on: memory does not
    grow with the number of samples, and small sides take the short route. Only the interval asks of how many `reals` a
    finished reference was made.
    """

    higher_is_better = False
    reference_mean: Tensor | None
    reference_factor: Tensor | None

    def __init__(
        self, width: int, *, reference: Gaussian | None = None, reals: float = math.inf, **options: Any
    ) -> None:
        super().__init__(**options)
        self.width, self.reals = width, reals
        empty = torch.zeros(width + 1, width + 1, dtype=torch.float64)
        for side in ("real", "generated"):
            self.add_state(f"{side}_rows", [], dist_reduce_fx="cat")
            self.add_state(f"{side}_moments", empty.clone(), dist_reduce_fx=merge)
        self.register_buffer("reference_mean", reference.mean if reference else None, persistent=False)
        self.register_buffer("reference_factor", reference.factor if reference else None, persistent=False)

    @classmethod
    def against(cls, reference: Reference, _names: Sequence[str] = (), /) -> Self:
        gaussian = Gaussian(**reference.part("gaussian"))
        return cls(len(gaussian.mean), reference=gaussian, reals=reference.count)

    def update(self, features: Features | Tensor, *, real: bool = False) -> None:
        """Take a batch of pooled features [N, D] into one side."""
        rows = self.checked(pooled(features), real=real, width=self.width).double()
        if real and self.reference_mean is not None:
            raise UnfitError("this distance is measured against a finished reference; make one without to add reals")
        side = "real" if real else "generated"
        held = getattr(self, f"{side}_rows")
        held.append(rows)
        if sum(map(len, held)) > self.width:
            moments = Moments.unpacked(getattr(self, f"{side}_moments")) + Moments.of(torch.cat(held))
            setattr(self, f"{side}_moments", moments.packed())
            held[:] = [rows[:0]]  # not []: workers that sync must agree that this state has rows of this width

    def compute(self) -> Tensor:
        """The distance, a float64 scalar."""
        return frechet_distance(self._reference() or self._side("real"), self._side("generated"))

    def verdict(self, features: Features, /) -> Scores:
        real, reals = self._reference(), self.reals
        if real is None:
            side = self._side("real")
            if isinstance(side, Moments):
                reals, real = side.count, Gaussian.from_moments(side)
            else:
                reals, real = side.factor.shape[1], side  # its rows are its factor
        value = float(self.compute())
        enough = features.count >= FEWEST
        interval = distance_interval(real, features.pooled, value, reals=reals) if enough else None
        return Scores(scores={"fd": Score.of(value, interval, higher_is_better=False)})

    def _side(self, side: str) -> Side:
        held = getattr(self, f"{side}_rows")
        if isinstance(held, list) and held:  # after a sync it is one tensor
            held = torch.cat(held) if len(held) > 1 else held[0]
        rows = held if len(held) else torch.empty(0, self.width)
        moments = Moments.unpacked(getattr(self, f"{side}_moments"))
        if not moments.count and len(rows) <= self.width:
            return Gaussian.of(rows)
        return moments + Moments.of(rows) if len(rows) else moments

    def _reference(self) -> Gaussian | None:
        if self.reference_mean is None or self.reference_factor is None:
            return None
        return Gaussian(self.reference_mean, self.reference_factor)
