"""Values drawn from the laws of a space: each from a stream of its own, or every combination of choices."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.config.space import Dimension
from orchestrator.config.values import Value
from orchestrator.errors import RequestError


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
