"""How fast scores are finished, as ratios against other packages in one run, and whether they agree.

OMP_NUM_THREADS=1 python -m tests.benchmarks.metrics_speed [--samples 10000] [--width 2048]: CPU seconds of one thread;
a package that is not installed is reported as absent.
"""

import argparse
import importlib
import math
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from metrics import FrechetDistance, Neighbours, evaluate, evaluate_features, reference
from metrics.features import extract, inception
from metrics.features.extractor import sha256
from metrics.frechet import frechet_distance, side
from metrics.kernel import cubic, discrepancy
from metrics.moments import Gaussian, Moments, factor
from metrics.symmetric import eigenvalues_, sandwich

RESULTS = Path(__file__).with_name("results")
ROUNDS = 3
IMAGES = 32
PACKAGES = ("torch", "torchmetrics", "torch_fidelity", "pytorch_fid", "cleanfid", "prdc", "scipy", "numpy")


def cloud(count: int, width: int, seed: int, *, scale: float = 1.0) -> Tensor:
    """Skewed and correlated, like the features of a network."""
    mixing = torch.randn(width, width, generator=torch.Generator().manual_seed(99)) / math.sqrt(width)
    mixing *= torch.logspace(0, -1.5, width)
    return (torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) @ mixing * scale + 0.2).relu()


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()  # of all threads: what others do on this machine is not counted
    found = work()
    return time.process_time() - start, found


def in_turn(works: dict[str, Callable[[], Any]], rounds: int) -> dict[str, tuple[float, float, Any]]:
    """Of each the least seconds, the median of its ratio to the first within a round, and what it found."""
    seconds, found = {name: list[float]() for name in works}, dict[str, Any]()
    for _ in range(rounds):
        for name, work in works.items():
            taken, found[name] = timed(work)
            seconds[name].append(taken)
    first = next(iter(seconds.values()))
    return {
        name: (min(mine), statistics.median(one / ours for one, ours in zip(mine, first, strict=True)), found[name])
        for name, mine in seconds.items()
    }


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
    moments = [Moments.of(part) for part in (real, generated)]
    arrays = [array for part in moments for array in (part.mean.numpy(), part.covariance.numpy())]

    def afresh(metric: Any) -> Callable[[], float]:
        def compute() -> float:
            metric._computed = None  # or torchmetrics answers from memory
            return float(metric.compute())

        return compute

    works = {
        "ganarena": afresh(ours),
        "ganarena, cached reference": afresh(cached),
        "torchmetrics": afresh(theirs),
    }
    absent = []
    for name, module, function in (
        ("pytorch-fid", "pytorch_fid.fid_score", "calculate_frechet_distance"),
        ("clean-fid", "cleanfid.fid", "frechet_distance"),
    ):
        if found := peer(module):
            works[name] = lambda found=found, function=function: float(getattr(found, function)(*arrays))
        else:
            absent.append([name, "absent", "", "", ""])
    rows = [
        [name, f"{seconds:.2f}", f"{ratio:.2f}", f"{value:.10g}", f"{abs(value - truth) / abs(truth):.1e}"]
        for name, (seconds, ratio, value) in in_turn(works, ROUNDS).items()
    ]
    return rows + absent + (inside(*moments) if count > width else [])


def inside(real: Moments, generated: Moments) -> list[list[str]]:
    """What the seconds of finishing from moments are spent on."""
    root = factor(real.scatter)
    middle = sandwich(root, generated.scatter)
    works: dict[str, Callable[[], Any]] = {
        "of ours: a Cholesky factor L": lambda: factor(real.scatter),
        "of ours: L' C L": lambda: sandwich(root, generated.scatter),
        "of ours: its eigenvalues": lambda: eigenvalues_(middle.clone()),
    }
    return [[name, f"{seconds:.2f}", "", "", ""] for name, (seconds, _, _) in in_turn(works, ROUNDS).items()]


def neighbours(count: int, width: int) -> tuple[list[list[str]], str]:
    """Precision, recall, density and coverage of as many reals as generated samples."""
    real, generated = cloud(count, width, 0), cloud(count, width, 1, scale=1.1)

    def ours() -> dict[str, float]:
        metric = Neighbours()
        metric.update(real, real=True)
        metric.update(generated)
        return {name: float(value) for name, value in metric.compute().items()}

    works: dict[str, Callable[[], Any]] = {"ganarena": ours}
    if prdc := peer("prdc"):
        works["prdc"] = lambda: prdc.compute_prdc(
            real_features=real.numpy(), fake_features=generated.numpy(), nearest_k=5
        )
    found = in_turn(works, 2)
    rows = [
        [
            name,
            f"{seconds:.1f}",
            f"{ratio:.2f}",
            ", ".join(f"{key} {float(value):.6g}" for key, value in values.items()),
        ]
        for name, (seconds, ratio, values) in found.items()
    ]
    if "prdc" not in found:
        return rows, "prdc is absent"
    mine, theirs = found["ganarena"][2], found["prdc"][2]
    return rows, f"greatest difference from prdc: {max(abs(mine[name] - float(theirs[name])) for name in mine):.1e}"


def weights(folder: Path) -> Path:
    """A file in the layout of Inception's weights, drawn: the real ones need not be there to be timed."""
    network = inception.Network().train()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0
        network(torch.rand(4, 3, 107, 107, generator=torch.Generator().manual_seed(0)) * 2 - 1)
    path = folder / inception.FILE
    torch.save(network.state_dict(), path)
    return path


SET = ["fd", "is", "kd", "precision", "recall", "density", "coverage", "mifd"]


def forwards(images: int) -> tuple[list[list[str]], str]:
    """Inception beside torch-fidelity's own, and a whole set of scores beside one raw forward."""
    random = torch.Generator().manual_seed(1)
    real, generated = (torch.randint(0, 256, (images, 3, 32, 32), generator=random, dtype=torch.uint8) for _ in "rg")
    with tempfile.TemporaryDirectory() as folder:
        path = weights(Path(folder))
        ours = inception.Inception(path, expected=sha256(path))
        works: dict[str, Callable[[], Any]] = {"ganarena": lambda: ours(generated).pooled}
        if found := peer("torch_fidelity.feature_extractor_inceptionv3"):
            theirs = found.FeatureExtractorInceptionV3("theirs", ["2048", "logits_unbiased"], str(path)).eval()
            works["torch-fidelity"] = lambda: theirs(generated)[0]
    known = reference.build(ours, real, range="uint8", digest="d", split="select", metrics=SET)
    works["ganarena, the set"] = lambda: evaluate(generated, known, ours, SET, range="uint8")
    features = extract(ours, generated, range="uint8")
    works["ganarena, finishing the set"] = lambda: evaluate_features(features, known, SET)
    with torch.inference_mode():
        results = in_turn(works, ROUNDS)
    rows = [[name, f"{seconds:.2f}", f"{ratio:.2f}"] for name, (seconds, ratio, _) in results.items()]
    remark = ""
    if "torch-fidelity" in results:
        one, other = results["ganarena"][2], results["torch-fidelity"][2]
        remark = (
            f"features apart from torch-fidelity's by {float((one - other).norm() / other.norm()):.1e} of their norm; "
        )
    whole = results["ganarena, the set"][1] - results["ganarena, finishing the set"][1]
    return rows, remark + f"the set less its finishing: {whole:.2f} raw forwards"


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
    text += (
        f"`OMP_NUM_THREADS=1 python -m tests.benchmarks.metrics_speed`: {versions()}. Packages take turns: the least"
    )
    text += " CPU seconds, and the median of the ratios within a round. Above 1 is slower than ours.\n"
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
    rows, remark = forwards(IMAGES)
    text += f"\n## Inception's forward and the set {', '.join(SET)}, {IMAGES} images, random weights\n\n"
    text += table(["", "seconds", "ratio"], rows) + f"\n{remark}\n"
    some = min(count, 4000)
    text += f"\n## Kernel distance, {some} against {some}, D = {width}\n\n"
    text += table(["", "seconds", "ratio", "value"], kernels(some, width))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "metrics_speed.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
