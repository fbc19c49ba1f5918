"""What a perfect sampler scores, by the number of samples: `python -m tests.benchmarks.metrics_bias`, fixed seeds.

Two samples of one law, skewed and correlated like the features of a network, against each other: as shares of the trace
of its covariance, so that the numbers carry over to other features.
"""

from pathlib import Path

import torch

from metrics import FrechetDistance, InceptionScore, KernelDistance
from metrics.divergences import perfect_reverse_kl
from metrics.features import Features
from tests.benchmarks.metrics_speed import cloud, table

RESULTS = Path(__file__).with_name("results") / "metrics_bias.md"
WIDTH = 2048
COUNTS = (500, 1000, 2000, 5000, 10_000)


def distances(count: int) -> list[str]:
    one, other = cloud(count, WIDTH, 0).double(), cloud(count, WIDTH, 1).double()
    found = []
    for metric in (FrechetDistance(WIDTH), KernelDistance()):
        metric.update(one, real=True)
        metric.update(other)
        found.append(float(metric.compute()))
    return [str(count), f"{found[0] / float(one.var(0).sum()):.3f}", f"{found[1]:.1e}"]


def inception(count: int) -> float:
    """Of ten balanced classes and a classifier that is sure, over 20 draws."""
    random, total = torch.Generator().manual_seed(0), 0.0
    for _ in range(20):
        metric = InceptionScore()
        logits = 100.0 * torch.eye(10)[torch.randint(10, (count,), generator=random)]
        metric.update(Features(logits, logits))
        total += float(metric.compute()) / 20
    return total


def main() -> None:
    torch.set_num_threads(1)
    text = "# What a perfect sampler scores\n\n`python -m tests.benchmarks.metrics_bias`\n\n"
    text += f"## Two samples of one law, {WIDTH} dimensions\n\n"
    text += table(["N", "fd / trace of the covariance", "kd"], [distances(count) for count in COUNTS])
    text += "\n## Ten classes and a sure classifier; known modes\n\n"
    rows = [
        [str(count), f"{inception(count):.3f}"]
        + [f"{perfect_reverse_kl(torch.full((k,), 1 / k).double(), count):.4f}" for k in (8, 25, 1000)]
        for count in (64, 1000, 2500, 10_000, 26_000)
    ]
    text += table(["N", "is", *(f"reverse_kl of {k} modes" for k in (8, 25, 1000))], rows)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
