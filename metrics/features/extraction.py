"""Samples to features: one forward over all of them, a tensor or a stream of batches."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from metrics.errors import RangeError, TooFewSamplesError, UnfitError
from metrics.features.extractor import Extractor, Features, Kind
from metrics.features.ranges import Range, conform, require_finite, require_range

Samples = Tensor | Iterable[Tensor]


@torch.no_grad()
def extract(
    extractor: Extractor,
    samples: Samples,
    *,
    range: Range,  # noqa: A002 - the word of the experiment file and the command line
    batch: int | None = None,
    on_batch: Callable[[int], object] | None = None,
) -> Features:
    """One forward over all samples, a tensor or a stream of batches: what every metric is then given.

    After each batch `on_batch` is told how many samples it had: where a bar grows.
    """
    require_range(range)
    kind: Kind = "points" if range == "features" else "images"
    parts: list[Features] = []
    seen = 0
    for number, part in enumerate(_batches(samples, batch or extractor.batch), 1):
        name = f"batch {number} of the samples"
        if problem := _unfit(extractor, part, kind):
            raise UnfitError(problem)
        features = extractor(conform(part, range=range, name=name, before=seen).to(extractor.device))
        require_finite(features.pooled, name=f"the features of batch {number}", before=seen)
        parts.append(features)
        seen += len(part)
        if on_batch:
            on_batch(len(part))
    if not parts:
        raise TooFewSamplesError("there are no samples to extract features from")
    logits = [part.logits for part in parts if part.logits is not None]
    return Features(_joined([part.pooled for part in parts]), _joined(logits) if logits else None)


def _batches(samples: Samples, batch: int) -> Iterator[Tensor]:
    if not isinstance(samples, Iterable):  # a tensor is one, of its rows
        raise RangeError(f"samples are a tensor or a stream of tensors, not {type(samples).__name__}")
    for part in [samples] if isinstance(samples, Tensor) else samples:
        if not isinstance(part, Tensor):
            raise RangeError(f"samples are tensors, not {type(part).__name__}; use torch.as_tensor")
        if part.layout != torch.strided:
            raise RangeError(f"samples are dense tensors, not {str(part.layout).removeprefix('torch.')}; use to_dense")
        if part.is_meta:
            raise RangeError("samples on the device meta hold no numbers; make them on another device")
        yield from torch.split(part, batch) if part.dim() else (part,)


def _unfit(extractor: Extractor, part: Tensor, kind: Kind) -> str | None:
    if part.dim() != (dimensions := {"points": 2, "images": 4}[kind]):
        return f"{kind} have {dimensions} dimensions, [N, {'D' if kind == 'points' else 'C, H, W'}], not {part.dim()}"
    return extractor.check(tuple(part.shape[1:]), kind)


def _joined(parts: list[Tensor]) -> Tensor:
    joined = torch.cat(parts)
    return joined.cpu() if joined.device.type == "mps" else joined  # that device has no float64
