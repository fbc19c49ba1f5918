"""The doctor: is this machine ready, and if not, what mends it?"""

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from orchestrator.home import Home
from orchestrator.machine import cpus

NEEDED_GIB = 2.0
Check = dict[str, Any]


def examine(home: Home) -> Iterator[Check]:
    """Yield each check as it is done."""
    for name, optional, look, remedy in CHECKS:
        try:
            detail = look(home)
            yield {"name": name, "ok": True, "detail": detail, "remedy": None, "optional": optional}
        except Exception as error:
            detail = " ".join(str(error).split()) or type(error).__name__
            yield {"name": name, "ok": False, "detail": detail, "remedy": remedy, "optional": optional}


def _python(_: Home) -> str:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise RuntimeError(f"Python {platform.python_version()}")
    return f"Python {platform.python_version()} on {platform.system()}"


def _library(name: str) -> Callable[[Home], str]:
    def look(_: Home) -> str:
        return f"{name} {importlib.import_module(name).__version__}"

    return look


def _cores(_: Home) -> str:
    return f"{cpus()} processors"


def _memory(_: Home) -> str:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    if gib < NEEDED_GIB:
        raise RuntimeError(f"{gib:.1f} GiB in all")
    return f"{gib:.1f} GiB in all"


def _disk(home: Home) -> str:
    folder = next(folder for folder in (home.path, *home.path.parents) if folder.exists())
    gib = shutil.disk_usage(folder).free / 2**30
    if gib < NEEDED_GIB:
        raise RuntimeError(f"{gib:.1f} GiB free at {folder}")
    return f"{gib:.1f} GiB free at {folder}"


def _shared_memory(_: Home) -> str:
    if not Path("/dev/shm").exists():  # noqa: S108  (where Linux keeps shared memory)
        return "not used on this system"
    gib = shutil.disk_usage("/dev/shm").free / 2**30  # noqa: S108
    if gib < 0.5:
        raise RuntimeError(f"{gib:.2f} GiB free in /dev/shm")
    return f"{gib:.1f} GiB free in /dev/shm"


def _accelerator(_: Home) -> str:
    import torch

    if torch.cuda.is_available():
        return ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    if torch.backends.mps.is_available():
        return "Apple GPU (mps)"
    raise RuntimeError("none; everything runs on the CPU")


def _weights(_: Home) -> str:
    import metrics

    return f"lenet {metrics.features.load('lenet').digest[:12]}"


def _inception(home: Home) -> str:
    import metrics

    return f"inception {metrics.features.load('inception', cache=home.cache).digest[:12]}"


def _store(home: Home) -> str:
    if not home.exists:
        return f"none yet at {home.path}"
    from orchestrator.recording.client import client

    return f"{len(client(home).search_experiments())} experiments at {home.tracking_uri}"


CHECKS: tuple[tuple[str, bool, Callable[[Home], str], str], ...] = (
    ("python", False, _python, "install Python 3.11, 3.12 or 3.13"),
    ("torch", False, _library("torch"), "pip install ganarena in a fresh environment"),
    ("torchvision", False, _library("torchvision"), "install the torchvision that matches this torch"),
    ("torchmetrics", False, _library("torchmetrics"), "pip install torchmetrics"),
    ("ray", False, _library("ray"), "pip install 'ray[tune]'"),
    ("mlflow", False, _library("mlflow"), "pip install mlflow"),
    ("processors", False, _cores, "none"),
    ("memory", False, _memory, f"free memory; a search needs {NEEDED_GIB:g} GiB"),
    ("disk", False, _disk, "free disk space, or give another --home"),
    ("shared memory", False, _shared_memory, "give the machine or container more of it, e.g. docker --shm-size=1g"),
    ("digit classifier", False, _weights, "reinstall ganarena: its weights are damaged"),
    ("records", False, _store, "see the message; the store of this home cannot be read"),
    ("accelerator", True, _accelerator, "none is needed"),
    (
        "inception weights",
        True,
        _inception,
        "only fid and inception_score need them; the message says where to put them",
    ),
)
