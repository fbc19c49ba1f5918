"""Collapse told by what an extractor takes samples for: its own classes stand in for modes that nobody knows.

Noise, blur and contrast narrow all features alike and lose nothing. So no distance of the reals is the yardstick here:
classes are counted, and their width is measured against the width of all.
"""

from collections import Counter
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from metrics.cache import Part
from metrics.collapse import cut
from metrics.collected import Collected
from metrics.divergences import jensen_shannon
from metrics.errors import UnfitError
from metrics.features import Features, require_finite
from metrics.modes import binomial, likely
from metrics.score import Score, Scores

# So likely the answer has to be for an extractor to be sure of it.
SURE = 0.9
# From so many samples of a class on its term of the divergence is its first order, to a thousandth.
MANY = 500
# With more of the law in classes that the reals have not shown its divergence from them has no floor that they tell.
UNSEEN = 0.01


def sureness(logits: Tensor) -> Tensor:
    """The share of samples of whose class the extractor is sure."""
    return (logits.double().softmax(1).amax(1) >= SURE).double().mean()


def class_jsd(real: Tensor, generated: Tensor) -> Tensor:
    """The Jensen-Shannon divergence of how often each class is named, in nats, from the classes of all samples [N]."""
    count = int(torch.cat([real, generated]).max()) + 1
    shares = [classes.bincount(minlength=count).double() / len(classes) for classes in (real, generated)]
    return jensen_shannon(*shares).sum()


def unseen(real: Tensor) -> float:
    """How much of the law of these reals [M] lies in classes that none of them is of: Good and Turing's estimate."""
    return float((real.bincount() == 1).sum()) / len(real)


def perfect_class_jsd(real: Tensor, count: int) -> float:
    """What `class_jsd` is on average for `count` samples of the law of these reals [M], both sides drawn from it."""
    shares = real.bincount().double() / len(real)
    return _perfect(tuple(shares[shares > 0].tolist()), count, len(real))


@lru_cache(maxsize=64)  # every tick asks
def _perfect(shares: tuple[float, ...], count: int, reals: int) -> float:
    total = 0.0
    for share, times in Counter(shares).items():
        if share * min(count, reals) > MANY:
            term = (1 - share) / 8 * (1 / count + 1 / reals)
        else:
            ours, theirs = likely(count, share), likely(reals, share)
            terms = jensen_shannon(ours[:, None] / count, theirs / reals)
            term = float(binomial(ours, count, share) @ terms @ binomial(theirs, reals, share))
        total += times * term
    return total


def width_of_classes(rows: Tensor, classes: Tensor) -> Tensor:
    """The root mean square distance of rows [N, D] to the mean of their class, over that to the mean of all."""
    centred = rows.double() - rows.double().mean(0)
    places: Tensor = torch.unique(classes, return_inverse=True)[1]
    held = places.bincount()
    means = centred.new_zeros(len(held), rows.shape[1]).index_add_(0, places, centred) / held[:, None]
    lengths = centred.square().sum(1)
    require_finite(lengths, name="the squares of the features")
    whole = lengths.sum().clamp_min(torch.finfo(torch.float64).tiny)
    width: Tensor = ((centred - means[places]).square().sum() / whole).sqrt()
    return width


class Answered(Collected):
    """Rows of both sides, and what the extractor takes them for, whatever their labels say."""

    real_logits: list[Tensor]
    generated_logits: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for side in ("real_logits", "generated_logits"):
            self.add_state(side, [], dist_reduce_fx="cat")

    def update(self, features: Features | Tensor, *, real: bool = False) -> None:
        """Take a batch of features with logits into one side."""
        logits = features.logits if isinstance(features, Features) else None
        if logits is None:
            raise UnfitError(
                f"{type(self).__name__} needs class logits; use an extractor that gives them, as lenet does"
            )
        held = next((side[0].shape[-1] for side in (self.real_logits, self.generated_logits) if len(side)), None)
        logits = self.checked(logits, real=real, width=held)
        if logits.shape[1] < 2:
            raise UnfitError(
                f"{type(self).__name__} needs logits of two classes or more, but the extractor gives {logits.shape[1]};"
                " use one that tells classes apart, as lenet does"
            )
        super().update(features, real=real)
        (self.real_logits if real else self.generated_logits).append(logits)

    def part(self, name: str) -> Part:
        """What is read of the real side; its answers too, if that side came here."""
        if name == "answers" and not self.reference:
            self._enough(self.real, "real")
            return {"classes": dim_zero_cat(self.real_logits).argmax(1)}
        return super().part(name)

    def answers(self) -> Tensor:
        """What the generated side is taken for [N]."""
        return dim_zero_cat(self.generated_logits).argmax(1)


class ClassDivergence(Answered):
    """`class_jsd`: classes that are lost, or preferred."""

    higher_is_better = False

    def compute(self) -> Tensor:
        """The divergence, a float64 scalar."""
        self.rows()
        return class_jsd(self.part("answers")["classes"], self.answers())

    def verdict(self, _features: Features, /) -> Scores:
        score = Score(value=max(0.0, float(self.compute())), higher_is_better=False)
        classes = self.part("answers")["classes"]
        known = unseen(classes) <= UNSEEN
        floors = {"class_jsd": perfect_class_jsd(classes, len(self.answers()))} if known else {}
        return Scores(scores={"class_jsd": score}, floors=floors)


class ClassSureness(Answered):
    """`sureness`: what the counts of classes are worth."""

    higher_is_better = True

    def compute(self) -> Tensor:
        """The share, a float64 scalar."""
        self.rows()
        return sureness(dim_zero_cat(self.generated_logits))

    def verdict(self, _features: Features, /) -> Scores:
        return Scores(scores={"class_sure": Score(value=float(self.compute()), higher_is_better=True)})


class ClassSpread(Answered):
    """`width_of_classes` over that of as many reals: 1 is right, less says that samples of a class are too alike.

    Around their own means n samples of k classes lose k / n of their squares. That cancels where both sides have as
    many classes; where one has a single one, and the other ten, it is 5 % of the width at n = 100.
    """

    higher_is_better = True
    fewest = 100

    def compute(self) -> Tensor:
        """The ratio, a float64 scalar."""
        real, rows = self.part("rows")["rows"], self.rows()
        count = min(len(real), len(rows))
        truth = width_of_classes(cut(real, count), cut(self.part("answers")["classes"], count))
        if truth < torch.finfo(torch.float32).eps:  # features are of single precision: the rest is rounding
            raise UnfitError(
                "the reals have no spread within their classes, so that nothing can be held against it;"
                " leave out class_spread"
            )
        return width_of_classes(cut(rows, count), cut(self.answers(), count)) / truth

    def verdict(self, _features: Features, /) -> Scores:
        score = Score(value=float(self.compute()), higher_is_better=True)
        return Scores(scores={"class_spread": score}, floors={"class_spread": 1.0})
