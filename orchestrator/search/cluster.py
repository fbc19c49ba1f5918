"""Ray itself: started for us alone, or joined where it runs, and quiet about everything that our own records say."""

import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from importlib.util import find_spec
from typing import Any

from orchestrator import machine
from orchestrator.errors import RequestError, WorkError
from orchestrator.wording import REASON, one_line

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_V2_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
AHEAD = {"RAY_preload_python_modules": "ray.tune,torch._dynamo,metrics.judge,orchestrator.watch.ticks"}
"""What every trial imports: the workers of our own Ray begin with it while the driver still prepares the search."""

os.environ.update(QUIET | os.environ)  # Ray reads them when it is imported

import ray  # noqa: E402

STARTS = 3
"""How often our own Ray is started: its processes may take longer than the half minute that it gives them."""
PACKAGES = ("gans", "metrics", "orchestrator")


@contextmanager
def joined(address: str | None, *, ahead: bool = False, ships: bool = False) -> Iterator[None]:
    """Start our own Ray, or join the one at `address`; never a stray one.

    Our own workers may import ahead of any trial; to a cluster this code may be shipped, so that all run the same.
    """
    for noisy in ("ray", "ray.tune", "ray.train"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)  # a lost worker is told by our own reporter
    settings: dict[str, Any] = {"address": address}
    if ships and address:
        settings["runtime_env"] = {"py_modules": code()}
    with _as_before():
        if not address:
            settings = {"address": "local", "num_cpus": machine.cpus(), "include_dashboard": False}
            os.environ.update((AHEAD if ahead else {}) | os.environ)  # what it starts reads it
        _begin(address, settings)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be told to end is to be interrupted
        try:
            with redirect_stdout(sys.stderr):  # where Ray tells of dead workers; ours is for the result
                yield
        finally:
            ray.shutdown()


def _begin(address: str | None, settings: Mapping[str, Any]) -> None:
    """Join Ray, or start it; what a start that failed leaves behind is ended before the next."""
    before = _children()
    for left in reversed(range(1 if address else STARTS)):
        try:
            ray.init(**settings, log_to_driver=False, logging_level=logging.CRITICAL, configure_logging=True)
        except Exception as error:  # Ray raises just that when its processes take too long
            for process in _children() - before:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if not left:
                raise _not_joined(address, one_line(error, REASON)) from None
        else:
            return


def _children() -> set[int]:
    import psutil  # Ray brings its own

    return {process.pid for process in psutil.Process().children(recursive=True)}


def _not_joined(address: str | None, why: str) -> Exception:
    """Say that there is no Ray, and the way out."""
    if address:
        return RequestError(f"--address {address}: no Ray cluster answers there ({why}); `ray start` one")
    return WorkError(f"Ray did not start on this machine: {why}; --resume goes on when the machine is less busy")


@contextmanager
def _as_before() -> Iterator[None]:
    """Put back in the end how this process took SIGTERM, and the environment that was set for workers."""
    handler, unset = signal.getsignal(signal.SIGTERM), AHEAD.keys() - os.environ.keys()
    try:
        yield
    finally:
        for name in unset:
            os.environ.pop(name, None)
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def code() -> list[str]:
    """Return the folders of our packages; what they import has to be installed on every node."""
    found = {name: find_spec(name) for name in PACKAGES}
    return [spec.submodule_search_locations[0] for spec in found.values() if spec and spec.submodule_search_locations]


def capacity(address: str) -> machine.Capacity:
    """Return what the cluster at `address` has, node by node."""
    with joined(address):
        alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    nodes = tuple(
        machine.Node(found.get("CPU", 0), found.get("GPU", 0), found.get("memory", math.inf)) for found in alive
    )
    return machine.Capacity(nodes, f"the cluster at {address}")
