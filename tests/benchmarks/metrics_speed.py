"""How fast scores are finished, as ratios against other packages in one run, and whether they agree.

python -m tests.benchmarks.metrics_speed [--samples 10000] [--width 2048]: one thread; a package that is not installed
is reported as absent.
"""

import argparse
import importlib
import math
import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from metrics import FrechetDistance, Neighbours
from metrics.frechet import frechet_distance, side
from metrics.kernel import cubic, discrepancy
from metrics.moments import Gaussian, Moments

RESULTS = Path(__file__).with_name("results")
PACKAGES = ("torch", "torchmetrics", "torch_fidelity", "pytorch_fid", "cleanfid", "prdc", "scipy", "numpy")


def cloud(count: int, width: int, seed: int, *, scale: float = 1.0) -> Tensor:
    """Skewed and correlated, like the features of a network."""
    mixing = torch.randn(width, width, generator=torch.Generator().manual_seed(99)) / math.sqrt(width)
    mixing *= torch.logspace(0, -1.5, width)
    return (torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) @ mixing * scale + 0.2).relu()


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def peer(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class Through(nn.Module):
    """Features in, features out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, features: Tensor) -> Tensor:
        return features


def reference_value(real: Tensor, generated: Tensor) -> float:
    """In float64 by singular values of factors from a QR decomposition: no square is ever formed."""
    factors = [
        torch.linalg.qr((rows.double() - rows.double().mean(0)) / math.sqrt(len(rows) - 1), mode="r").R
        for rows in (real, generated)
    ]
    shared = torch.linalg.svdvals(factors[0] @ factors[1].T).sum()
    apart = (real.double().mean(0) - generated.double().mean(0)).square().sum()
    return float(apart + sum(factor.square().sum() for factor in factors) - 2 * shared)


def distances(count: int, width: int) -> list[list[str]]:
    """Finishing the Frechet distance: from moments or rows that are there to the number."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    real, generated = cloud(count, width, 0), cloud(count, width, 1, scale=1.1)
    ours, theirs = FrechetDistance(width), FrechetInceptionDistance(Through(width))
    cached = FrechetDistance(width, reference=Gaussian.of(real))
    for rows, is_real in ((real, True), (generated, False)):
        ours.update(rows, real=is_real)
        theirs.update(rows, real=is_real)
    cached.update(generated)
    truth = reference_value(real, generated)
    seconds, value = timed(ours.compute)
    rows = [
        ("ganarena", seconds, float(value)),
        ("ganarena, cached reference", *(timed(lambda: float(cached.compute())))),
    ]
    rows.append(("torchmetrics", *timed(lambda: float(theirs.compute()))))
    moments = [Moments.of(part) for part in (real, generated)]
    arrays = [array for part in moments for array in (part.mean.numpy(), part.covariance.numpy())]
    for name, module, function in (
        ("pytorch-fid", "pytorch_fid.fid_score", "calculate_frechet_distance"),
        ("clean-fid", "cleanfid.fid", "frechet_distance"),
    ):
        found = peer(module)
        if found is None:
            rows.append((name, math.nan, math.nan))
        else:
            try:
                rows.append(
                    (name, *timed(lambda found=found, function=function: float(getattr(found, function)(*arrays))))
                )
            except TypeError as error:  # SciPy 1.18 took away an argument that they pass
                rows.append((f"{name} ({error})", math.nan, math.nan))
    return lines(rows, truth)


def lines(rows: list[tuple[str, float, float]], truth: float) -> list[list[str]]:
    ours = rows[0][1]
    return [
        [name, "absent", "", "", ""]
        if math.isnan(seconds)
        else [
            name,
            f"{seconds:.2f}",
            f"{seconds / ours:.2f}",
            f"{value:.10g}",
            f"{abs(value - truth) / abs(truth):.1e}",
        ]
        for name, seconds, value in rows
    ]


def neighbours(count: int, width: int) -> tuple[list[list[str]], str]:
    """Precision, recall, density and coverage of as many reals as generated samples."""
    real, generated = cloud(count, width, 0), cloud(count, width, 1, scale=1.1)
    metric = Neighbours()
    metric.update(real, real=True)
    metric.update(generated)
    seconds, found = timed(metric.compute)
    values = {name: float(value) for name, value in found.items()}
    rows = [["ganarena", f"{seconds:.1f}", "1.00", str({name: round(value, 6) for name, value in values.items()})]]
    if (prdc := peer("prdc")) is None:
        return [*rows, ["prdc", "absent", "", ""]], "prdc is absent"
    taken, theirs = timed(
        lambda: prdc.compute_prdc(real_features=real.numpy(), fake_features=generated.numpy(), nearest_k=5)
    )
    apart = max(abs(values[name] - float(theirs[name])) for name in values)
    rows.append(
        ["prdc", f"{taken:.1f}", f"{taken / seconds:.2f}", str({k: round(float(v), 6) for k, v in theirs.items()})]
    )
    return rows, f"greatest difference from prdc: {apart:.1e}"


def kernels(count: int, width: int) -> list[list[str]]:
    """The full kernel distance, and torchmetrics' 100 subsets of 1,000."""
    from torchmetrics.image.kid import KernelInceptionDistance

    real, generated = cloud(count, width, 0), cloud(count, width, 1, scale=1.1)
    seconds, found = timed(lambda: discrepancy(real, generated, cubic).value)
    theirs = KernelInceptionDistance(Through(width), subsets=100, subset_size=min(1000, count))
    theirs.update(real, real=True)
    theirs.update(generated, real=False)
    taken, (mean, _) = timed(theirs.compute)
    return [
        ["ganarena, all samples", f"{seconds:.1f}", "1.00", f"{found:.8f}"],
        ["torchmetrics, 100 subsets of 1,000", f"{taken:.1f}", f"{taken / seconds:.2f}", f"{float(mean):.8f}"],
    ]


def deficient() -> list[list[str]]:
    """Agreement with the reference by rank: full, N < D on either side, constant features."""
    rows = []
    for real, generated, width in ((3000, 3000, 256), (3000, 100, 256), (100, 100, 256), (100, 3000, 256)):
        one, two = cloud(real, width, 0), cloud(generated, width, 1, scale=1.1)
        dead = cloud(generated, width, 1, scale=1.1)
        dead[:, ::2] = 0
        for name, other in (("", two), (" half of the features dead", dead)):
            found, truth = float(frechet_distance(side(one), side(other))), reference_value(one, other)
            rows.append(
                [f"{real} x {generated}, D = {width}{name}", f"{found:.10g}", f"{abs(found - truth) / truth:.1e}"]
            )
    return rows


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]) + "\n"


def versions() -> str:
    found = [f"{name} {getattr(module, '__version__', 'installed')}" for name in PACKAGES if (module := peer(name))]
    return f"Python {platform.python_version()}, {', '.join(found)}; {platform.machine()}, one thread"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=2048)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    count, width, text = chosen.samples, chosen.width, "# Speed and agreement of the metrics\n\n"
    text += f"`python -m tests.benchmarks.metrics_speed`: {versions()}. Ratios are of one run: above 1 is slower"
    text += " than ours.\n"
    head = ["", "seconds", "ratio", "value", "relative error"]
    distances(300, 64)  # libraries load what they need on the first call
    for size in (count, min(count, 1000)):
        text += f"\n## Finishing the Frechet distance, {size} against {size}, D = {width}\n\n"
        text += table(head, distances(size, width))
    text += "\n## Agreement with a float64 QR and SVD reference\n\n"
    text += table(["", "value", "relative error"], deficient())
    rows, remark = neighbours(count, width)
    text += f"\n## Precision, recall, density, coverage, {count} against {count}, D = {width}\n\n"
    text += table(["", "seconds", "ratio", "values"], rows) + f"\n{remark}\n"
    some = min(count, 4000)
    text += f"\n## Kernel distance, {some} against {some}, D = {width}\n\n"
    text += table(["", "seconds", "ratio", "value"], kernels(some, width))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "metrics_speed.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
