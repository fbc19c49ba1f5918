"""95 % intervals. Their target is the expected score at this N, of this generator, against this fixed reference."""

import math

from torch import Tensor

# Two-sided 95 % of the standard normal law.
Z = 1.959963984540054
# A jackknife from fewer samples than this is noise about noise: there is no interval then.
FEWEST = 20

Interval = tuple[float, float]


def jackknife(value: float, left_out: Tensor, *, low: float = -math.inf, high: float = math.inf) -> Interval | None:
    """From the score without each sample in turn (Tukey, 1958), cut to where the score can lie.

    The score at N is an unbiased estimate of its own expectation at N, whatever its bias against N without end: only
    its spread is wanted, and the jackknife's is right for smooth scores and on average too wide for others, never too
    narrow (Efron & Stein, 1981). A bootstrap with replacement answers another question: its samples hold doubles.
    """
    reach = _reach(left_out)
    return None if reach is None else (max(low, value - reach), min(high, value + reach))


def root_jackknife(value: float, left_out: Tensor) -> Interval | None:
    """The same on the scale of the square root, where a squared distance near 0 is not skewed."""
    reach = _reach(left_out)
    if reach is None or value <= 0:
        return None
    root = math.sqrt(value)
    return max(0.0, root - reach / (2 * root)) ** 2, (root + reach / (2 * root)) ** 2


def _reach(left_out: Tensor) -> float | None:
    """Half the width on the plain scale: the jackknife's standard error times Student's t."""
    count = len(left_out)
    if count < FEWEST:
        return None
    error = math.sqrt((count - 1) / count * float((left_out - left_out.mean()).square().sum()))
    return error * _student(count)


def wilson(hits: int, count: int) -> Interval:
    """For a share of independent samples (Wilson, 1927): honest near 0 and 1 too, where generators live."""
    share, spread = hits / count, Z**2 / count
    centre = (share + spread / 2) / (1 + spread)
    reach = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def normal(value: float, error: float, count: int) -> Interval:
    """From a standard error estimated from `count` samples, with Student's t."""
    reach = error * _student(count)
    return value - reach, value + reach


def _student(count: int) -> float:
    """Two-sided 95 % of Student's t: the first terms of its expansion, right to 1 % from 20 on."""
    return Z * (1 + (Z**2 + 1) / (4 * (count - 1)))
