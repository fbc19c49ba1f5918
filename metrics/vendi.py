"""The Vendi score: how many different samples there are, in effect (Friedman & Dieng, 2023)."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from metrics.collected import Collected
from metrics.features import Features, require_finite
from metrics.score import Score, Scores
from metrics.symmetric import eigenvalues_, gram


def vendi(rows: Tensor) -> Tensor:
    """exp of the entropy of the eigenvalues of K / N, K the cosines of all pairs; by the smaller of both Gram forms."""
    rows = normalize(rows.double())
    cosines = gram(rows.T if len(rows) > rows.shape[1] else rows)
    require_finite(cosines, name="the cosines")
    values = eigenvalues_(cosines).clamp_min(0) / len(rows)
    effective: Tensor = torch.special.entr(values).sum().exp()
    return effective


class Vendi(Collected):
    """`vendi` of the generated samples, beside that of the reals: it measures variety alone."""

    higher_is_better = True
    fewest = 1

    def compute(self) -> Tensor:
        """The effective number of samples, a float64 scalar."""
        return vendi(self.rows())

    def verdict(self, _features: Features, /) -> Scores:
        score = Score(value=float(self.compute()), higher_is_better=True)
        return Scores(scores={"vendi": score}, floors={"vendi": float(vendi(self.part("rows")["rows"]))})
