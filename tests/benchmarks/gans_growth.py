"""How memory and time grow with replicas, batch and resolution: `python -m tests.benchmarks.gans_growth`.

Memory is that of tensors, counted from the operation that makes each until nobody holds it: what the players keep
between steps, and the most there is during one. What the process takes from the system is more, by its own rounding.
"""

import json
import platform
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

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


class Held(TorchDispatchMode):
    """Bytes that operations within have made and somebody still holds, and the most there were."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                self._watch(tensor.untyped_storage())
        return out

    def _watch(self, storage: torch.UntypedStorage) -> None:
        place, size = storage.data_ptr(), storage.nbytes()
        if size and place not in self._known:
            self._known.add(place)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._forget, place, size)

    def _forget(self, place: int, size: int) -> None:
        self._known.discard(place)
        self.now -= size


def check_the_count() -> None:
    """A case that is known: exp and sin keep what they read, views keep what they show, and graphs end."""
    with Held() as held:
        x = torch.ones(1000).requires_grad_()
        y = (x.exp() * 2).sin().view(10, 100)
        assert held.now == held.peak == 4 * 4000
        del y
        assert (held.now, held.peak) == (4000, 4 * 4000)


def measured(name: str, batch: int, replicas: int, size: int) -> dict[str, float]:
    torch.set_num_threads(1)
    check_the_count()
    data = pictures(size) if size else load("ring8")
    variants, seeds = [gans.variant(name, {"batch": batch})] * replicas, tuple(range(replicas))
    with Held() as held:
        stack = Stack(variants, data, seeds)
        for _ in range(3):
            stack.advance()
        between, held.peak = held.now, 0
        stack.advance()
    taken = []
    for _ in range(7):
        start = time.process_time()
        steps = 0
        while time.process_time() - start < 0.15:
            stack.advance()
            steps += 1
        taken.append((time.process_time() - start) / steps)
    return {"ms": 1e3 * min(taken), "between": between / 1e6, "peak": held.peak / 1e6}


def main() -> int:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines, figure = [], pyplot.figure(figsize=(10, 3))
    for place, (axis, cells) in enumerate(AXES.items(), start=1):
        found = []
        for cell in cells:  # in a process of its own, so that nobody's buffers are lent to another
            command = [sys.executable, "-m", "tests.benchmarks.gans_growth", *map(str, cell)]
            found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
            name, batch, replicas, size = cell
            shape, last = f"{size}x{size}" if size else "points", found[-1]
            numbers = f"{last['ms']:.2f} | {last['between']:.2f} | {last['peak']:.2f}"
            lines.append(f"| {axis} | {name} | {shape} | {batch} | {replicas} | {numbers} |")
            print(lines[-1], flush=True)
        panel = figure.add_subplot(1, 3, place)
        x = [{"replicas": cell[2], "batch": cell[1], "resolution": cell[3]}[axis] for cell in cells]
        panel.loglog(x, [each["ms"] for each in found], "o-", label="CPU ms a step")
        panel.loglog(x, [each["peak"] for each in found], "s--", label="MB at most")
        panel.loglog(x, [each["between"] for each in found], "^:", label="MB between steps")
        panel.set_xticks(x, [str(each) for each in x])
        panel.minorticks_off()
        panel.set(xlabel=axis, title=f"{cells[0][0]}")
    figure.axes[0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / "gans_growth.png", dpi=110, metadata={"Software": None})
    head = "| axis | variant | data | batch | replicas | ms a step | MB between steps | MB at most |\n"
    head += "|---|---|---|--:|--:|--:|--:|--:|\n"
    about = f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, one thread"
    text = (
        f"# How memory and time grow\n\n`python -m tests.benchmarks.gans_growth` ({about}): CPU milliseconds of a step;"
    )
    text += (
        " megabytes of tensors\nthat live between steps (weights, optimisers, blocks of noise and points, lent buffers)"
    )
    text += " and the most during one.\n\n![](gans_growth.png)\n\n"
    (RESULTS / "gans_growth.md").write_text(text + head + "\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measured(sys.argv[1], *map(int, sys.argv[2:]))))
    else:
        sys.exit(main())
