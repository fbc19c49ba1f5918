"""This machine: what of it a trial may ask for."""

import os


def cpus() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> int:
    """Return the GPUs that CUDA finds."""
    import torch

    return torch.cuda.device_count()
