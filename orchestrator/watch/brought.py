"""What a loop brings to a tick, as the judge and the records read it; anything else is told in one sentence."""

import re
from collections.abc import Iterable, Mapping
from operator import index

import numpy as np
import torch
from torch import Tensor

from metrics.features.ranges import conform
from orchestrator.config.generator import Generator
from orchestrator.errors import RequestError
from orchestrator.judging import Judge

NAME = re.compile(r"[A-Za-z][\w./-]{0,199}", re.ASCII)
TAKEN = ("step", "images", "seconds", "device_seconds", "parameters")
KEPT = ("final/", "floor/", "hyperparameter/", "system/")
"""How the names begin under which the records hold something else."""
MOST = 2**63 - 1
NUMBERS = np.typecodes["AllInteger"] + "efd"
"""Types of NumPy's numbers that PyTorch has as well."""


def whole(value: object, what: str) -> int:
    """Return a count as an integer, also where NumPy or PyTorch counted."""
    try:
        count = index(value)  # type: ignore[arg-type]  # which is what is found out here
    except TypeError:
        raise RequestError(f"tick: expected {what} as a whole number, found {value!r}") from None
    if count > MOST:
        raise RequestError(f"tick: expected {what} up to {MOST}, found {count}")
    return count


def numbers(diagnostics: object) -> dict[str, float]:
    """Return diagnostics as numbers under names that MLflow takes."""
    if not isinstance(diagnostics, Mapping):
        raise RequestError(
            f"tick: expected diagnostics as a mapping of names to numbers, found {type(diagnostics).__name__}"
        )
    found = {}
    for name, value in diagnostics.items():
        if not isinstance(name, str) or not NAME.fullmatch(name) or name in TAKEN or name.startswith(KEPT):
            raise RequestError(f"tick: diagnostics cannot be called {name!r}; use letters, digits, _ . - and /")
        try:
            found[name] = float(value)
        except (TypeError, ValueError, RuntimeError, OverflowError):  # a complex tensor, or more than a float holds
            raise RequestError(
                f"tick: expected diagnostics as numbers, found {type(value).__name__} in {name}"
            ) from None
    return found


def unlike(diagnostics: Iterable[str], scores: Iterable[str]) -> None:
    """Refuse diagnostics that are called like scores, which would hide them."""
    ends = {f"{key}{end}" for key in scores for end in ("", "_low", "_high")}
    if clash := sorted(ends & set(diagnostics)):
        raise RequestError(f"tick: {clash[0]!r} is the name of a score; call your diagnostic something else")


def conformed(samples: object, count: int, judge: Judge, generator: Generator) -> Tensor:
    """Return what `sample(count)` gave as the judge reads it: points as they are, images from -1 to 1."""
    there = _tensor(samples, count)
    shape = (count, *judge.dataset.shape)
    if tuple(there.shape) != shape:
        came = list(there.shape)
        raise RequestError(f"sample({count}) should return {list(shape)} as {judge.dataset.name} is, but gave {came}")
    if judge.dataset.kind == "points" or generator.range == "-1..1" or not there.float().isfinite().all():
        return there.float()
    levels = conform(there, range=generator.range or "uint8", name=f"what sample({count}) gave")
    return levels.float() / 127.5 - 1


def _tensor(samples: object, count: int) -> Tensor:
    """Return samples as a dense tensor of real numbers, if they are one or an array of NumPy's."""
    if isinstance(samples, np.ndarray) and samples.dtype.char in NUMBERS:
        # PyTorch takes no array that is turned round, of another byte order, or that may not be written.
        samples = torch.from_numpy(np.array(samples, samples.dtype.newbyteorder("="), order="C"))
    if isinstance(samples, Tensor) and _plain(samples):
        return samples.detach()
    about = ", ".join(str(getattr(samples, part)) for part in ("dtype", "layout", "device") if hasattr(samples, part))
    came = type(samples).__name__ + (f" ({about})" if about else "")
    raise RequestError(f"sample({count}) should return a tensor [N, ...] of real numbers, but gave {came}")


def _plain(samples: Tensor) -> bool:
    dense = samples.layout == torch.strided and samples.device.type != "meta"
    return dense and not samples.is_complex() and samples.dtype != torch.bool
