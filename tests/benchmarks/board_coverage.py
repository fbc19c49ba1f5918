"""How often all rank sets hold the truth at once: `python -m tests.benchmarks.board_coverage`, fixed seeds.

Beside our degrees of freedom, the fewer seeds less one, stand Welch's own, with everything else equal.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from orchestrator.leaderboard.ranking import LEVEL, holm, rank_sets
from tests.benchmarks.metrics_speed import table

RESULTS = Path(__file__).with_name("results") / "board_coverage.md"
REPEATS = 1000
CONTENDERS = 10

Sets = list[tuple[int, int]]
Law = Callable[[np.random.Generator, int], NDArray[np.float64]]

EQUAL = np.zeros(CONTENDERS)
PAIRS = np.arange(CONTENDERS) // 2 * 2.0
APART = np.arange(CONTENDERS) * 3.0
LEVEL_SPREAD = np.ones(CONTENDERS)
UNEQUAL_SPREAD = np.geomspace(0.3, 10, CONTENDERS)
ONE_WILD = np.array([5.0] + [1.0] * (CONTENDERS - 1))

DESIGNS = {
    "all equal": (EQUAL, LEVEL_SPREAD),
    "all equal, unequal variances": (EQUAL, UNEQUAL_SPREAD),
    "all equal, one varies five times as much": (EQUAL, ONE_WILD),
    "ties in pairs, unequal variances": (PAIRS, UNEQUAL_SPREAD),
    "all apart": (APART, LEVEL_SPREAD),
}
SEEDS = {"3": [3], "5": [5], "10": [10], "3 and 10 in turn": [3, 10]}


def normal(stream: np.random.Generator, count: int) -> NDArray[np.float64]:
    """What Student's t is exact for."""
    return stream.standard_normal(count)


def skewed(stream: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Of mean 0 and variance 1, with a long tail of bad seeds."""
    return stream.exponential(size=count) - 1


def welch(samples: Sequence[Sequence[float]]) -> Sets:
    """Return rank sets by Welch's degrees of freedom."""
    means = np.array([np.mean(sample) for sample in samples])
    errors = np.array([np.var(sample, ddof=1) / len(sample) for sample in samples])
    shares = errors**2 / np.array([len(sample) - 1 for sample in samples])
    both = errors[:, None] + errors[None, :]
    doubts = stdtr(both**2 / (shares[:, None] + shares[None, :]), (means[:, None] - means[None, :]) / np.sqrt(both))
    beaten = holm(doubts, 1 - LEVEL)
    return [(1 + by, len(samples) - over) for by, over in zip(beaten.sum(axis=0), beaten.sum(axis=1), strict=True)]


def cell(means: NDArray[np.float64], spreads: NDArray[np.float64], counts: Sequence[int], law: Law) -> list[str]:
    """Return coverage and mean width of the sets, ours and by Welch's degrees of freedom."""
    stream = np.random.default_rng(0)
    best = 1 + (means[None, :] < means[:, None]).sum(axis=1)
    worst = (means[None, :] <= means[:, None]).sum(axis=1)
    covered, widths = np.zeros(2), np.zeros(2)
    for _ in range(REPEATS):
        samples = [
            list(mean + spread * law(stream, counts[place % len(counts)]))
            for place, (mean, spread) in enumerate(zip(means, spreads, strict=True))
        ]
        for method, sets in enumerate((rank_sets(samples), welch(samples))):
            low, high = np.array(sets).T
            covered[method] += bool(((low <= best) & (worst <= high)).all())
            widths[method] += float((high - low + 1).mean())
    shares, means_of = covered / REPEATS, widths / REPEATS
    return [f"{shares[0]:.3f}", f"{means_of[0]:.1f}", f"{shares[1]:.3f}", f"{means_of[1]:.1f}"]


def main() -> None:
    """Measure every design and write the table."""
    head = ["truth", "seeds", "all sets hold it", "ranks in a set", "with Welch's df", "ranks in a set"]
    text = "# How often all rank sets hold the truth at once\n\n`python -m tests.benchmarks.board_coverage`\n\n"
    text += f"{CONTENDERS} contenders, {REPEATS:,} repeats a line; 0.95 is promised (three standard errors are 0.02).\n"
    for title, law in (("Normal seeds", normal), ("Skewed seeds (exponential)", skewed)):
        rows = [
            [truth, seeds, *cell(*design, counts, law)]
            for truth, design in DESIGNS.items()
            for seeds, counts in SEEDS.items()
        ]
        text += f"\n## {title}\n\n{table(head, rows)}"
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
