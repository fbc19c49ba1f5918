"""What torchmetrics' own classes make of the same features."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore

from metrics import Features


class Same(nn.Module):
    """Features in, features out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, features: Tensor) -> Tensor:
        """Return them as they are."""
        return features


def peers(families: Sequence[str], real: Features, fake: Features) -> dict[str, float]:
    """Return their scores, for the families that they have."""
    found: dict[str, float] = {}
    # Its Inception score warns of the memory that it takes, and shuffles by the generator that everybody shares.
    with warnings.catch_warnings(action="ignore"), torch.random.fork_rng(devices=[]):
        if "fd" in families:
            reals, fakes = real.pooled.cpu().double(), fake.pooled.cpu().double()
            distance = FrechetInceptionDistance(feature=Same(reals.shape[1])).set_dtype(torch.float64)
            distance.update(reals, real=True)
            distance.update(fakes, real=False)
            found["fd"] = float(distance.compute())
        if "is" in families and fake.logits is not None:
            logits = fake.logits.cpu().double()
            score = InceptionScore(feature=Same(logits.shape[1]), splits=1)
            score.update(logits)
            found["is"] = float(score.compute()[0])
    return found
