"""Scores from nearest neighbours among features: four of them, from one pass over all pairs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from metrics.distances import Points, candidates, nearest, strips
from metrics.errors import TooFewSamplesError, UnfitError
from metrics.features import Features
from metrics.intervals import FEWEST, Interval, dependent_share, jackknife, mid_p, occupancy_jackknife
from metrics.judge import Judge, pooled
from metrics.reference import Reference
from metrics.score import Score, Scores

NEIGHBOURS = 5  # of Naeem et al.; Kynkaanniemi et al. take 3
# With fewer covered reals than this, one draw does not show the spread. Those that are not tell little of it.
COVERED = 5
# Random partitions of the generated samples into halves, each a variance of two numbers; and how many of the nearest
# are looked through for those of one part.
PARTITIONS = 100
LISTED = 48
# Whether a part reaches a real is told by so many balls that hold it, those that need the fewest of their neighbours.
ENOUGH = 64
NAMES = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Neighbourhoods:
    """Samples [M, D], each with a ball that reaches to its nearest neighbours of the same side [M]."""

    centres: Tensor
    radii: Tensor

    @classmethod
    def of(cls, rows: Tensor, neighbours: int = NEIGHBOURS, *, side: str = "real") -> Self:
        """A sample is its own nearest neighbour, hence the + 1."""
        if len(rows) <= neighbours:
            raise TooFewSamplesError(
                f"{neighbours} neighbours need more than {neighbours} {side} samples, not {len(rows)}"
            )
        return cls(rows, nearest(rows, neighbours + 1)[0][:, neighbours])


@dataclass(frozen=True)
class Meeting:
    """Who lies in whose ball, told by one pass over all pairs of generated and real samples.

    Of the generated samples that hold or are held there is their number, the sum of their places, and that of the
    squares of these, [M, 3]: enough to name one, or two.
    """

    around: Tensor  # real balls that hold each generated sample [N]
    held: Tensor  # by each real ball
    holding: Tensor | None  # each real sample, by their own balls

    @classmethod
    def of(cls, real: Neighbourhoods, generated: Tensor, radii: Tensor | None = None) -> Self:
        """With the radii of the generated samples' own balls [N] also the other way round."""
        middle = real.centres.double().mean(0)
        reals, samples = (Points.of(rows, middle=middle) for rows in (real.centres, generated))
        places = torch.arange(len(generated), dtype=torch.float64, device=generated.device)
        weights = torch.stack([torch.ones_like(places), places, places.square()], 1)
        around, start = [], 0
        held, holding = torch.zeros(2, len(reals), 3, dtype=torch.float64, device=generated.device)
        for strip in strips(samples, reals):
            rows = slice(start, start := start + len(strip.block))
            inside = strip.within(real.radii).double()
            around.append(inside.sum(1))
            held.addmm_(inside.T, weights[rows])
            if radii is not None:
                holding.addmm_(strip.within(radii[rows, None]).double().T, weights[rows])
        return cls(torch.cat(around), held, None if radii is None else holding)


def precision(meeting: Meeting) -> Tensor:
    """Share of generated samples that lie in the ball of a real one (Kynkaanniemi et al., 2019)."""
    return (meeting.around > 0).double().mean()


def recall(meeting: Meeting) -> Tensor:
    """Share of real samples that lie in the ball of a generated one (Kynkaanniemi et al., 2019)."""
    assert meeting.holding is not None  # noqa: S101 - asked for with the meeting
    return (meeting.holding[:, 0] > 0).double().mean()


def density(meeting: Meeting, neighbours: int = NEIGHBOURS) -> Tensor:
    """Real balls around a generated sample, on average, over the number of neighbours (Naeem et al., 2020)."""
    return meeting.around.double().mean() / neighbours


def coverage(meeting: Meeting) -> Tensor:
    """Share of real samples whose ball holds a generated one (Naeem et al., 2020)."""
    return (meeting.held[:, 0] > 0).double().mean()


def without_each(meeting: Meeting) -> Tensor:
    """The coverage without each generated sample in turn [N]: a ball is lost with the only sample that it holds."""
    count, place, _ = meeting.held.T
    lost: Tensor = place[count == 1].long().bincount(minlength=len(meeting.around))
    return coverage(meeting) - lost / len(meeting.held)


def without_both(meeting: Meeting) -> Tensor:
    """The coverage that goes with a pair of samples that share a ball alone, for every such pair [P]."""
    pairs = meeting.held[meeting.held[:, 0] == 2]
    times: Tensor = torch.unique(pairs, dim=0, return_counts=True)[1]
    return times / len(meeting.held)


def independent_reals(
    real: Tensor, generated: Tensor, neighbours: int = NEIGHBOURS, *, seed: int = 0
) -> tuple[float, float] | None:
    """As many independent reals would recall as unsurely over draws of the generated samples; and degrees of freedom.

    Disjoint parts of a sample are independent samples: what the recalls of two halves, and of four quarters, vary by
    is without bias the variance at N/2 and at N/4, averaged here over random partitions, and counted in that of a
    single real at the recall which they have. Each real is reached or not, whatever N is, and neighbouring reals are
    reached together, over a range that shrinks as 1/N: what it is at N is read from a straight line in 1/N through
    both, neither of whose terms can be negative. What partitions differ by tells how sure that is, and so the degrees
    of freedom (Satterthwaite, 1946). None where no two halves differ: nothing then shows what draws differ by.
    """
    recalls, random = recalls_of_parts(real, generated, neighbours), torch.Generator().manual_seed(seed)

    def between(parts: int) -> tuple[float, float]:
        """The mean over partitions, and the square of its standard error."""
        orders = [torch.randperm(len(generated), generator=random) % parts for _ in range(PARTITIONS // (parts - 1))]
        found = torch.stack([recalls(order, parts) for order in orders])
        single = float(found.mean() * (1 - found.mean()))
        spread = found.var(1) / (single or 1.0)
        return float(spread.mean()), float(spread.var()) / len(spread)

    (half, half_unsure), (quarter, quarter_unsure) = between(2), between(4)
    if not half:
        return None
    line = (3 * half - quarter) / 2
    share = min(max(line, half / 2), half)
    unsure = (9 * half_unsure + quarter_unsure) / 4 if share == line else half_unsure * (share / half) ** 2
    return 1 / share, 2 * share**2 / unsure if unsure else math.inf


def recalls_of_parts(real: Tensor, generated: Tensor, neighbours: int = NEIGHBOURS) -> Callable[[Tensor, int], Tensor]:
    """The recall of every part of the generated samples, given which part each is of [N] and how many there are.

    All that it takes is found once: which ball holds which real, and how many of its neighbours lie nearer than that.
    Distances are float32's, for nothing hangs on a single ball here; nor does it where more than `ENOUGH` hold a real,
    so that memory grows with the number of reals, however wide the balls are.
    """
    middle = real.double().mean(0)
    samples, reals = (Points.of(rows, middle=middle) for rows in (generated, real))
    squared, places = (found[:, 1:] for found in candidates(samples, min(LISTED + 1, len(samples))))
    undecided = torch.ones(len(reals), dtype=torch.bool, device=places.device)
    found, start = [places.new_empty(3, 0)], 0
    for strip in strips(samples, reals):
        rows = slice(start, start := start + len(strip.block))
        near = squared[rows]
        ball, inside = ((strip.squared < near[:, -1:]) & undecided).nonzero(as_tuple=True)
        nearer = (near[ball] <= strip.squared[ball, inside, None]).sum(1)
        found.append(torch.stack([ball + rows.start, inside, nearer]))
        if sum(each.shape[1] for each in found) > 2 * ENOUGH * len(reals):
            found = [with_fewest(torch.cat(found, 1), len(reals))]
            sure = found[0][1, found[0][2] < 2 * neighbours].bincount(minlength=len(reals))
            undecided = sure < ENOUGH
    ball, inside, nearer = torch.cat(found, 1)

    def recalls(part: Tensor, parts: int) -> Tensor:
        part = part.to(places.device)
        sooner = ((part[places] == part[:, None]).cumsum(1) < neighbours).sum(1).clamp_max(places.shape[1] - 1)
        held = nearer <= sooner[ball]
        reached = torch.zeros(parts, len(reals), dtype=torch.bool, device=places.device)
        reached[part[ball[held]], inside[held]] = True
        return reached.double().mean(1)

    return recalls


def with_fewest(held: Tensor, reals: int) -> Tensor:
    """Of balls, reals in them, and how many neighbours lie nearer than these [3, P]: `ENOUGH` of the fewest a real."""
    _, real, nearer = held
    order = (real * (LISTED + 1) + nearer).argsort(stable=True)
    first = torch.searchsorted(real[order], torch.arange(reals, device=real.device))
    place = torch.arange(len(order), device=real.device) - first[real[order]]
    return held[:, order[place < ENOUGH]]


class Neighbours(Judge):
    """Precision, recall, density and coverage over a stream of feature batches, for the price of one pass.

    Real batches, or a finished reference; `names` are those that are wanted, and recall costs as much as the rest.
    """

    higher_is_better = True
    real: list[Tensor]
    generated: list[Tensor]
    reference_centres: Tensor | None
    reference_radii: Tensor | None

    def __init__(
        self,
        names: Sequence[str] = NAMES,
        *,
        neighbours: int = NEIGHBOURS,
        reference: Neighbourhoods | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.names = tuple(names)
        self.neighbours = neighbours
        self.add_state("real", [], dist_reduce_fx="cat")
        self.add_state("generated", [], dist_reduce_fx="cat")
        self.register_buffer("reference_centres", reference.centres if reference else None, persistent=False)
        self.register_buffer("reference_radii", reference.radii if reference else None, persistent=False)

    @classmethod
    def against(cls, reference: Reference, names: Sequence[str] = NAMES, /) -> Self:
        balls = Neighbourhoods(reference.part("rows")["rows"], reference.part("neighbourhoods")["radii"])
        return cls(names, reference=balls)

    def update(self, features: Features | Tensor, *, real: bool = False) -> None:
        """Take a batch of pooled features [N, D] into one side."""
        if real and self.reference_centres is not None:
            raise UnfitError("these scores are measured against a finished reference; make one without to add reals")
        width = None if self.reference_centres is None else self.reference_centres.shape[1]
        (self.real if real else self.generated).append(self.checked(pooled(features), real=real, width=width))

    def compute(self) -> dict[str, Tensor]:
        """Those that are wanted, by name, each a float64 scalar."""
        return self._scores(self._meeting())

    def verdict(self, _features: Features, /) -> Scores:
        meeting = self._meeting()
        return Scores(
            scores={
                name: Score.of(float(value), self._interval(name, float(value), meeting), higher_is_better=True)
                for name, value in self._scores(meeting).items()
            }
        )

    def _scores(self, meeting: Meeting) -> dict[str, Tensor]:
        functions = {"precision": precision, "recall": recall, "coverage": coverage}
        return {
            name: density(meeting, self.neighbours) if name == "density" else functions[name](meeting)
            for name in self.names
        }

    def _interval(self, name: str, value: float, meeting: Meeting) -> Interval | None:
        count, reals = len(meeting.around), len(meeting.held)
        if name == "precision":  # against fixed balls every sample is in or out by itself
            return mid_p(round(value * count), count)
        if count < FEWEST:
            return None
        if name == "density":  # without a hit nothing shows what draws differ by
            each = meeting.around.double() / self.neighbours
            return jackknife(value, (each.sum() - each) / (count - 1), low=0.0) if value else None
        if name == "recall":
            worth = independent_reals(self._reals().centres, self._generated(), self.neighbours)
            return dependent_share(value, *worth) if worth else None
        if round(value * reals) < COVERED:
            return None
        pairs = float(without_both(meeting).square().sum())
        return occupancy_jackknife(value, without_each(meeting), pairs, balls=reals)

    def _generated(self) -> Tensor:
        generated = dim_zero_cat(self.generated) if len(self.generated) else torch.empty(0)
        if not len(generated):
            raise TooFewSamplesError("neighbours need at least one generated sample, but there are none")
        return generated

    def _meeting(self) -> Meeting:
        generated, radii = self._generated(), None
        if "recall" in self.names:
            radii = Neighbourhoods.of(generated, self.neighbours, side="generated").radii
        return Meeting.of(self._reals(), generated, radii)

    def _reals(self) -> Neighbourhoods:
        if self.reference_centres is not None and self.reference_radii is not None:
            return Neighbourhoods(self.reference_centres, self.reference_radii)
        return Neighbourhoods.of(dim_zero_cat(self.real) if len(self.real) else torch.empty(0, 1), self.neighbours)
