"""What trials may occupy: of this machine, or of a cluster."""

import os
from dataclasses import dataclass

from orchestrator.errors import RequestError


@dataclass(frozen=True)
class Capacity:
    """Processors and GPUs, and whose they are."""

    cpus: float
    gpus: float
    owner: str = "this machine"


def capacity() -> Capacity:
    """Return what this machine has."""
    return Capacity(cpus(), gpus())


def cpus() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> int:
    """Return the GPUs that CUDA finds."""
    import torch

    return torch.cuda.device_count()


def chosen_device(device: str) -> str:
    """Return the device that was asked for, if this machine has it; `auto` is the best that it has."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    found = [name for name, present in there.items() if present]
    if device != "auto" and device not in found:
        raise RequestError(f"--device {device}: this machine has {', '.join(found)}")
    return found[0] if device == "auto" else device
