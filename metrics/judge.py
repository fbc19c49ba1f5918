"""What every metric of ours is: a `torchmetrics.Metric` over batches of features that can also say how sure it is."""

from collections.abc import Sequence
from typing import Self

from torch import Tensor
from torchmetrics import Metric

from metrics.errors import RangeError, WidthError
from metrics.features import Features, require_finite
from metrics.reference import Reference
from metrics.score import Scores


class Judge(Metric):
    """State, device moves and distributed sync are torchmetrics'; the number is a pure function's.

    Nothing here draws from a global generator, and `compute` twice gives the same bits.
    """

    higher_is_better: bool
    is_differentiable = False
    full_state_update = False

    @classmethod
    def against(cls, reference: Reference, names: Sequence[str], /) -> Self:
        """The metric with its real side finished; `names` are the families wanted of one that gives several."""
        raise NotImplementedError

    def verdict(self, features: Features, /) -> Scores:
        """Scores under plain names, after `update` has seen these very features: the intervals need them once more."""
        raise NotImplementedError

    def checked(self, rows: Tensor, *, real: bool, width: int | None = None) -> Tensor:
        """Rows [N, D] that linear algebra survives; else an error that names the batch, not a dead process."""
        name = f"batch {self._update_count} of the {'real' if real else 'generated'} features"
        if rows.dim() != 2:
            raise WidthError(f"{name} should be [N, D], but has the shape {tuple(rows.shape)}")
        if width is not None and rows.shape[1] != width:
            raise WidthError(
                f"{name} has the width {rows.shape[1]}, but {width} is expected; use one extractor for all"
            )
        if not rows.is_floating_point():
            raise RangeError(f"{name} should be floating point, but is {rows.dtype}")
        require_finite(rows, name=name)
        return rows.detach()

    @staticmethod
    def matched(rows: Tensor, real: Tensor) -> None:
        """Raise unless both sides lie in one space."""
        if rows.shape[1] != real.shape[1]:
            raise WidthError(
                f"the generated features have the width {rows.shape[1]}, but {real.shape[1]} is expected;"
                " use one extractor for all"
            )


def pooled(features: Features | Tensor) -> Tensor:
    """The features that most metrics read; a bare tensor is taken for them."""
    return features.pooled if isinstance(features, Features) else features
