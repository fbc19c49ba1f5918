"""The Pareto front: who is the best at one thing unless more is paid in another."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def pareto(points: Mapping[K, Sequence[float]], higher_is_better: Sequence[bool]) -> list[K]:
    """Return those that nobody dominates, the best in the first value first.

    One point dominates another that it equals or betters in every value, and betters in one; equals stand together.
    """
    costs = {
        key: tuple(-value if higher else value for value, higher in zip(values, higher_is_better, strict=True))
        for key, values in points.items()
    }
    front: list[K] = []
    for key in sorted(costs, key=costs.__getitem__):  # whoever dominates a point comes before it
        if not any(_dominates(costs[other], costs[key]) for other in front):
            front.append(key)
    return front


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(mine <= theirs for mine, theirs in zip(one, other, strict=True))
