"""Signs of collapse that need no labels and no known modes, each against what the reals themselves show.

Both sides are cut to the same number of samples: how near the nearest is depends on how many there are.
"""

import math

import torch
from torch import Tensor

from metrics.collected import Collected
from metrics.distances import nearest
from metrics.errors import UnfitError
from metrics.features import Features, require_finite
from metrics.intervals import FEWEST, jackknife
from metrics.score import Score, Scores
from metrics.symmetric import eigenvalues_, gram

BLOCK = 1024
# As many reals as this share have a nearest neighbour that counts as a near-duplicate.
NEAR = 0.05
# Among so many nearest neighbours a copy stands out: at least, and at most, and in between this share of all samples.
CROWD, CROWDS = 20, 200
CROWDED = 0.04
BINS = 100
ROUNDS = 25
LEVEL = 0.05


def cut(rows: Tensor, count: int) -> Tensor:
    """As many rows as `count`, strewn over all: they may have come sorted. Equally long tensors keep the same ones."""
    if len(rows) == count:
        return rows
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    return rows[order[:count].to(rows.device)]


def near_duplicates(real: Tensor, generated: Tensor) -> tuple[Tensor, Tensor]:
    """The share of generated samples with a near-duplicate among them, and the size of support that it implies.

    Near is what 5 % of as many reals are to their nearest. In a support of S equally likely points N samples make
    N (N - 1) / 2 S pairs: the birthday paradox (Arora et al., 2018), read backwards. Reals give about 20 N.
    """
    count = min(len(real), len(generated))
    near = nearest(cut(real, count), 2)[0][:, 1].quantile(NEAR)
    closest = nearest(cut(generated, count), 2)[0][:, 1] <= near
    pairs = closest.sum() / 2  # of mutual neighbours: a group of k copies counts as k / 2
    return closest.double().mean(), count * (count - 1) / 2 / pairs.clamp_min(1)


def crowding(rows: Tensor) -> Tensor:
    """How near the nearest is to each sample [N], as a share of how near one of the further ones is: free of any scale.

    The further one is the twentieth of up to 500 samples, and later ones of more: few points give each so many copies
    that the twentieth is one as well.
    """
    crowd = min(CROWDS, max(CROWD, int(CROWDED * len(rows))))
    distances = nearest(rows, crowd + 1)[0]
    return distances[:, 1] / distances[:, crowd].clamp_min(torch.finfo(distances.dtype).tiny)


def copies(real: Tensor, generated: Tensor) -> Tensor:
    """The share of generated samples that are crowded as 5 % of as many reals are.

    A sample that is noisy, blurred or pale throughout moves all distances alike, and so none of their ratios.
    """
    count = min(len(real), len(generated))
    return (crowding(cut(generated, count)) <= crowding(cut(real, count)).quantile(NEAR)).double().mean()


def apart(rows: Tensor) -> Tensor:
    """The mean distance of each sample from all others [N]."""
    middle = rows.double().mean(0)
    centred = rows.double() - middle
    lengths = centred.square().sum(1)
    parts = []
    for start in range(0, len(rows), BLOCK):
        block = centred[start : start + BLOCK]
        squared = torch.addmm(lengths, block, centred.T, alpha=-2) + block.square().sum(1, keepdim=True)
        squared[:, start : start + BLOCK].fill_diagonal_(0)
        parts.append(squared.clamp_min_(0).sqrt_().sum(1))
    return torch.cat(parts) / (len(rows) - 1)


def effective_rank(rows: Tensor) -> Tensor:
    """exp of the entropy of the covariance's normalised eigenvalues (Roy & Vetterli, 2007)."""
    centred = rows.double() - rows.double().mean(0)
    scatter = gram(centred.T if len(rows) > rows.shape[1] else centred)
    require_finite(scatter, name="the covariances")
    values = eigenvalues_(scatter).clamp_min(0)
    rank: Tensor = torch.special.entr(values / values.sum().clamp_min(torch.finfo(values.dtype).tiny)).sum().exp()
    return rank


def centres(rows: Tensor, count: int, *, seed: int = 0) -> Tensor:
    """k-means, from starts that lie apart (Arthur & Vassilvitskii, 2007) [count, D]."""
    rows, random = rows.double(), torch.Generator().manual_seed(seed)
    require_finite(rows.square().sum(1), name="the squares of the features")
    chosen = [rows[int(torch.randint(len(rows), (1,), generator=random))]]
    squared = (rows - chosen[0]).square().sum(1)
    while len(chosen) < count and bool(squared.any()):
        chosen.append(rows[int(torch.multinomial(squared.cpu(), 1, generator=random))])
        squared = torch.minimum(squared, (rows - chosen[-1]).square().sum(1))
    found = torch.stack(chosen)
    for _ in range(ROUNDS):
        places = assigned(rows, found)
        sums = torch.zeros_like(found).index_add_(0, places, rows)
        held = places.bincount(minlength=len(found))[:, None]
        found = torch.where(held > 0, sums / held.clamp_min(1), found)
    return found


def assigned(rows: Tensor, centres: Tensor) -> Tensor:
    """The nearest centre of each row [N]."""
    lengths = centres.square().sum(1)
    return torch.cat([(lengths - 2 * part.double() @ centres.T).argmin(1) for part in torch.split(rows, BLOCK)])


def different_bins(real: Tensor, generated: Tensor) -> tuple[Tensor, Tensor]:
    """The share of bins that differ (Richardson & Weiss, 2018), and the least p-value corrected for all of them.

    One half of the reals makes the bins, the other is counted: in bins made to measure they would be too even. The
    test of two shares is corrected after Holm (1979), so that in 95 of 100 samples of the same law no bin differs.
    """
    bins = centres(real[::2], min(BINS, max(2, len(real) // 40)))
    counts = torch.stack([assigned(rows, bins).bincount(minlength=len(bins)) for rows in (real[1::2], generated)])
    chances = two_shares(counts, torch.tensor([len(real[1::2]), len(generated)], device=counts.device)).sort().values
    corrected = (chances * torch.arange(len(bins), 0, -1, device=counts.device)).clamp_max(1).cummax(0).values
    return (corrected <= LEVEL).double().mean(), corrected[0]


def two_shares(hits: Tensor, counts: Tensor) -> Tensor:
    """Two-sided p-values that two binomial samples [2, K] have one share: the pooled z test, cut by half a count."""
    shares, pooled = hits.double() / counts[:, None], hits.sum(0).double() / counts.sum()
    each = (1 / counts.double()).sum()
    gap = ((shares[0] - shares[1]).abs() - each / 2).clamp_min(0)
    error = (pooled * (1 - pooled) * each).sqrt().clamp_min(torch.finfo(torch.float64).tiny)
    chances: Tensor = torch.special.erfc(gap / error / math.sqrt(2))
    return chances


class NearDuplicates(Collected):
    """`near_duplicates`: copies within the sample, whatever they look like."""

    higher_is_better = False

    def compute(self) -> Tensor:
        """The share, a float64 scalar."""
        return near_duplicates(self.part("rows")["rows"], self.rows())[0]

    def verdict(self, _features: Features, /) -> Scores:
        score = Score(value=float(self.compute()), higher_is_better=False)
        return Scores(scores={"duplicates": score}, floors={"duplicates": NEAR})


class Copies(Collected):
    """`copies`: samples with a copy, measured by their own neighbourhood and not by the reals'."""

    higher_is_better = False
    fewest = CROWD + 1

    def compute(self) -> Tensor:
        """The share, a float64 scalar."""
        return copies(self.part("rows")["rows"], self.rows())

    def verdict(self, _features: Features, /) -> Scores:
        score = Score(value=float(self.compute()), higher_is_better=False)
        return Scores(scores={"copies": score}, floors={"copies": NEAR})


class Support(Collected):
    """The size of support that `near_duplicates` implies: at least so many, where the reals say no more either."""

    higher_is_better = True

    def compute(self) -> Tensor:
        """The number of points, a float64 scalar."""
        return near_duplicates(self.part("rows")["rows"], self.rows())[1].double()

    def verdict(self, features: Features, /) -> Scores:
        count = min(features.count, len(self.part("rows")["rows"]))
        score = Score(value=float(self.compute()), higher_is_better=True)
        return Scores(scores={"support": score}, floors={"support": (count - 1) / NEAR})


class Spread(Collected):
    """The mean distance between generated samples over that between reals: 1 is right, less is collapse."""

    higher_is_better = True

    def compute(self) -> Tensor:
        """The ratio, a float64 scalar."""
        return apart(self.rows()).mean() / self._truth()

    def _truth(self) -> Tensor:
        mean = self.part("apart")["mean"]
        if not mean:
            raise UnfitError(
                "the reals all lie on one point, so that no spread can be held against theirs; leave out spread"
            )
        return mean

    def verdict(self, features: Features, /) -> Scores:
        each, count, interval = apart(self.rows()) / self._truth(), features.count, None
        value = float(each.mean())
        if count >= FEWEST:
            # Without sample i the sum over pairs loses twice its row.
            interval = jackknife(value, (each.sum() - 2 * each) / (count - 2), low=0.0)
        return Scores(
            scores={"spread": Score.of(value, interval, higher_is_better=True)},
            floors={"spread": 1.0},
        )


class DifferentBins(Collected):
    """The share of `different_bins`, and its p-value: under 0.05 the laws differ, whether by collapse or otherwise."""

    higher_is_better = False
    fewest = 20

    def compute(self) -> Tensor:
        """The share, a float64 scalar."""
        return different_bins(self.part("rows")["rows"], self.rows())[0]

    def verdict(self, _features: Features, /) -> Scores:
        score = Score(value=float(self.compute()), higher_is_better=False)
        return Scores(scores={"ndb": score}, floors={"ndb": 0.0})


class SpectrumRank(Collected):
    """`effective_rank` over that of as many reals: 1 is right, less says that features vary in fewer directions."""

    higher_is_better = True

    def compute(self) -> Tensor:
        """The ratio, a float64 scalar."""
        real, rows = self.part("rows")["rows"], self.rows()
        count = min(len(real), len(rows))
        return effective_rank(cut(rows, count)) / effective_rank(cut(real, count))

    def verdict(self, _features: Features, /) -> Scores:
        score = Score(value=float(self.compute()), higher_is_better=True)
        return Scores(scores={"spectrum_rank": score}, floors={"spectrum_rank": 1.0})
