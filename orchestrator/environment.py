"""Where something was computed: what a repetition must share."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RECORDED_VERSIONS = ("ganarena", "torch", "torchvision", "torchmetrics", "ray", "mlflow", "numpy")
SOURCE = Path(__file__).parent.parent
"""The source tree, where this runs from one."""


def environment(device: str, threads: int) -> dict[str, str]:
    """Return versions, device, threads, and the commit of the source tree."""
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device,
        "threads": str(threads),
    }
    found |= {package: _version(package) for package in RECORDED_VERSIONS}
    return found | ({"commit": _commit()} if (SOURCE / ".git").exists() else {})


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "source tree"


def _commit() -> str:
    try:
        asked = subprocess.run(  # noqa: S603
            ["git", "-C", str(SOURCE), "rev-parse", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:  # a source tree on a machine without git
        return "unknown"
    return asked.stdout.strip() or "unknown"
