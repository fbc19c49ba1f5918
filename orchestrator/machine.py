"""What trials may occupy: of this machine, or of a cluster."""

import os
from dataclasses import dataclass


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
