"""The log-likelihood of the first GAN paper (Goodfellow et al., 2014): for history, not for decisions."""

import math

import torch
from torch import Tensor

from metrics.collected import Collected
from metrics.features import Features
from metrics.score import Score, Scores

BLOCK = 1024
WIDTHS = 20


def log_likelihood(points: Tensor, kernels: Tensor, widths: Tensor) -> Tensor:
    """Mean log density of the points under equal round Gaussians at the kernels, for each of the widths [W]."""
    kernels, dimensions, total = kernels.double(), points.shape[1], torch.zeros_like(widths)
    for block in torch.split(points.double(), BLOCK):
        squared = torch.cdist(block, kernels, compute_mode="donot_use_mm_for_euclid_dist").square()
        total += torch.stack([(squared / (-2 * width**2)).logsumexp(1).sum() for width in widths])
    constant = math.log(len(kernels)) + dimensions * (widths.log() + math.log(2 * math.pi) / 2)
    return total / len(points) - constant


def parzen(real: Tensor, generated: Tensor) -> Tensor:
    """Of every other real sample, with the width that is best for the others."""
    spread = real.double().var(0).mean().sqrt().clamp_min(1e-6)
    widths = spread * torch.logspace(-2, 0.5, WIDTHS, dtype=torch.float64, device=real.device)
    best = widths[log_likelihood(real[::2], generated, widths).argmax()]
    return log_likelihood(real[1::2], generated, best[None])[0]


class Parzen(Collected):
    """`parzen`: it rewards blur, and in many dimensions k-means centres beat the data (Theis et al., 2016)."""

    higher_is_better = True

    def compute(self) -> Tensor:
        """Mean log-likelihood in nats, a float64 scalar."""
        return parzen(self.part("rows")["rows"], self.rows())

    def verdict(self, _features: Features, /) -> Scores:
        return Scores(scores={"parzen": Score(value=float(self.compute()), higher_is_better=True)})
