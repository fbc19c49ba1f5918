"""The space of a search: which contenders are drawn, all of them up front and from the search's own seed."""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import product
from typing import Any

from orchestrator.config.models import Data, Dimension, Experiment, SearchExperiment, StudyExperiment, Value
from orchestrator.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A variant with every hyperparameter resolved, on one dataset and one budget."""

    index: int
    variant: str
    hyperparameters: dict[str, Value | None]
    data: dict[str, Any]
    budget: dict[str, Any]

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
    """Return every contender of the experiment, in the order in which it starts."""
    if isinstance(experiment, StudyExperiment):
        cells = product(experiment.study.variants, experiment.study.data)
        return [_contender(index, experiment, name, data, {}) for index, (name, data) in enumerate(cells)]
    assert isinstance(experiment, SearchExperiment)  # noqa: S101  (the two kinds of file)
    return [
        _contender(index, experiment, str(drawn.pop("variant", experiment.variant)), experiment.data, drawn)
        for index, drawn in enumerate(_draws(experiment))
    ]


def _contender(index: int, experiment: Experiment, name: str, data: Data, drawn: dict[str, Value]) -> Contender:
    from gans import hyperparameters, variant

    known = hyperparameters(variant(name))
    fixed = {key: value for key, value in experiment.hyperparameters.items() if key in known}
    resolved = hyperparameters(variant(name, {**fixed, **drawn}))
    return Contender(
        index=index,
        variant=name,
        hyperparameters={key: each.default for key, each in resolved.items()},
        data=data.spec,
        budget=experiment.budget.model_dump(exclude_none=True),
    )


def _draws(experiment: SearchExperiment) -> Iterator[dict[str, Value]]:
    search, space = experiment.search, experiment.space
    if search.sampler == "grid":
        for index, combination in enumerate(_grid(space, {})):
            if search.contenders is not None and index >= search.contenders:
                return
            yield combination
        return
    for index in range(search.contenders or 0):
        # One stream per contender: a wider search begins with the same contenders.
        stream = random.Random(f"{search.seed}/{index}")  # noqa: S311
        yield _draw(space, stream)


def _grid(space: dict[str, Dimension], chosen: dict[str, Value]) -> Iterator[dict[str, Value]]:
    """Every combination of choices; a dimension that does not exist under the earlier ones multiplies nothing."""
    remaining = [name for name in ordered(space) if name not in chosen]
    for name in remaining:
        if exists(space[name], chosen):
            for value in space[name].choice or ():
                yield from _grid(space, {**chosen, name: value})
            return
    yield dict(chosen)


def _draw(space: dict[str, Dimension], stream: random.Random) -> dict[str, Value]:
    chosen: dict[str, Value] = {}
    for name in ordered(space):
        # Drawn even where it does not exist, so that one dimension's presence does not move the others.
        value = _value(space[name], stream)
        if exists(space[name], chosen):
            chosen[name] = value
    return chosen


def _value(dimension: Dimension, stream: random.Random) -> Value:
    if dimension.choice:
        return stream.choice(dimension.choice)
    if dimension.uniform:
        return stream.uniform(*dimension.uniform)
    if dimension.loguniform:
        low, high = map(math.log, dimension.loguniform)
        return min(max(math.exp(stream.uniform(low, high)), dimension.loguniform[0]), dimension.loguniform[1])
    assert dimension.randint  # noqa: S101  (validated: exactly one law)
    return stream.randrange(*dimension.randint)


def exists(dimension: Dimension, chosen: dict[str, Value]) -> bool:
    """Is this dimension there, given what has been chosen already?"""
    return all(name in chosen and chosen[name] in values for name, values in dimension.conditions.items())


def ordered(space: dict[str, Dimension]) -> list[str]:
    """Return the names, each after those that its `when` depends on."""
    order: list[str] = []
    remaining = list(space)
    while remaining:
        ready = [name for name in remaining if not set(space[name].when) & set(remaining)]
        if not ready:
            raise RequestError(
                f"space: {' and '.join(remaining)} depend on each other; a `when` may not go in a circle"
            )
        order += ready
        remaining = [name for name in remaining if name not in ready]
    return order
