"""95 % intervals. Their target is the expected score at this N, of this generator, against this fixed reference."""

import math

import torch
from torch import Tensor

# Two-sided 95 % of the standard normal law.
Z = 1.959963984540054
# A jackknife from fewer samples than this is noise about noise: there is no interval then.
FEWEST = 20

# A value of less than so many times its own bias is one that the jackknife has no true interval for.
BIASED = 3

# To which the ends of a share's interval are found.
SHARP = 1e-12

Interval = tuple[float, float]


def jackknife(value: float, left_out: Tensor, *, low: float = -math.inf, high: float = math.inf) -> Interval | None:
    """From the score without each sample in turn (Tukey, 1958), cut to where the score can lie.

    The score at N is an unbiased estimate of its own expectation at N, whatever its bias against N without end: only
    its spread is wanted, and the jackknife's is right for smooth scores and on average too wide for others, never too
    narrow (Efron & Stein, 1981). A bootstrap with replacement answers another question: its samples hold doubles.
    """
    reach = _reach(left_out)
    return None if reach is None else (max(low, value - reach), min(high, value + reach))


def log_jackknife(value: float, left_out: Tensor) -> Interval | None:
    """The same on the scale of the logarithm, for what is positive, skewed, and less sure the greater it is.

    None where a third of the value or more is bias, which the jackknife tells too: at the null, or with few samples for
    the dimensions, terms of second order lead, and these it counts twice.
    """
    reach, count = _reach(left_out), len(left_out)
    if reach is None or value <= 0 or value < BIASED * (count - 1) * abs(float(left_out.mean()) - value):
        return None
    factor = math.exp(reach / value)
    return value / factor, value * factor


def corrected_jackknife(
    value: float, left_out: Tensor, pairs: Tensor, together: Tensor, *, low: float = -math.inf, high: float = math.inf
) -> Interval | None:
    """The jackknife less two fifths of what it counts twice, the interplay of two samples (Efron & Stein, 1981).

    The interplay is itself counted too high, by that of three and more: less all of it covered in 79 to 90 of 100
    draws what less two fifths of it covered in 93 to 96.

    If both of the `pairs` [P, 2] are left out, the score loses `together` [P] more than by each of them alone; for any
    other pair of samples, nothing.
    """
    reach, count = _reach(left_out), len(left_out)
    if reach is None or not reach:
        return None
    alone = value - left_out
    both, number = (count - 2) * together, count * (count - 1) / 2
    sums = (count - 1) * alone.sum() - both.sum()
    # Over all pairs i < j, of (a_i + a_j - b_ij)^2.
    squares = (count - 2) * alone.square().sum() + alone.sum().square() + both.square().sum()
    squares = squares - 2 * (both * alone[pairs].sum(1)).sum()
    twice = max(0.0, float(squares - sums.square() / number)) / (count * (count - 1))
    error = reach / _student(count)
    reach = _student(count) * math.sqrt(max(error**2 - 0.4 * twice, error**2 / 3))
    return max(low, value - reach), min(high, value + reach)


def _reach(left_out: Tensor) -> float | None:
    """Half the width on the plain scale: the jackknife's standard error times Student's t."""
    count = len(left_out)
    if count < FEWEST:
        return None
    error = math.sqrt((count - 1) / count * float((left_out - left_out.mean()).square().sum()))
    return error * _student(count)


def mid_p(hits: int, count: int) -> Interval:
    """For a share of independent samples: all shares under which so many hits are not among the 2.5 % on either side.

    As many hits as were seen count half (Lancaster, 1961); counted whole they make it wider than 95 % needs.
    """
    numbers = torch.arange(count + 1, dtype=torch.float64)
    ways = math.lgamma(count + 1) - torch.lgamma(numbers + 1) - torch.lgamma(count - numbers + 1)

    def more(share: float) -> float:
        """How likely more hits are, and half of as many; it grows with the share."""
        chances = (ways + numbers * math.log(share) + (count - numbers) * math.log1p(-share)).exp()
        return float(chances[hits + 1 :].sum() + chances[hits] / 2)

    def share(chance: float) -> float:
        low, high = 0.0, 1.0
        while high - low > SHARP:
            middle = (low + high) / 2
            low, high = (middle, high) if more(middle) < chance else (low, middle)
        return (low + high) / 2

    return share(0.025) if hits else 0.0, share(0.975) if hits < count else 1.0


def wilson(hits: float, count: float) -> Interval:
    """For a share of as many independent samples as are worth the dependent ones: neither number need be whole."""
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
