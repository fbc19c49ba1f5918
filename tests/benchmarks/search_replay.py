"""What samplers and schedulers would have made of recorded learning curves: `python -m tests.benchmarks.search_replay`.

Samplers and schedulers are the ones that a search uses; workers, clock and training are played from the table of
`search_table`. Time is generator steps, two contenders train at once, and a search ends when its budget is spent: who
is still training then has no final score. A search is worth the final score of the best that got to its end, as the
leaderboard ranks. All are given the same contenders in the same order, so that differences are paired.

The table is finite. Random draws are draws from it without replacement; what a sampler suggests becomes the nearest
contender that has not been tried: of the same variant and the same choices if there is one, else nearest on the
scales of the space. The sampler is told what it got.
"""

import argparse
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from statistics import mean, stdev

from scipy.stats import t as student

from orchestrator.config.models import SearchExperiment
from orchestrator.config.space import Dimension
from orchestrator.config.values import Value
from orchestrator.search.adaptive import Tpe
from orchestrator.search.scheduling import make_judge
from orchestrator.space import draw
from orchestrator.trial import seen
from tests.benchmarks.search_table import Curve, curves, experiment

RESULT = Path(__file__).parent / "results" / "search_replay.md"
TRAININGS = 12
WORKERS = 2
STREAMS = 1000
"""A repeat's search has a seed of its own, away from that of the table."""

Judge = Callable[[str, int, float], str | None]
Next = Callable[[], Curve | None]


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to search: what draws, what prunes, and what ends it."""

    sampler: str = "random"
    scheduler: str = "none"
    trainings: int = TRAININGS
    contenders: int | None = None

    @property
    def label(self) -> str:
        """Its name in the table."""
        return f"{self.sampler} | {self.scheduler} | {self.trainings}"


@dataclass(kw_only=True)
class Played:
    """What a replayed search came to."""

    tried: int = 0
    ended: int = 0
    finals: list[float] = field(default_factory=list)

    def best(self, worst: float) -> float:
        """Return the best final score, or the worst that there is if nobody got there."""
        return min(self.finals, default=worst)


EQUAL = Way()
TWICE = Way(trainings=2 * TRAININGS)
WAYS = (
    EQUAL,
    TWICE,
    Way(scheduler="asha"),
    Way(scheduler="hyperband"),
    Way(scheduler="median"),
    Way(sampler="tpe"),
    Way(sampler="tpe", scheduler="asha"),
)


class AtRandom:
    """The table in an order of its own."""

    def __init__(self, table: Sequence[Curve], seed: int) -> None:
        self.left = random.Random(seed).sample(list(table), len(table))

    def suggest(self) -> Curve | None:
        """Return the next contender."""
        return self.left.pop() if self.left else None

    def learn(self, curve: Curve, ticks: int, *, pruned: bool) -> None:
        """Nothing is learned."""


class Adaptively:
    """Our sampler, whose suggestions become the nearest contenders that the table holds."""

    def __init__(self, table: Sequence[Curve], seed: int) -> None:
        asked = experiment()
        self.space = asked.space
        self.sampler = Tpe(_with(asked, seed=STREAMS + seed, sampler="tpe"), (False,))
        self.left = {curve.contender.name: curve for curve in table}
        self.values = {curve.contender.name: values(curve) for curve in table}

    def suggest(self) -> Curve | None:
        """Return the contender that is nearest to what the sampler suggests."""
        if not self.left:
            return None
        _, wanted = self.sampler.suggest()
        name = min(self.left, key=lambda name: distance(self.space, wanted, self.values[name]))
        self.sampler.take({"kind": "suggested", "contender": name, "suggestion": self.values[name]})
        return self.left.pop(name)

    def learn(self, curve: Curve, ticks: int, *, pruned: bool) -> None:
        """Tell the sampler how a contender ended."""
        told = list(zip(curve.spent[:ticks], curve.objective[:ticks], strict=True))
        line = {"contender": curve.contender.name, "curve": told}
        last = curve.objective[ticks - 1]
        objectives = None if last is None else {"objective": last}
        ended = {"kind": "ended", "status": "finished", "objectives": objectives}
        self.sampler.take(line | ({"kind": "pruned"} if pruned else ended))


SAMPLERS = {"random": AtRandom, "tpe": Adaptively}


def values(curve: Curve) -> dict[str, Value]:
    """Return which values of the space made this contender."""
    asked = experiment()
    return draw(asked.space, f"{asked.search.seed}/{curve.contender.index}")


def distance(space: Mapping[str, Dimension], a: Mapping[str, Value], b: Mapping[str, Value]) -> float:
    """Return how far two points lie apart: a unit for each choice that differs, and shares of each scale."""
    return sum(_apart(space[name], a.get(name), b.get(name)) ** 2 for name in space)


def _apart(dimension: Dimension, a: Value, b: Value) -> float:
    if dimension.choice or a is None or b is None:
        return float(a != b)
    low, high = getattr(dimension, dimension.law)
    scale = math.log if dimension.law == "loguniform" else float
    return abs(scale(float(a)) - scale(float(b))) / (scale(high) - scale(low))


def _with(asked: SearchExperiment, **search: object) -> SearchExperiment:
    return asked.model_copy(update={"search": asked.search.model_copy(update=search)})


def _nobody_is_pruned(name: str, spent: int, objective: float) -> str | None:
    return None


def play(way: Way, table: Sequence[Curve], seed: int) -> Played:
    """Replay one search."""
    sampler = SAMPLERS[way.sampler](table, seed)
    asked = _with(experiment(), scheduler=way.scheduler, seed=seed)
    judge: Judge = _nobody_is_pruned if way.scheduler == "none" else make_judge(asked)
    total, budget = asked.budget.amount, way.trainings * asked.budget.amount
    most = way.contenders or len(table)
    played, spent = Played(), 0
    # The next report of every worker: when, whose turn among equals, and which tick of which curve.
    reports: list[tuple[int, int, Curve, int]] = []

    def begin(now: int) -> None:
        if spent < budget and played.tried < most and (curve := sampler.suggest()):
            played.tried += 1
            heappush(reports, (now + curve.spent[0], played.tried, curve, 0))

    for _ in range(WORKERS):
        begin(0)
    while reports:
        now, turn, curve, tick = heappop(reports)
        spent += curve.spent[tick] - (curve.spent[tick - 1] if tick else 0)
        if spent > budget:
            break
        last = tick == len(curve.spent) - 1
        reason = None
        if curve.spent[tick] < total:
            reason = judge(curve.contender.name, curve.spent[tick], seen(curve.objective[tick], 1))
        if last or reason:
            played.ended += 1
            sampler.learn(curve, tick + 1, pruned=not last)
            if last and curve.final is not None:
                played.finals.append(curve.final)
            begin(now)
        else:
            heappush(reports, (now + curve.spent[tick + 1] - curve.spent[tick], turn, curve, tick + 1))
    return played


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by Student's t."""
    half = student.ppf(0.975, len(differences) - 1) * stdev(differences) / math.sqrt(len(differences))
    return mean(differences) - half, mean(differences) + half


def verdict(low: float, high: float) -> str:
    """Say what an interval of a difference means where less is better."""
    return "better" if high < 0 else "worse" if low > 0 else "not told apart"


def lines(found: Mapping[Way, Sequence[Played]], worst: float) -> Iterator[str]:
    """Yield the rows of the result."""
    yield (
        "| sampler | scheduler | budget, full trainings | tried | finished | best final score"
        " | against random, equal budget | | against random, twice the budget | |"
    )
    yield "|---|---|--:|--:|--:|--:|---|---|---|---|"
    for way, plays in found.items():
        cells = [way.label, f"{mean(p.tried for p in plays):.1f}", f"{mean(len(p.finals) for p in plays):.1f}"]
        cells.append(f"{mean(p.best(worst) for p in plays):.4f}")
        for other in (EQUAL, TWICE):
            if way == other:
                cells += ["", ""]
                continue
            apart = [mine.best(worst) - theirs.best(worst) for mine, theirs in zip(plays, found[other], strict=True)]
            low, high = interval(apart)
            cells += [f"{mean(apart):+.4f} ({low:+.4f} to {high:+.4f})", verdict(low, high)]
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Replay every way to search many times, and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=40)
    repeats = parser.parse_args().repeats
    table, asked = curves(), experiment()
    found = {way: [play(way, table, seed) for seed in range(repeats)] for way in WAYS}
    finals = sorted(curve.final for curve in table if curve.final is not None)
    text = [
        "# Samplers and schedulers, replayed from recorded learning curves",
        "",
        f"`python -m tests.benchmarks.search_replay --repeats {repeats}`: {len(table)} contenders of"
        f" `tests/benchmarks/search_table.yaml`, {len(table[0].spent)} ticks each, {WORKERS} at once,"
        f" {repeats} repeats; {asked.objective}, less is better. In the whole table the best is {finals[0]:.4f}, the"
        f" median {finals[len(finals) // 2]:.4f}. Differences are paired over repeats, 95 % intervals by Student's t.",
        "",
        *lines(found, finals[-1]),
        "",
        "Suggestions of a sampler become the nearest contender of the table that was not tried. Contenders that a",
        "scheduler prunes, and those that were still training when the budget was spent, are charged what they used.",
    ]
    RESULT.write_text("\n".join(text) + "\n")
    print("\n".join(text))


if __name__ == "__main__":
    main()
