"""torchvision's data sets: read where they are, downloaded only on request."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..configuration import ConfigError, as_path
from .dataset import Finite, Split, shuffled

# Name -> torchvision's class, the folder it looks into, classes, samples kept from its training part for `select`.
_SOURCES = {
    "mnist": ("MNIST", "MNIST/raw", 10_000),
    "fashion_mnist": ("FashionMNIST", "FashionMNIST/raw", 10_000),
    "cifar10": ("CIFAR10", "cifar-10-batches-py", 10_000),
}


def torchvision(name: str) -> Callable[[dict[str, Any], Path | None, bool], Finite]:
    """`train` and `select` are a fixed cut of the published training part; `final` is the published test part."""
    source, folder, held_out = _SOURCES[name]

    def make(parameters: dict[str, Any], cache: Path | None, download: bool) -> Finite:
        root = as_path("root", parameters["root"]) if "root" in parameters else None
        root = root if root is not None else (Path(cache) / "datasets" if cache is not None else Path("datasets"))
        try:
            from torchvision import datasets
        except ImportError:
            raise ConfigError(f"data {name!r} are read by torchvision, which is not installed") from None
        try:
            parts = [getattr(datasets, source)(root, train=train, download=download) for train in (True, False)]
        except (RuntimeError, OSError) as error:
            raise ConfigError(
                f"data {name!r} were expected in {root / folder}, but they are not complete there; put torchvision's"
                f" files into that folder, or say `download: true` where there is a network ({error})"
            ) from None
        learning, final = (_split(part) for part in parts)
        sizes = {"train": len(learning) - held_out, "select": held_out}
        splits = {**shuffled(learning.samples, learning.labels, sizes), "final": final}
        return Finite(name=name, splits=splits, classes=tuple(parts[0].classes))

    return make


def _split(part: Any) -> Split:
    """torchvision's arrays, `[N, H, W]` or `[N, H, W, C]`, as `[N, C, H, W]`."""
    images: Tensor = torch.as_tensor(np.asarray(part.data))
    images = images.unsqueeze(1) if images.ndim == 3 else images.permute(0, 3, 1, 2)
    return Split(images.contiguous(), torch.as_tensor(part.targets).long())
