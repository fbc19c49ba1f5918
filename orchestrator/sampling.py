"""Drawing from a recorded generator into a picture or an array file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import Tensor

from orchestrator import pictures
from orchestrator.errors import RequestError
from orchestrator.generators import load_generator
from orchestrator.home import Home
from orchestrator.review.naming import run_id
from orchestrator.unfinished import whole

WRITABLE = (".png", ".npz", ".npy")


def sample(
    home: Home, run: str, count: int, output: Path, seed: int, on_batch: Callable[[int], object] | None = None
) -> dict[str, str]:
    """Draw `count` samples from a recorded generator into a picture or an array file; return which run that was."""
    if output.suffix not in WRITABLE:
        raise RequestError(f"{output}: expected a file that ends in {', '.join(WRITABLE)}")
    if not output.absolute().parent.is_dir():
        raise RequestError(f"{output}: there is no folder {output.absolute().parent}; make it first")
    meant = run_id(home, run)
    write(load_generator(meant, home.path).sample(count, seed, on_batch), output)
    return {"run_id": meant, "file": str(output)}


def write(samples: Tensor, output: Path) -> None:
    """Write samples as a picture, or as the array `samples` that `source` reads; all or nothing."""
    with whole(output) as unfinished:
        if output.suffix == ".npz":
            np.savez_compressed(unfinished, samples=samples.numpy())
        elif output.suffix == ".npy":
            np.save(unfinished, samples.numpy())
        else:
            pictures.save(samples, unfinished)
