"""What trials may occupy: of this machine, or of a cluster."""

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import RequestError


@dataclass(frozen=True)
class Node:
    """One computer: its processors, its GPUs, and the bytes of memory that are free."""

    cpus: float
    gpus: float
    memory: float = math.inf

    def holds(self, cpus: float, gpus: float, memory: float = 0) -> int:
        """Return how many trials that take so much fit at once; what is less than a GPU never spans two."""
        fitting = _times(self.cpus, cpus)
        if memory and self.memory < math.inf:
            fitting = min(fitting, _times(self.memory, memory))
        if not gpus:
            return fitting
        return min(fitting, int(self.gpus) * _times(1, gpus) if gpus < 1 else _times(self.gpus, gpus))


@dataclass(frozen=True)
class Capacity:
    """Computers, and whose they are; a trial runs on one of them."""

    nodes: tuple[Node, ...]
    owner: str = "this machine"

    def holds(self, cpus: float, gpus: float, memory: float = 0) -> int:
        """Return how many trials that take so much fit at once."""
        return sum(node.holds(cpus, gpus, memory) for node in self.nodes)

    def refusal(self, cpus: float, gpus: float) -> tuple[str | None, str] | None:
        """Say which part of a request no node can meet, and why; None if one can."""
        if self.holds(cpus, gpus):
            return None
        for what, wanted in (("cpus", cpus), ("gpus", gpus)):
            most = max((getattr(node, what) for node in self.nodes), default=0)
            if wanted > most:
                has = f"{self.owner} has" if len(self.nodes) == 1 else f"no node of {self.owner} has more than"
                return what, f"one trial asks for {wanted:g}, but {has} {most:g}; ask for less"
        both = f"{cpus:g} cpus and {gpus:g} gpus"
        return None, f"one trial asks for {both}, but no node of {self.owner} has as much of both; ask for less"


def _times(whole: float, part: float) -> int:
    """Return how often `part` fits into `whole`; tenths are not lost to rounding."""
    return int(whole / part + 1e-9)


def capacity() -> Capacity:
    """Return what this machine has."""
    return Capacity((Node(cpus(), gpus(), memory()),))


def cpus() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> int:
    """Return the GPUs that CUDA finds."""
    import torch

    return torch.cuda.device_count()


def memory() -> float:
    """Return the bytes that new processes may take, by the machine and by the container; infinite where none says."""
    left = [math.inf]
    if (told := Path("/proc/meminfo")).exists() and (found := re.search(r"MemAvailable: +(\d+)", told.read_text())):
        left.append(1024 * int(found[1]))
    limit, held = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and held.exists() and (most := limit.read_text().strip()) != "max":
        left.append(int(most) - int(held.read_text()))
    return max(0, min(left))


def device_of_trials(device: str, gpus: float) -> str:
    """Return where trials compute: on the GPU that they ask for, and on none that they do not."""
    if gpus:
        return "cuda" if device == "auto" else device
    if device == "cuda":
        raise RequestError("--device cuda: one trial asks for no GPU; --set resources.gpus=1, or a share of one")
    found = chosen_device(device)
    return "cpu" if found == "cuda" else found


def devices() -> list[str]:
    """Return where this machine can compute, the fastest first."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, present in there.items() if present]


def chosen_device(device: str) -> str:
    """Return the device that was asked for, if this machine has it; `auto` is the best that it has."""
    found = devices()
    if device != "auto" and device not in found:
        raise RequestError(f"--device {device}: this machine has {', '.join(found)}")
    return found[0] if device == "auto" else device
