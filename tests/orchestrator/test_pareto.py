"""The Pareto front, against its definition."""

import random

import pytest

from orchestrator.leaderboard.pareto import pareto


@pytest.mark.parametrize(
    ("points", "higher_is_better", "front"),
    [
        ({}, [False, False], []),
        ({"a": (1, 5), "b": (2, 2), "c": (3, 3), "d": (4, 1)}, [False, False], ["a", "b", "d"]),
        ({"a": (1, 5), "b": (2, 2), "c": (3, 3), "d": (4, 1)}, [True, True], ["d", "c", "a"]),
        ({"a": (1, 5), "b": (2, 2), "c": (3, 3), "d": (4, 1)}, [False, True], ["a"]),
        ({"a": (1, 1), "b": (1, 1), "c": (1, 2)}, [False, False], ["a", "b"]),  # equals stand together
        ({"a": (3,), "b": (1,), "c": (2,)}, [False], ["b"]),  # of one value, the best
    ],
)
def test_the_front_holds_who_is_bettered_by_nobody(points, higher_is_better, front):
    assert pareto(points, higher_is_better) == front


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_whoever_is_left_out_is_dominated_and_whoever_is_in_is_not(dimensions):
    stream = random.Random(dimensions)
    points = {index: tuple(stream.randrange(6) for _ in range(dimensions)) for index in range(60)}

    def dominated(point):
        return any(
            other != point and all(x <= y for x, y in zip(other, point, strict=True)) for other in points.values()
        )

    front = pareto(points, [False] * dimensions)
    assert set(front) == {index for index, point in points.items() if not dominated(point)}
    assert len(front) == len(set(front))
    shuffled = dict(stream.sample(list(points.items()), len(points)))
    assert set(pareto(shuffled, [False] * dimensions)) == set(front)
