"""How memory and time grow with replicas, batch and resolution: `python -m tests.benchmarks.gans_growth`.

Every cell runs in a process of its own, so that its memory is its own: the peak beyond that of an idle import.
"""

import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch

import gans
from gans.data import load
from gans.replicas import Stack
from tests.benchmarks.gans_speed import pictures

RESULTS = Path(__file__).parent / "results"
AXES = {
    "replicas": [("gan", 64, replicas, 0) for replicas in (1, 2, 4, 8, 16, 32)],
    "batch": [("gan", batch, 1, 0) for batch in (32, 64, 128, 256, 512, 1024)],
    "resolution": [("dcgan", 32, 1, size) for size in (8, 16, 28, 32, 64)],
}


def peak() -> float:
    """MB; what this process has held at most (Linux counts in KB, macOS in bytes)."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / (1e6 if sys.platform == "darwin" else 1e3)


def measured(name: str, batch: int, replicas: int, size: int) -> dict[str, float]:
    torch.set_num_threads(1)
    before = peak()
    data = pictures(size) if size else load("ring8")
    stack = Stack([gans.variant(name, {"batch": batch})] * replicas, data, tuple(range(replicas)))
    stack.advance()
    taken = []
    for _ in range(5):
        start = time.process_time()
        steps = 0
        while time.process_time() - start < 0.15:
            stack.advance()
            steps += 1
        taken.append((time.process_time() - start) / steps)
    return {"ms": 1e3 * min(taken), "mb": peak() - before}


def main() -> int:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines, figure = [], pyplot.figure(figsize=(10, 3))
    for place, (axis, cells) in enumerate(AXES.items(), start=1):
        values = []
        for cell in cells:
            command = [sys.executable, "-m", "tests.benchmarks.gans_growth", *map(str, cell)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            values.append(({"replicas": cell[2], "batch": cell[1], "resolution": cell[3]}[axis], found))
            name, batch, replicas, size = cell
            shape = f"{size}x{size}" if size else "points"
            lines.append(
                f"| {axis} | {name} | {shape} | {batch} | {replicas} | {found['ms']:.2f} | {found['mb']:.0f} |"
            )
            print(lines[-1], flush=True)
        panel = figure.add_subplot(1, 3, place)
        panel.loglog([x for x, _ in values], [each["ms"] for _, each in values], "o-", label="ms a step")
        panel.loglog([x for x, _ in values], [max(1, each["mb"]) for _, each in values], "s--", label="MB")
        panel.set(xlabel=axis)
    figure.axes[0].legend(frameon=False)
    figure.tight_layout()
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / "gans_growth.png", dpi=110, metadata={"Software": None})
    head = "| axis | variant | data | batch | replicas | ms a step | MB |\n|---|---|---|--:|--:|--:|--:|\n"
    about = f"`python -m tests.benchmarks.gans_growth` (torch {torch.__version__}, {platform.machine()}, one thread)"
    text = (
        f"# How memory and time grow\n\n{about}: CPU milliseconds of a step, and peak memory beyond an idle import.\n\n"
    )
    (RESULTS / "gans_growth.md").write_text(text + head + "\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measured(sys.argv[1], *map(int, sys.argv[2:]))))
    else:
        sys.exit(main())
