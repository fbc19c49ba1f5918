"""How often intervals hold their target, how often the same law is suspected, and whether floors are met.

python -m tests.benchmarks.metrics_statistics [--repeats 2000]: fixed seeds, one thread; writes a CSV and a table.
"""

import argparse
import csv
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from metrics import METRICS, Features, ModeCount, Modes, Score, evaluate_features, reference
from metrics.features import Extractor
from metrics.intervals import wilson
from metrics.kernel import same_law

RESULTS = Path(__file__).with_name("results")
FAMILIES = ["fd", "is", "kd", "precision", "recall", "density", "coverage"]
REALS = 400
CLASSES = 5


class Points(Extractor):
    """Points are their own features, and a fixed linear map of them is what a classifier would say."""

    def __init__(self, width: int) -> None:
        super().__init__(name="points", digest="0" * 64)
        random = torch.Generator().manual_seed(width)
        self.head = 3 * torch.randn(width, CLASSES, generator=random, dtype=torch.float64) / math.sqrt(width)

    def check(self, _shape: tuple[int, ...], _kind: str, /) -> None:
        return None

    def forward(self, batch: Tensor) -> Features:
        return Features(batch, batch @ self.head)


def gaussian(count: int, width: int, random: torch.Generator) -> Tensor:
    return torch.randn(count, width, generator=random, dtype=torch.float64)


def skewed(count: int, width: int, random: torch.Generator) -> Tensor:
    """Correlated, cut at zero, of very different variances: like the features of a network."""
    mixing = gaussian(width, width, torch.Generator().manual_seed(99)) / math.sqrt(width)
    scales = torch.logspace(0, -1, width, dtype=torch.float64)
    return (gaussian(count, width, random) @ (mixing * scales) + 0.2).relu()


def shrunk(law: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The generators that are judged: off centre, and a fifth too narrow."""
    return lambda count, width, random: 0.8 * law(count, width, random) + 0.25


LAWS = {"gaussian": gaussian, "skewed": skewed}
# Samples and dimensions: more than there are dimensions, and fewer.
SIZES = [(200, 8), (500, 16), (100, 128)]


def scores(
    law: str, count: int, width: int, repeats: int, families: list[str], *, same: bool = False
) -> Iterator[dict[str, Score]]:
    """Of one generator after another draw, always against the same reals."""
    extractor, real = Points(width), LAWS[law](REALS, width, torch.Generator().manual_seed(12345))
    known = reference.build(extractor, real, range="features", digest="d", split="select", metrics=families)
    random, drawn = torch.Generator().manual_seed(1), LAWS[law] if same else shrunk(LAWS[law])
    for _ in range(repeats):
        features = extractor(drawn(count, width, random))
        found = evaluate_features(features, known, families)
        yield {name: found.scores[METRICS[name].key(name, "points")] for name in families}


def coverage_of(all_scores: list[Score]) -> dict[str, float | int]:
    """How often the interval, where one is given, holds the mean of all repeats."""
    expected = sum(score.value for score in all_scores) / len(all_scores)
    given = [(score.low, score.high) for score in all_scores if score.low is not None and score.high is not None]
    held = sum(low <= expected <= high for low, high in given)
    low, high = wilson(held, len(given)) if given else (math.nan, math.nan)
    return {
        "mean": expected,
        "given": len(given) / len(all_scores),
        "covers": held / len(given) if given else math.nan,
        "covers_low": low,
        "covers_high": high,
    }


def intervals(repeats: int) -> Iterator[dict[str, object]]:
    """A row for every family, law and size."""
    for law in LAWS:
        for count, width in SIZES:
            for same in (False, True):
                found = list(scores(law, count, width, repeats, FAMILIES, same=same))
                for name in FAMILIES:
                    row = coverage_of([one[name] for one in found])
                    yield {
                        "family": name,
                        "law": law,
                        "N": count,
                        "D": width,
                        "generator": "same law" if same else "another law",
                        **row,
                    }


def mode_intervals(repeats: int) -> Iterator[dict[str, object]]:
    """The same of `modes`, which saturates: all modes equally likely, or from rare to frequent."""
    random = torch.Generator().manual_seed(5)
    for number, count in ((8, 1000), (25, 100), (1000, 1000), (1000, 10_000)):
        for law, spread in (("even", 0.0), ("uneven", 4.0)):
            chances = torch.linspace(0, spread, number, dtype=torch.float64).exp()
            # On a line, far apart, and every sample at its centre.
            modes = Modes(torch.arange(float(number))[:, None], 0.01, weights=chances)
            found = []
            for _ in range(repeats):
                metric = ModeCount(modes)
                metric.hits = torch.multinomial(chances, count, replacement=True, generator=random).bincount(
                    minlength=number
                )
                metric.count = torch.tensor(count)
                found.append(metric.verdict(Features(torch.empty(0, 1))).scores["modes"])
            yield {"family": "modes", "law": law, "modes": number, "N": count, **coverage_of(found)}


def suspicions(repeats: int) -> Iterator[dict[str, object]]:
    """How often two samples of one law are called different at level 5 %."""
    random = torch.Generator().manual_seed(7)
    for law, draw in LAWS.items():
        for count, width in ((100, 8), (50, 128)):
            chances = [
                same_law(draw(count, width, random), draw(count, width, random), permutations=99, seed=seed)
                for seed in range(repeats)
            ]
            alarms = sum(chance <= 0.05 for chance in chances)
            low, high = wilson(alarms, repeats)
            yield {"law": law, "N": count, "D": width, "alarms": alarms / repeats, "low": low, "high": high}


def floors(repeats: int) -> Iterator[dict[str, object]]:
    """What a perfect sampler of a ring gets, beside what is printed as its floor or ceiling."""
    angle = torch.arange(8) * (2 * math.pi / 8)
    modes = Modes(2 * torch.stack([angle.cos(), angle.sin()], 1), 0.1)
    families = [name for name, family in METRICS.items() if family.needs == "modes"]
    random, found = torch.Generator().manual_seed(3), []
    known = reference.Reference(count=2, extractor="identity", digest="", parts={}, modes=modes)
    for _ in range(repeats):
        places = torch.randint(8, (1000,), generator=random)
        points = modes.centres[places] + modes.std * torch.randn(1000, 2, generator=random)
        found.append(evaluate_features(Features(points.double()), known, families, modes=modes))
    for key, floor in found[0].floors.items():
        values = torch.tensor([one.scores[key].value for one in found], dtype=torch.float64)
        error = float(values.std()) / math.sqrt(repeats)
        apart = abs(float(values.mean()) - floor) / error if error else 0.0
        yield {"score": key, "printed": floor, "measured": float(values.mean()), "standard_errors_apart": apart}


def table(rows: list[dict[str, object]]) -> str:
    """As markdown."""

    def cell(value: object) -> str:
        return ("none" if math.isnan(value) else f"{value:.4g}") if isinstance(value, float) else str(value)

    lines = [list(rows[0]), ["---"] * len(rows[0]), *([cell(value) for value in row.values()] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(name: str, rows: list[dict[str, object]]) -> str:
    """The CSV of these rows, and their table."""
    with (RESULTS / f"metrics_{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return table(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2000)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # of torchmetrics, where counts are drawn instead of samples
    RESULTS.mkdir(exist_ok=True)
    parts = [
        (f"Intervals: how often they hold the expected score ({repeats} repeats)", "intervals", intervals(repeats)),
        ("Intervals of `modes`", "mode_intervals", mode_intervals(repeats)),
        ("Same law called different at level 5 %, by relabelling", "same_law", suspicions(min(repeats, 1000))),
        (
            "Floors and ceilings of a perfect sampler, 1,000 samples of a ring of 8",
            "floors",
            floors(min(repeats, 1000)),
        ),
    ]
    text = "# Statistics of the metrics\n\n`python -m tests.benchmarks.metrics_statistics`\n"
    for title, name, rows in parts:
        text += f"\n## {title}\n\n{write(name, list(rows))}\n"
    (RESULTS / "metrics_statistics.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
