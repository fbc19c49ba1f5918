"""Seconds of training of the ring study by the engine of the floor and by the present one, cell after cell in turns.

`python -m tests.benchmarks.gans_before` needs the repository's history: the floor is the commit that first kept the
study's rows. Scoring, Ray and records are left out, for both alike.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

FLOOR = "66df834"
ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results" / "gans_before.md"

CELL = """
import sys, time, torch
import gans
torch.set_num_threads(1)
variant, data = sys.argv[1:]
rates = {"generator_lr": 1e-3, "discriminator_lr": 2e-4, "batch": 256}
began = time.process_time()
for progress in gans.train(
    gans.variant(variant, rates), gans.data.load(data), gans.Budget(images=640_000, tick=64_000), seeds=range(5)
):
    pass
print(time.process_time() - began)
"""


def seconds(source: Path, variant: str, data: str) -> float:
    """Return the CPU seconds of one cell, trained by the sources at `source`."""
    environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    told = subprocess.run(
        [sys.executable, "-c", CELL, variant, data],
        env=environment,
        cwd=source,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(told.stdout)


def main() -> None:
    """Measure, print and keep the table."""
    lines = [
        "# The ring study's training, before and after",
        "",
        "`python -m tests.benchmarks.gans_before`: CPU seconds on one thread, five seeds to 640,000 images;",
        f"the floor is {FLOOR}.",
        "",
        "| variant | data | floor, s | now, s | ratio |",
        "|---|---|--:|--:|--:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        floor = Path(folder) / "floor"
        subprocess.run(["git", "-C", ROOT, "worktree", "add", "--quiet", "--detach", floor, FLOOR], check=True)
        try:
            for variant in ("gan_minimax", "gan", "r1gan"):
                for data in ("ring8", "grid25"):
                    before, now = seconds(floor, variant, data), seconds(ROOT, variant, data)
                    lines.append(f"| {variant} | {data} | {before:.1f} | {now:.1f} | {before / now:.2f}x |")
                    print(lines[-1], flush=True)
        finally:
            subprocess.run(["git", "-C", ROOT, "worktree", "remove", "--force", floor], check=True)
    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
