"""Which searched parameters decide the outcome, as far as independent draws can tell."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST = 20
"""With fewer contenders a forest has nothing to learn from."""
FOLDS = 5
REPEATS = 10
TREES = 100
DECADES = 1.5
"""Positive numbers that span more are looked at on a logarithmic scale."""


@dataclass(frozen=True, kw_only=True)
class Importance:
    """How much of the held-out order a forest no longer predicts once the parameter is shuffled."""

    parameter: str
    value: float
    error: float
    """The standard error over folds."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Importances, the largest first; or why there are none."""

    reason: str | None
    explained: float | None
    """The share of the variance of the order that the forest predicts on contenders that it has not seen."""
    importances: Sequence[Importance]


def importance(configurations: Sequence[Mapping[str, str]], scores: Sequence[float], names: Sequence[str]) -> Estimate:
    """Return the importance of each named parameter for the order of the scores, by permutation on held-out folds.

    The order, and not the scores, is what the forest learns: a few that diverged would outweigh all others.
    """
    if len(scores) < FEWEST:
        return _none(f"not estimable: {len(scores)} contenders with a score, and it takes {FEWEST}")
    names = [name for name in names if len({each.get(name) for each in configurations}) > 1]
    if not names:
        return _none("not estimable: nothing was searched")
    from scipy.stats import rankdata

    columns = [_columns([each.get(name) for each in configurations]) for name in names]
    explained, drops = _held_out(columns, rankdata(scores) / len(scores))
    if np.mean(explained) <= 0:
        return _none("not estimable: what was searched does not predict the order of contenders held out")
    means, deviations = np.mean(drops, axis=0), np.std(drops, axis=0, ddof=1)
    found = [
        Importance(parameter=name, value=float(mean), error=float(deviation) / math.sqrt(FOLDS))
        for name, mean, deviation in zip(names, means, deviations, strict=True)
    ]
    return Estimate(
        reason=None,
        explained=float(np.mean(explained)),
        importances=sorted(found, key=lambda each: (-each.value, each.parameter)),
    )


def _held_out(
    columns: Sequence[Sequence[NDArray[np.float64]]], order: NDArray[np.float64]
) -> tuple[list[float], list[NDArray[np.float64]]]:
    """Return, for each fold, the share of its variance that a forest predicts, and what of it each parameter holds."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.model_selection import KFold

    owner = np.repeat(np.arange(len(columns)), [len(each) for each in columns])
    inputs = np.stack([column for each in columns for column in each], axis=1)
    stream = np.random.default_rng(0)
    explained, drops = [], []
    for learned, held in KFold(FOLDS, shuffle=True, random_state=0).split(inputs):
        forest = RandomForestRegressor(TREES, random_state=0).fit(inputs[learned], order[learned])
        spread = float(((order[held] - order[learned].mean()) ** 2).mean())
        errors = _shuffled_errors(forest, inputs[held], order[held], owner, stream)
        error = float(((forest.predict(inputs[held]) - order[held]) ** 2).mean())
        explained.append(1 - error / spread)
        drops.append((errors - error) / spread)
    return explained, drops


def _none(reason: str) -> Estimate:
    return Estimate(reason=reason, explained=None, importances=())


def _shuffled_errors(
    forest: Any,
    inputs: NDArray[np.float64],
    order: NDArray[np.float64],
    owner: NDArray[np.int64],
    stream: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the mean squared error with each parameter shuffled; the columns of one go together."""
    errors = np.zeros(owner[-1] + 1)
    for name in range(len(errors)):
        changed = np.tile(inputs, (REPEATS, 1))
        rows = np.concatenate([stream.permutation(len(inputs)) for _ in range(REPEATS)])
        changed[:, owner == name] = inputs[rows][:, owner == name]
        errors[name] = float(((forest.predict(changed) - np.tile(order, REPEATS)) ** 2).mean())
    return errors


def _columns(values: Sequence[str | None]) -> list[NDArray[np.float64]]:
    """Return a parameter as numbers: as it is, as a logarithm, or a column for each choice.

    Where it does not exist, under the conditions of the space, it stands in the middle and tells nothing.
    """
    try:
        numbers = np.array([math.nan if value is None else float(value) for value in values])
    except ValueError:
        return [
            np.array([value == choice for value in values], dtype=np.float64) for choice in sorted({*map(str, values)})
        ]
    there = numbers[~np.isnan(numbers)]
    if there.min() > 0 and math.log10(there.max() / there.min()) > DECADES:
        numbers = np.log10(numbers)
    return [np.where(np.isnan(numbers), np.nanmedian(numbers), numbers)]
