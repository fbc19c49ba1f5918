"""Metrics that need all rows at once: they keep them, and finish the real side themselves if nobody has."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from metrics.cache import Part
from metrics.errors import TooFewSamplesError, UnfitError
from metrics.features import Features
from metrics.judge import Judge, pooled
from metrics.reference import PARTS, Reference


class Collected(Judge):
    """Rows of both sides, or of the generated side against a finished reference."""

    fewest: ClassVar[int] = 2  # samples on each side
    classified: ClassVar[bool] = False  # reads the class of every sample too
    real: list[Tensor]
    generated: list[Tensor]
    real_classes: list[Tensor]
    generated_classes: list[Tensor]

    def __init__(self, *, reference: Reference | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.reference = reference
        for side in ("real", "generated", "real_classes", "generated_classes"):
            self.add_state(side, [], dist_reduce_fx="cat")

    @classmethod
    def against(cls, reference: Reference, _names: Sequence[str] = (), /) -> Self:
        return cls(reference=reference)

    def update(self, features: Features | Tensor, *, real: bool = False) -> None:
        """Take a batch of pooled features [N, D] into one side."""
        if real and self.reference:
            raise UnfitError(f"this {type(self).__name__} has a finished reference; make one without to add reals")
        held = next((side[0].shape[-1] for side in (self.real, self.generated) if len(side)), None)
        rows = self.checked(pooled(features), real=real, width=held)
        if self.classified:
            classes = features.classes if isinstance(features, Features) else None
            if classes is None:
                raise UnfitError(
                    f"{type(self).__name__} needs the class of each sample; give labels or use an extractor with logits"
                )
            (self.real_classes if real else self.generated_classes).append(classes)
        (self.real if real else self.generated).append(rows)

    def rows(self) -> Tensor:
        """The generated side [N, D]."""
        rows = self._enough(self.generated, "generated")
        if self.reference and "rows" in self.reference.parts:
            self.matched(rows, self.reference.part("rows")["rows"])
        return rows

    def classes(self) -> Tensor:
        """The classes of the generated side [N]."""
        return dim_zero_cat(self.generated_classes)

    def part(self, name: str) -> Part:
        """What is read of the real side: of the reference, or made from the rows."""
        if self.reference:
            self._require(self.reference.count, "real")
            part = self.reference.part(name)
        else:
            labels = dim_zero_cat(self.real_classes) if self.classified else None
            part = PARTS[name](Features(self._enough(self.real, "real"), labels=labels))
        return {key: tensor.to(self.device) for key, tensor in part.items()}

    def _enough(self, held: list[Tensor], side: str) -> Tensor:
        rows = dim_zero_cat(held) if len(held) else torch.empty(0, 1)
        self._require(len(rows), side)
        return rows

    def _require(self, count: int, side: str) -> None:
        if count < self.fewest:
            raise TooFewSamplesError(
                f"{type(self).__name__} needs at least {self.fewest} {side} samples, but there are {count}"
            )
