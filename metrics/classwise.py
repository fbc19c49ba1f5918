"""Scores that read classes: the distance within each class, and what generated samples are worth as training data."""

import torch
from torch import Tensor

from metrics.collected import Collected
from metrics.errors import TooFewSamplesError
from metrics.features import Features
from metrics.frechet import frechet_distance, side
from metrics.moments import Gaussian
from metrics.score import Score, Scores

# Ridge of the classifier, as a share of the features' mean variance.
RIDGE = 1e-2


def within_classes(real: Tensor, classes: Tensor, generated: Tensor, assigned: Tensor) -> Tensor:
    """The Frechet distance of each class that both sides have at least twice [C]; the others are left out."""
    both = [name for name in torch.unique(classes) if (classes == name).sum() >= 2 and (assigned == name).sum() >= 2]
    if not both:
        raise TooFewSamplesError("a distance within classes needs a class with 2 real and 2 generated samples")
    return torch.stack(
        [frechet_distance(Gaussian.of(real[classes == name]), side(generated[assigned == name])) for name in both]
    )


def accuracy(taught: Tensor, answers: Tensor, asked: Tensor, right: Tensor) -> float:
    """Of a ridge regression onto one-hot classes, a classifier with a closed form and no seed."""
    names, places = torch.unique(answers, return_inverse=True)
    middle = taught.double().mean(0)
    rows, targets = taught.double() - middle, torch.nn.functional.one_hot(places).double()
    scale = rows.square().mean().clamp_min(torch.finfo(torch.float64).tiny)
    ridge = RIDGE * len(rows) * scale * torch.eye(rows.shape[1], dtype=rows.dtype, device=rows.device)
    slopes = torch.linalg.solve(rows.T @ rows + ridge, rows.T @ (targets - targets.mean(0)))
    guesses = names[((asked.double() - middle) @ slopes + targets.mean(0)).argmax(1)]
    return float((guesses == right).double().mean())


def halves(rows: Tensor, classes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The same two halves every time, in a random order: samples may come sorted by class."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).to(rows.device)
    first, second = order[::2], order[1::2]
    return rows[first], classes[first], rows[second], classes[second]


class ClassFrechet(Collected):
    """The mean of `within_classes`: a generator that swaps classes has a good `fd` and a bad one of these."""

    higher_is_better = False
    classified = True

    def compute(self) -> Tensor:
        """The mean over classes, a float64 scalar."""
        rows, classes = self.part("rows")["rows"], self.part("classes")["classes"]
        return within_classes(rows, classes, self.rows(), self.classes()).mean()

    def verdict(self, _features: Features, /) -> Scores:
        return Scores(scores={"fd_class": Score(value=float(self.compute()), higher_is_better=False)})


class Utility(Collected):
    """Train on generated, test on real; and what they add to real ones. Half of the reals ask, half teach."""

    higher_is_better = True
    classified = True

    def compute(self) -> dict[str, Tensor]:
        """Both, by name: float64 scalars."""
        real, classes = self.part("rows")["rows"], self.part("classes")["classes"]
        rows, assigned = self.rows(), self.classes()
        taught, answers, asked, right = halves(real, classes)
        both = accuracy(torch.cat([taught, rows]), torch.cat([answers, assigned]), asked, right)
        found = {
            "utility": accuracy(rows, assigned, asked, right),
            "utility_gain": both - accuracy(taught, answers, asked, right),
        }
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in found.items()}

    def verdict(self, _features: Features, /) -> Scores:
        real, classes = self.part("rows")["rows"], self.part("classes")["classes"]
        ceiling = accuracy(*halves(real, classes))
        return Scores(
            scores={name: Score(value=float(value), higher_is_better=True) for name, value in self.compute().items()},
            floors={"utility": ceiling},
        )
