"""Samples to what an extractor expects: checked against the range they declare, rounded, never cut off or wrapped."""

from typing import Literal, get_args

import torch
from torch import Tensor

from metrics.errors import NonFiniteError, RangeError

Range = Literal["uint8", "0..1", "-1..1", "features"]
RANGES: tuple[str, ...] = get_args(Range)
# A resize or a sum in float32 may step this far over an end; a wrong declaration steps much further.
SLACK = 1e-3

_BOUNDS: dict[str, tuple[float, float]] = {"0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0)}


def conform(
    samples: Tensor,
    *,
    range: Range,  # noqa: A002 - the word users write
    name: str = "samples",
    before: int = 0,
) -> Tensor:
    """Images as uint8 grey levels, points and features as float64.

    `name` says in an error which batch it is, and so many rows lie `before` it.
    """
    require_range(range)
    if range == "uint8":
        if samples.dtype != torch.uint8:
            raise RangeError(f"{name} should be uint8, but are {_word(samples)}; declare the range 0..1 or -1..1")
        return samples
    if not samples.is_floating_point():
        raise RangeError(f"{name} of range {range} should be floating point, but are {_word(samples)}")
    require_finite(samples, name=name, before=before)
    return samples.double() if range == "features" else _grey_levels(samples, *_BOUNDS[range], name=name)


def require_range(range: str) -> None:  # noqa: A002 - the word users write
    """Raise if there is no such range."""
    if range not in RANGES:
        raise RangeError(f"a range is one of {', '.join(RANGES)}, not {range!r}")


def require_finite(samples: Tensor, *, name: str, before: int = 0) -> None:
    """Raise if anything is NaN or infinite, and say where: so many rows lie `before` these."""
    # A sum that is finite, the quickest thing to look at, has finite terms; one that is not may have run over.
    if bool(samples.sum().isfinite()) or bool(samples.isfinite().all()):
        return
    broken = ~samples.flatten(1).isfinite().all(dim=1) if samples.dim() > 1 else ~samples.isfinite()
    first = int(broken.nonzero()[0])
    raise NonFiniteError(
        f"NaN or infinity in {int(broken.sum())} of {len(samples)} rows of {name}, first in row {first}"
        f"{f' (row {before + first} of all)' if before else ''};"
        " a generator that has diverged makes such, and so does a damaged file"
    )


def _grey_levels(samples: Tensor, low: float, high: float, *, name: str) -> Tensor:
    samples = samples.float()  # half precision has no room for 256 levels
    if samples.numel() and not (samples.min() >= low - SLACK and samples.max() <= high + SLACK):
        raise RangeError(
            f"{name} should lie in [{low:g}, {high:g}], but reach from {samples.min():g} to {samples.max():g};"
            " declare the range that they have"
        )
    return ((samples - low) * (255 / (high - low))).round().clamp(0, 255).byte()


def _word(samples: Tensor) -> str:
    return str(samples.dtype).removeprefix("torch.")
