"""The report of a large search: seconds and megabytes, beside what is recorded; the store is made once and kept.

`python -m tests.benchmarks.review_report [FOLDER] [CONTENDERS]`
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from orchestrator import pictures
from orchestrator.home import Home
from orchestrator.recording.journal import Event
from orchestrator.recording.recorder import Recorder
from orchestrator.report.album import CARDS
from tests.benchmarks.synthetic_store import Synthetic

CONTENDERS, REPLICAS, TICKS = 300, 3, 10
SECONDS, MEGABYTES = 20, 15


def build(home: Home, synthetic: Synthetic) -> None:
    """Record a search that nobody ran; those that the page shows have a picture for each replica and tick."""
    recorder = Recorder(home, home.experiment(synthetic.name) / "attempt-001")
    told = list(synthetic.events())
    ends = sorted((event for event in told if event["kind"] == "end"), key=lambda end: end["tick"]["objective"])
    shown = {end["contender"] for end in ends[:CARDS]}
    for event in told:
        if event["kind"] == "tick" and event["contender"] in shown:
            with pictured(event) as folder:
                recorder.append(event, folder)
        else:
            recorder.append(event)
    assert recorder.close(timeout=3600)


@contextmanager
def pictured(event: Event) -> Iterator[Path]:
    """Give a folder with one picture of noise for each replica: nothing is harder to make small."""
    noise = torch.Generator().manual_seed(event["step"])
    with tempfile.TemporaryDirectory() as folder:
        for replica in event["replicas"]:
            samples = torch.rand(64, 1, 28, 28, generator=noise) * 2 - 1
            pictures.save(samples, Path(folder) / f"samples_{replica['seed']}.png")
        yield Path(folder)


def main() -> None:
    """Build the store where there is none, write its report, and say how long and how large."""
    home = Home(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()).absolute())
    synthetic = Synthetic(
        contenders=int(sys.argv[2]) if len(sys.argv) > 2 else CONTENDERS, replicas=REPLICAS, ticks=TICKS
    )
    if not home.exists:
        began = time.perf_counter()
        build(home, synthetic)
        print(f"recorded {synthetic.contenders} contenders x {REPLICAS} x {TICKS}: {time.perf_counter() - began:.0f} s")
    page = home.path / "report.html"
    command = [sys.executable, "-c", "from orchestrator.cli import main; main()", "report", synthetic.name]
    began = time.perf_counter()
    subprocess.run([*command, "-o", str(page), "--home", str(home.path)], check=True)
    seconds, megabytes = time.perf_counter() - began, page.stat().st_size / 1e6
    measured = f"{seconds:.1f} s (at most {SECONDS}), {megabytes:.1f} MB (under {MEGABYTES})"
    print(f"{synthetic.contenders} contenders: {measured}")


if __name__ == "__main__":
    main()
