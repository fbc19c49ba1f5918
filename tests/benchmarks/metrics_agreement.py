"""Whether other packages get the same numbers from the same features, and why not where they do not.

python -m tests.benchmarks.metrics_agreement: one thread; a package that is not installed is reported as absent.
"""

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from metrics import FrechetDistance, InceptionScore, KernelDistance, Neighbours
from metrics.features import Features
from metrics.moments import Moments
from tests.benchmarks.metrics_speed import Through, cloud, peer, reference_value, table, versions

RESULTS = Path(__file__).with_name("results") / "metrics_agreement.md"
WIDTH = 256
WHY = """
- **Full rank**: all Frechet distances agree to rounding. torchmetrics is told to work in float64 here; as it comes, its
  result has the type of the features, float32.
- **Fewer samples than dimensions**: the product of the covariances is singular, and eigenvalues of it that should be 0
  are rounding errors, whose roots add up. Ours is symmetric and of the smaller size, where hardly any should be 0.
- **Kernel distance**: over all samples at once the unbiased statistics are the same. As papers print it, it is
  the mean over 100 random subsets of 1,000, with the same expectation.
- **Inception score**: the same without splits. With ten, as papers print it, it is lower for fewer samples a split.
- **prdc**: the same values; it takes distances in float64 by the shortcut and rounds them to float32, so that ties and
  copies may fall otherwise.
"""


def streamed(metric: Any, real: Tensor, generated: Tensor) -> Any:
    metric.update(real, real=True)
    metric.update(generated, real=False)
    return metric.compute()


def frechet(real: Tensor, generated: Tensor) -> dict[str, Callable[[], float]]:
    from torchmetrics.image.fid import FrechetInceptionDistance

    sides = [Moments.of(part) for part in (real, generated)]
    arrays = [array for part in sides for array in (part.mean.numpy(), part.covariance.numpy())]
    statistics = [{"mu": arrays[place], "sigma": arrays[place + 1]} for place in (0, 2)]
    doubled = FrechetInceptionDistance(Through(WIDTH)).set_dtype(torch.float64)
    works: dict[str, Callable[[], float]] = {
        "ganarena": lambda: streamed(FrechetDistance(WIDTH), real, generated),
        "torchmetrics": lambda: streamed(doubled, real, generated),
    }
    if fidelity := peer("torch_fidelity.metric_fid"):
        key = fidelity.KEY_METRIC_FID
        works["torch-fidelity"] = lambda: fidelity.fid_statistics_to_metric(*statistics, verbose=False)[key]
    if pytorch_fid := peer("pytorch_fid.fid_score"):
        works["pytorch-fid"] = lambda: pytorch_fid.calculate_frechet_distance(*arrays)
    if clean := peer("cleanfid.fid"):
        works["clean-fid"] = lambda: clean.frechet_distance(*arrays)
    return works


def kernel(real: Tensor, generated: Tensor) -> dict[str, Callable[[], float]]:
    from torchmetrics.image.kid import KernelInceptionDistance

    whole = KernelInceptionDistance(Through(WIDTH), subsets=1, subset_size=len(real)).set_dtype(torch.float64)
    works: dict[str, Callable[[], float]] = {
        "ganarena": lambda: streamed(KernelDistance(), real, generated),
        "torchmetrics, one subset of all": lambda: streamed(whole, real, generated)[0],
    }
    if clean := peer("cleanfid.fid"):
        arrays = real.numpy(), generated.numpy()
        works["clean-fid, one subset of all"] = lambda: clean.kernel_distance(
            *arrays, num_subsets=1, max_subset_size=len(real)
        )
    return works


def inception(logits: Tensor) -> dict[str, Callable[[], float]]:
    from torchmetrics.image.inception import InceptionScore as Theirs

    def ours() -> float:
        metric = InceptionScore()
        metric.update(Features(logits, logits))
        return float(metric.compute())

    def theirs() -> float:
        metric = Theirs(Through(logits.shape[1]), splits=1).set_dtype(torch.float64)
        metric.update(logits)
        return float(metric.compute()[0])

    works = {"ganarena": ours, "torchmetrics, one split": theirs}
    if fidelity := peer("torch_fidelity.metric_isc"):
        key = fidelity.KEY_METRIC_ISC_MEAN
        works["torch-fidelity, one split"] = lambda: fidelity.isc_features_to_metric(logits, splits=1)[key]
    return works


def neighbours(real: Tensor, generated: Tensor, name: str) -> dict[str, Callable[[], float]]:
    works: dict[str, Callable[[], float]] = {"ganarena": lambda: streamed(Neighbours([name]), real, generated)[name]}
    if prdc := peer("prdc"):
        works["prdc"] = lambda: prdc.compute_prdc(real.numpy(), generated.numpy(), nearest_k=5)[name]
    return works


def compared(what: str, works: dict[str, Callable[[], float]], truth: float = math.nan) -> list[list[str]]:
    """A row for each package: its value, and how far it lies from the truth, or else from ours."""
    found = {name: float(work()) for name, work in works.items()}
    against = found["ganarena"] if math.isnan(truth) else truth
    return [[what, name, f"{value:.10g}", f"{abs(value - against):.1e}"] for name, value in found.items()]


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    torch.manual_seed(0)  # the peers draw from the global generator
    rows = []
    for count in (2000, 100):
        real, generated = (cloud(count, WIDTH, seed, scale=scale).double() for seed, scale in ((0, 1.0), (1, 1.1)))
        about = f"{count} x {WIDTH}"
        rows += compared(f"fd, {about}", frechet(real, generated), reference_value(real, generated))
        rows += compared(f"kd, {about}", kernel(real, generated))
        rows += compared(f"is, {about}", inception(10 * generated[:, :10]))
        for name in ("precision", "recall", "density", "coverage"):
            rows += compared(f"{name}, {about}", neighbours(real, generated, name))
    text = (
        f"# Agreement on shared features\n\n`python -m tests.benchmarks.metrics_agreement`: {versions()}. `fd` is held"
    )
    text += " against singular values of QR factors in float64, everything else against ours.\n\n"
    text += table(["score", "package", "value", "apart"], rows) + f"\n## Why they differ\n{WHY}"
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
