"""How busy the machine is while it trains: processors, memory and GPUs, sampled beside the training, told at its ticks.

What goes by the name of one of MLflow's own system metrics means the same: that of the whole machine. `process` is the
trial's own, where 100 % is one processor. Processors are counted over the whole time since the last tick; all else is
the mean of samples. Nothing here touches what is trained.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any

from orchestrator.errors import RequestError
from orchestrator.trial.reporting import Report

SECONDS = 1.0
"""Between two samples."""
EXTRA = "pip install 'ganarena[system]'"


def check(device: str) -> None:
    """Raise unless what reads the counters of this machine is installed."""
    for name in ("psutil", "pynvml") if device == "cuda" else ("psutil",):
        if find_spec(name) is None:
            raise RequestError(f"{name} is not installed, which reads system metrics; {EXTRA}, or leave this out")


@contextmanager
def metered(report: Report, device: str, *, wanted: bool) -> Iterator[Report]:
    """Yield the report that also tells, where it is wanted, how busy the machine was since the last one."""
    if not wanted:
        yield report
        return
    with Meter(device) as meter:

        def told(event: dict[str, Any], files: Path) -> None:
            system = {"system": meter.read()}
            pack = {"pack": [each | system for each in event["pack"]]} if "pack" in event else system
            report(event | pack, files)

        yield told


class Meter:
    """Samples in a thread of its own from `with` on."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._samples: list[Mapping[str, float]] = []
        self._spent = spent()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="meter", daemon=True)

    def __enter__(self) -> "Meter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def read(self) -> dict[str, float]:
        """Return what was used since the last reading, under the names that MLflow has for it."""
        with self._lock:
            samples, self._samples = [*self._samples, held(self._device)], []
            before, self._spent = self._spent, spent()
            found = _means(samples) | _shares([now - then for now, then in zip(self._spent, before, strict=True)])
        return {name: round(value, 1) for name, value in found.items()}

    def _watch(self) -> None:
        while not self._over.wait(SECONDS):
            with self._lock:
                self._samples.append(held(self._device))


def spent() -> tuple[float, float, float, float]:
    """Return the seconds so far: on the wall, of this process, of all processors at work, and of all processors."""
    import psutil

    own, machine = psutil.Process().cpu_times(), psutil.cpu_times()
    # Linux counts the guests' time among the user's already.
    total = sum(machine) - getattr(machine, "guest", 0.0) - getattr(machine, "guest_nice", 0.0)
    return time.monotonic(), own.user + own.system, total - machine.idle - getattr(machine, "iowait", 0.0), total


def held(device: str) -> dict[str, float]:
    """Return how much memory is in use now, and what the GPUs of this process do."""
    import psutil

    memory = psutil.virtual_memory()
    found = {
        "system_memory_usage_megabytes": memory.used / 1e6,
        "system_memory_usage_percentage": 100 * memory.used / memory.total,
        "process_memory_usage_megabytes": psutil.Process().memory_info().rss / 1e6,
    }
    return found | (dict(_gpus()) if device == "cuda" else {})


def _gpus() -> Iterator[tuple[str, float]]:
    import pynvml
    import torch

    # A slice of a GPU does not tell how busy it is, and one that is visible by its own name is not found at all.
    silent = pynvml.NVMLError, RuntimeError
    for number in range(torch.cuda.device_count()):
        with suppress(*silent):
            yield f"gpu_{number}_utilization_percentage", float(torch.cuda.utilization(number))
        with suppress(*silent):
            used, total = torch.cuda.device_memory_used(number), torch.cuda.get_device_properties(number).total_memory
            yield f"gpu_{number}_memory_usage_megabytes", used / 1e6
            yield f"gpu_{number}_memory_usage_percentage", 100 * used / total


def _means(samples: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for sample in samples for name in sample)
    return {name: fmean(sample[name] for sample in samples if name in sample) for name in names}


def _shares(seconds: Sequence[float]) -> dict[str, float]:
    wall, own, busy, total = seconds
    found = {"process_cpu_utilization_percentage": 100 * own / wall} if wall > 0 else {}
    return found | ({"cpu_utilization_percentage": 100 * busy / total} if total > 0 else {})
