"""Which slots of a population become copies of which: decided from the journal and the search's seed alone."""

from collections.abc import Mapping, Sequence
from math import ceil
from random import Random

from orchestrator.config.models import SearchExperiment
from orchestrator.config.population import Population
from orchestrator.config.space import Dimension
from orchestrator.recording.journal import Event, State
from orchestrator.search.plan import Plan
from orchestrator.space import changeable, drawn_from, kind
from orchestrator.trial import seen

Numbers = dict[str, float]


class Breeding:
    """Of each architecture the worst slots give way to perturbed copies of the best."""

    def __init__(self, experiment: SearchExperiment, plan: Plan, state: State) -> None:
        self.space = experiment.space
        self.seed = experiment.search.seed
        self.settings = experiment.search.population or Population()
        self.contenders = plan.contenders
        self.sign = -1 if plan.higher_is_better else 1
        self.state = state

    def clones(self) -> list[Event]:
        """Return the copies to be made now, all slots that still train being at one mark."""
        groups: dict[str, dict[str, float]] = {}
        for name in self.state.left:
            groups.setdefault(kind(self.contenders[name], self.space), {})[name] = seen(
                self._tick(name)["objective"], self.sign
            )
        pairs = [pair for scores in groups.values() for pair in exploited(scores, self.settings.quantile)]
        return [self._clone(name, best) for name, best in pairs]

    def _clone(self, name: str, best: Sequence[str]) -> Event:
        """Return how this slot goes on: from whose checkpoint, and under which numbers."""
        tick = self._tick(name)
        stream = Random(f"{self.seed}/population/{name}/{tick['step']}")  # noqa: S311
        donor = stream.choice(best)
        numbers, ancestors = self._numbers(donor), self.state.contenders[donor].cloned
        changed = changeable(self.contenders[name], self.space).items()
        return {
            "contender": name,
            "from": donor,
            "step": tick["step"],
            "was": self._numbers(name),
            "now": {key: mutated(numbers[key], dimension, self.settings, stream) for key, dimension in changed},
            "checkpoint": self._tick(donor)["checkpoint"],
            "seconds": [replica["seconds"] for replica in tick["replicas"]],
            "lineage": [*(ancestors["lineage"] if ancestors else []), f"{donor}@{tick['step']}"],
        }

    def _numbers(self, name: str) -> Numbers:
        """Return the numbers that a slot trains under now."""
        if cloned := self.state.contenders[name].cloned:
            return dict(cloned["now"])
        started: Mapping[str, object] = self.contenders[name].hyperparameters
        return {key: float(str(started[key])) for key in changeable(self.contenders[name], self.space)}

    def _tick(self, name: str) -> Event:
        tick = self.state.contenders[name].tick
        assert tick  # noqa: S101  (nobody is compared before a mark)
        return tick


def exploited(scores: Mapping[str, float], quantile: float) -> list[tuple[str, list[str]]]:
    """Return whoever is among the worst, each with those of the best that are better than it; less is better."""
    order = sorted(scores, key=lambda name: (scores[name], name))
    count = min(ceil(len(order) * quantile), len(order) // 2)
    best, worst = order[:count], order[len(order) - count :]
    paired = [(name, [other for other in best if scores[other] < scores[name]]) for name in worst]
    return [(name, better) for name, better in paired if better]


def mutated(value: float, dimension: Dimension, settings: Population, stream: Random) -> float:
    """Return a number near `value`, or now and then any other of its range; it never leaves the range."""
    low, high = getattr(dimension, dimension.law)
    drawn = drawn_from(dimension, stream)
    assert isinstance(drawn, float)  # noqa: S101  (it has a range)
    moved = value * stream.choice(settings.factors)
    return drawn if stream.random() < settings.resample else min(max(moved, low), high)
