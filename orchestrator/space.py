"""The space of a search: which contenders are drawn, up front and from the search's own seed unless results decide."""

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import islice, product
from typing import Any

from orchestrator.config.data import Data
from orchestrator.config.models import Experiment, SearchExperiment, StudyExperiment
from orchestrator.config.population import PERTURBED
from orchestrator.config.space import Dimension
from orchestrator.config.values import Value
from orchestrator.errors import RequestError

STARTUP = 10
"""Contenders that must have ended before results decide which are drawn; until then they are drawn at random."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A variant with every hyperparameter resolved, on one dataset and one budget."""

    index: int
    variant: str
    hyperparameters: dict[str, Value]
    data: dict[str, Any]
    budget: dict[str, Any]

    @classmethod
    def named(cls, name: str, configuration: Mapping[str, Any]) -> "Contender":
        """Return the contender that was recorded under this name."""
        return cls(index=int(name.partition("-")[0]), **configuration)

    @property
    def configuration(self) -> dict[str, Any]:
        """Everything but the place in the plan."""
        return {name: value for name, value in asdict(self).items() if name != "index"}

    @property
    def name(self) -> str:
        """`<index>-<digest>`: the identity of its records."""
        return f"{self.index:03d}-{digest(self.configuration)}"


def canonical(value: Any) -> str:
    """Return the JSON of `value` that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return the first 12 hex digits of the SHA-256 of the canonical JSON."""
    return sha256(canonical(value).encode()).hexdigest()[:12]


def contenders(experiment: Experiment) -> list[Contender]:
    """Return every contender that is known up front, in the order in which it starts; baselines come last."""
    drawn = _drawn(experiment)
    cells = product(experiment.baselines, experiment.sources.values())
    first = len(drawn) + draws(experiment)
    return drawn + [_baseline(index, experiment, *cell) for index, cell in enumerate(cells, start=first)]


def draws(experiment: Experiment) -> int:
    """Return how many contenders are drawn as results come."""
    if not isinstance(experiment, SearchExperiment) or not experiment.adaptive:
        return 0
    return experiment.search.contenders or 0


def up_front(experiment: SearchExperiment) -> SearchExperiment:
    """Return the same search with contenders that can be drawn before there are results."""
    if not experiment.adaptive:
        return experiment
    at_random = experiment.search.model_copy(update={"sampler": "random"})
    return experiment.model_copy(update={"search": at_random})


def _drawn(experiment: Experiment) -> list[Contender]:
    if isinstance(experiment, StudyExperiment):
        cells = product(experiment.study.variants, experiment.study.data)
        return [_contender(index, experiment, name, data, {}) for index, (name, data) in enumerate(cells)]
    assert isinstance(experiment, SearchExperiment)  # noqa: S101  (the two kinds of file)
    return [resolve(experiment, index, chosen) for index, chosen in enumerate(_draws(experiment))]


def resolve(experiment: SearchExperiment, index: int, chosen: Mapping[str, Value]) -> Contender:
    """Return the contender that has these values of the space."""
    rest = {name: value for name, value in chosen.items() if name != "variant"}
    return _contender(index, experiment, str(chosen.get("variant", experiment.variant)), experiment.data, rest)


def default(experiment: SearchExperiment, variant: str) -> Contender:
    """Return the contender that nobody has searched: a variant's defaults, with what the file fixes."""
    return _contender(0, experiment, variant, experiment.data, {})


def _baseline(index: int, experiment: Experiment, name: str, data: Data) -> Contender:
    from gans import baseline

    return Contender(
        index=index,
        variant=name,
        hyperparameters=asdict(baseline(name)),
        data=data.spec,
        budget=experiment.budget.model_dump(exclude_none=True),
    )


def _contender(index: int, experiment: Experiment, name: str, data: Data, drawn: dict[str, Value]) -> Contender:
    trainer = experiment.trainer if isinstance(experiment, SearchExperiment) else None
    given = {**experiment.hyperparameters, **drawn}
    return Contender(
        index=index,
        variant=trainer or name,
        hyperparameters=given if trainer else _resolved(name, given),
        data=data.spec,
        budget=experiment.budget.model_dump(exclude_none=True),
    )


def _resolved(name: str, given: dict[str, Value]) -> dict[str, Value]:
    """Return every hyperparameter of the variant, with the values that were given or its own."""
    from gans import hyperparameters, variant

    return {
        # 1 and 1.0 are one rate, and must have one digest.
        key: float(each.default) if each.kind == "float" and each.default is not None else each.default
        for key, each in hyperparameters(variant(name, given)).items()
    }


def _draws(experiment: SearchExperiment) -> Iterator[dict[str, Value]]:
    search, space = experiment.search, experiment.space
    if search.sampler == "grid":
        yield from islice(combinations(space), search.contenders)
    if search.sampler == "random":
        for index in range(search.contenders or 0):
            yield draw(space, f"{search.seed}/{index}")


def combinations(space: Mapping[str, Dimension]) -> Iterator[dict[str, Value]]:
    """Yield every combination of choices; a dimension that does not exist under the earlier ones multiplies nothing."""
    return _combinations(space, ordered(space), {})


def _combinations(
    space: Mapping[str, Dimension], names: Sequence[str], chosen: dict[str, Value]
) -> Iterator[dict[str, Value]]:
    if not names:
        yield chosen
        return
    name, *rest = names
    if not exists(space[name], chosen):
        yield from _combinations(space, rest, chosen)
        return
    for value in space[name].choice or ():
        yield from _combinations(space, rest, {**chosen, name: value})


def draw(space: Mapping[str, Dimension], seed: str) -> dict[str, Value]:
    """Return values drawn from the laws of the space alone."""
    chosen: dict[str, Value] = {}
    for name in ordered(space):
        if exists(space[name], chosen):
            # A stream for each contender and name: a wider search begins with the same contenders, and a dimension
            # that is new, gone or elsewhere in the file leaves the draws of the others.
            chosen[name] = drawn_from(space[name], random.Random(f"{seed}/{name}"))  # noqa: S311
    return chosen


def drawn_from(dimension: Dimension, stream: random.Random) -> Value:
    """Draw one value by the dimension's law."""
    if dimension.choice:
        return stream.choice(dimension.choice)
    if dimension.uniform:
        return stream.uniform(*dimension.uniform)
    if dimension.loguniform:
        low, high = map(math.log, dimension.loguniform)
        return min(max(math.exp(stream.uniform(low, high)), dimension.loguniform[0]), dimension.loguniform[1])
    assert dimension.randint  # noqa: S101  (validated: exactly one law)
    return stream.randrange(*dimension.randint)


def exists(dimension: Dimension, chosen: Mapping[str, Value]) -> bool:
    """Is this dimension there, given what has been chosen already?"""
    return all(name in chosen and chosen[name] in values for name, values in dimension.conditions.items())


def ordered(space: Mapping[str, Dimension]) -> list[str]:
    """Return the names, each after those that its `when` depends on."""
    if names := circle(space):
        raise RequestError(f"space: the `when` of {' and '.join(names)} goes in a circle")
    return _after_what_they_need(space)


def circle(space: Mapping[str, Dimension]) -> list[str]:
    """Return names that depend on each other, if there are any."""
    stuck = set(space) - set(_after_what_they_need(space))
    while loose := {name for name in stuck if not any(name in space[other].when for other in stuck)}:
        stuck -= loose  # waits for a circle without being part of it
    return [name for name in space if name in stuck]


def _after_what_they_need(space: Mapping[str, Dimension]) -> list[str]:
    order: list[str] = []
    while ready := [name for name in space if name not in order and not set(space[name].when) - set(order)]:
        order += ready
    return order


def ranges(space: Mapping[str, Dimension]) -> dict[str, Dimension]:
    """Return what a population changes: learning rates and the penalty's weight, where they are drawn from a range."""
    return {name: space[name] for name in PERTURBED if name in space and space[name].law in ("uniform", "loguniform")}


def changeable(contender: Contender, space: Mapping[str, Dimension]) -> dict[str, Dimension]:
    """Return what of this contender a population changes."""
    chosen = {"variant": contender.variant, **contender.hyperparameters}
    return {name: dimension for name, dimension in ranges(space).items() if exists(dimension, chosen)}


def kind(contender: Contender, space: Mapping[str, Dimension]) -> str:
    """Return all of a contender that no population changes: its architecture, its data and its budget."""
    changed, configuration = changeable(contender, space), contender.configuration
    fixed = {name: value for name, value in contender.hyperparameters.items() if name not in changed}
    return canonical(configuration | {"hyperparameters": fixed})
