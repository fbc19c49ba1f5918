"""95 % intervals. Their target is the expected score at this N, of this generator, against this fixed reference."""

import math

import torch
from torch import Tensor

# Two-sided 95 % of the standard normal law.
Z = 1.959963984540054
# A jackknife from fewer samples than this is noise about noise: there is no interval then.
FEWEST = 20

# So many times its bias, and N / M times more against M reals, must even the low end of a distance be, or terms of
# second order lead: a draw of the law of the reference is expected at 1 + N / M times its bias.
BIASED = 2.5

# With fewer hits than this Wilson's low end alone is missed in almost 5 draws of 100, and of dependent samples it is
# only estimated how many hits they are worth.
FEW_HITS = 12

# How differently samples tell things together, as half the square of the coefficient of variation of how much they do.
BALLS, DISTANCES = 0.6, 2.0

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


def log_jackknife(value: float, left_out: Tensor, *, reals: float = math.inf, pairs: float = 0.0) -> Interval | None:
    """The same on the scale of the logarithm, told once what `pairs` tell together, where that is known.

    None where two fifths or more of the low end, more than that against few `reals`, is bias, which the jackknife tells
    too: at the null, or with few samples for the dimensions, terms of second order lead. The low end decides, since the
    value may be high by chance, and then it would be just the lucky draws that have an interval.
    """
    reach, count = _reach(left_out), len(left_out)
    if reach is None or value <= 0:
        return None
    alone = float((left_out - left_out.mean()).square().sum())
    low, high = stretched(value, reach * math.sqrt(_once(alone, pairs, DISTANCES)))
    bias = (count - 1) * abs(float(left_out.mean()) - value)
    return None if low <= (BIASED + count / reals) * bias else (low, high)


def stretched(value: float, reach: float) -> Interval:
    """As far on the scale of the logarithm: for what is positive, skewed, and less sure the greater it is."""
    low = value * math.exp(-reach / value)
    return low, value**2 / low if low else math.inf


def occupancy_jackknife(value: float, left_out: Tensor, pairs: float, *, balls: int) -> Interval | None:
    """Of the share of balls that hold a sample; `pairs` sums the squares of what goes with two that share a ball alone.

    What both tell is the variance if the number of samples were drawn as well; it is not, and what all samples have in
    common is taken off. As much as one ball there always is: that none hangs on a single sample is no proof that none
    could. How unsure the variance is, and so the degrees of freedom, is told by the same sum over samples.
    """
    count = len(left_out)
    if count < FEWEST or not value:
        return None
    lost = value - left_out
    squares = lost.square()
    alone = float(squares.sum())
    once = _once(alone, pairs, BALLS)
    variance = max(once * alone - float(lost.sum()) ** 2 / count, balls**-2)
    unsure = once**2 * float((squares - squares.mean()).square().sum())
    degrees = min(count - 1.0, max(2.0, 2 * variance**2 / unsure)) if unsure else count - 1.0
    low, high = stretched(value, math.sqrt(variance) * student(degrees))
    return low, min(1.0, high)


def _once(alone: float, pairs: float, spread: float) -> float:
    """How much is left of the jackknife's variance, `alone`, if what samples tell together is not told by each of them.

    What two tell at once it counts twice, what three tell thrice. The squares of what goes with one sample, less those
    of what goes with two beyond either, plus those of three beyond these, and so on, would be right, and is all noise.
    Its first two terms are those of exp(-m / 2), m being twice the second over the first, and this is what it comes to
    if m is spread by a Gamma law of this `spread`, which was chosen on draws by which no interval is judged.
    """
    shared = 2 * pairs / alone if alone else 0.0
    return float((1 + spread * shared) ** (-1 / (2 * spread)))


def _reach(left_out: Tensor) -> float | None:
    """Half the width on the plain scale: the jackknife's standard error times Student's t.

    A few samples that outweigh all others leave the error itself unsure, and fewer degrees of freedom than there are
    samples (Satterthwaite, 1946).
    """
    count = len(left_out)
    if count < FEWEST:
        return None
    squares = (left_out - left_out.mean()).square()
    total, unsure = float(squares.sum()), float((squares - squares.mean()).square().sum())
    degrees = min(count - 1.0, 2 * total**2 / unsure) if unsure else count - 1.0
    return math.sqrt((count - 1) / count * total) * student(degrees)


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


def wilson(hits: float, count: float, *, reach: float = Z) -> Interval:
    """For a share of as many independent samples as are worth the dependent ones: neither number need be whole.

    `reach` is in standard errors: Student's where it is itself estimated how many they are worth.
    """
    share, spread = hits / count, reach**2 / count
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def dependent_share(share: float, independent: float, degrees: float) -> Interval:
    """Wilson's, by how many independent samples the dependent ones are worth and how sure that is.

    Few hits are no evidence against none at all, nor few that are not hits against all.
    """
    hits = share * independent
    low, high = wilson(hits, independent, reach=student(degrees))
    return low if hits >= FEW_HITS else 0.0, high if independent - hits >= FEW_HITS else 1.0


def normal(value: float, error: float, count: int) -> Interval:
    """From a standard error estimated from `count` samples, with Student's t."""
    reach = error * student(count - 1)
    return value - reach, value + reach


def student(degrees: float) -> float:
    """Two-sided 95 % of Student's t, by Fisher's expansion: right to 1 % from 2 degrees of freedom on."""
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return Z + sum(term / degrees**power for power, term in enumerate(terms, 1))
