"""What a generator has learned by heart (Bai et al., 2021)."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from metrics.collected import Collected
from metrics.features import Features
from metrics.frechet import frechet_distance, side
from metrics.moments import Gaussian
from metrics.score import Score, Scores

BLOCK = 1024
# From this cosine distance on nothing counts as learned by heart: that of the paper, for Inception's features.
CLOSE = 0.1
TINY = 1e-15


def nearest_cosine(real: Tensor, generated: Tensor) -> Tensor:
    """The cosine distance 1 - |cos| of each generated sample from the nearest real one [N]."""
    reals = normalize(real.double())
    parts = [(normalize(part.double()) @ reals.T).abs().amax(1) for part in torch.split(generated, BLOCK)]
    return (1 - torch.cat(parts)).clamp_min(0)


def penalty(distances: Tensor) -> Tensor:
    """1, or what a mean distance under `CLOSE` divides by. The mean is over generated samples, not over reals."""
    mean = distances.mean()
    return torch.where(mean < CLOSE, 1 / (mean + TINY), torch.ones_like(mean))


class MemorisationInformed(Collected):
    """The Frechet distance times `penalty`: a generator that copies its data is not the best one."""

    higher_is_better = False

    def compute(self) -> Tensor:
        """The distance, a float64 scalar."""
        rows = self.rows()
        distance = frechet_distance(Gaussian(**self.part("gaussian")), side(rows))
        return distance * penalty(nearest_cosine(self.part("rows")["rows"], rows))

    def verdict(self, _features: Features, /) -> Scores:
        return Scores(scores={"mifd": Score(value=float(self.compute()), higher_is_better=False)})
