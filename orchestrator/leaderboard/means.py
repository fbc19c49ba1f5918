"""The mean over replicas, and how far another set of seeds might move it."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from orchestrator.records import ScoreRecord


def summary(scores: Sequence[ScoreRecord]) -> ScoreRecord:
    """Return the mean over replicas with Student's t interval, whose target is the mean over all seeds."""
    values = [score.value for score in scores]
    mean, half = fmean(values), half_width(values)
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return ScoreRecord(value=mean, low=low, high=high, higher_is_better=scores[0].higher_is_better)


def half_width(values: Sequence[float], level: float = 0.95) -> float | None:
    """Return the half width of the interval of a mean; None for a single value."""
    if len(values) < 2:
        return None
    from scipy.special import stdtrit

    return float(stdtrit(len(values) - 1, (1 + level) / 2)) * stdev(values) / math.sqrt(len(values))
