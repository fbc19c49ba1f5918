"""The Inception score: how sure a classifier is of each sample, how varied its answers (Salimans et al., 2016)."""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor

from metrics.errors import TooFewSamplesError, UnfitError
from metrics.features import Features
from metrics.intervals import jackknife
from metrics.judge import Judge
from metrics.reference import Reference
from metrics.score import Score, Scores


def inception_score(logits: Tensor) -> Tensor:
    """exp(H[mean p] - mean H[p]) over all samples at once: no splits, so no order of the samples and no random draw."""
    certainty, chances = _terms(logits)
    return _score(certainty.mean(), chances.mean(0))


def without_each(logits: Tensor) -> Tensor:
    """The score without each sample in turn [N]."""
    certainty, chances = _terms(logits)
    rest = len(logits) - 1
    return _score((certainty.sum() - certainty) / rest, (chances.sum(0) - chances) / rest)


def _terms(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Of each sample: sum p log p [N], and p [N, C]."""
    chances = logits.double().softmax(1)
    return -_entropy(chances), chances


def _score(certainty: Tensor, chances: Tensor) -> Tensor:
    """From the mean of sum p log p, and the mean of p over the last dimension's classes."""
    return (_entropy(chances.clamp_min(0)) + certainty).exp()  # a subtraction may leave -1e-17


def _entropy(chances: Tensor) -> Tensor:
    entropy: Tensor = torch.special.entr(chances).sum(-1)
    return entropy


class InceptionScore(Judge):
    """`inception_score` over a stream of logit batches; the real side is not read."""

    higher_is_better = True
    count: Tensor
    certainty: Tensor
    chances: Tensor

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("certainty", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("chances", torch.zeros(1, dtype=torch.float64), dist_reduce_fx="sum")

    @classmethod
    def against(cls, _reference: Reference, _names: Sequence[str] = (), /) -> Self:
        return cls()

    def update(self, features: Features | Tensor, *, real: bool = False) -> None:
        """Take a batch of logits [N, C]."""
        if real:
            return
        logits = features.logits if isinstance(features, Features) else features
        if logits is None:
            raise UnfitError(
                "an Inception score needs class logits, and this extractor gives none; use lenet or inception"
            )
        width = self.chances.numel() if self.count else None
        certainty, chances = _terms(self.checked(logits, real=False, width=width))
        self.count = self.count + len(logits)
        self.certainty = self.certainty + certainty.sum()
        self.chances = self.chances + chances.sum(0)

    def compute(self) -> Tensor:
        """The score, a float64 scalar between 1 and the number of classes."""
        if self.count < 2:
            raise TooFewSamplesError(f"an Inception score needs at least 2 samples, but there are {int(self.count)}")
        return _score(self.certainty / self.count, self.chances / self.count)

    def verdict(self, features: Features, /) -> Scores:
        value = float(self.compute())
        assert features.logits is not None  # noqa: S101 - `update` has seen them
        interval = jackknife(value, without_each(features.logits), low=1.0, high=float(features.logits.shape[1]))
        return Scores(scores={"is": Score.of(value, interval, higher_is_better=True)})
