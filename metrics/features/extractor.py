"""What turns samples into features: the same for every extractor, whatever network it holds."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import torch
from torch import Tensor, nn

from metrics.errors import UnfitError, WeightsError

Kind = Literal["images", "points"]
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Features:
    """What every metric reads: pooled features [N, D], class logits [N, C] where the extractor has them, labels [N]."""

    pooled: Tensor
    logits: Tensor | None = None
    labels: Tensor | None = None

    def __post_init__(self) -> None:
        for name, each in (("logits", self.logits), ("labels", self.labels)):
            if each is not None and len(each) != len(self.pooled):
                raise UnfitError(f"the features of {len(self.pooled)} samples came with the {name} of {len(each)}")

    @property
    def count(self) -> int:
        """How many samples these are of."""
        return len(self.pooled)

    @property
    def classes(self) -> Tensor | None:
        """The class of each sample [N]: its label, or else what the extractor takes it for."""
        return self.labels if self.labels is not None or self.logits is None else self.logits.argmax(1)


class Extractor(nn.Module):
    """Uint8 images or float64 points to `Features`; always in evaluation mode, so that no sample changes another's."""

    batch = 256

    def __init__(self, *, name: str, digest: str, resize: str = "none") -> None:
        super().__init__()
        self.name = name
        self.digest = digest
        self.resize = resize

    def check(self, shape: Shape, kind: Kind, /) -> str | None:
        """Why samples of this shape cannot be read, or None."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002 - the signature is PyTorch's
        """Evaluation mode, also when asked otherwise: a custom extractor left in training mode scores its own batch."""
        return super().train(False)

    def settle(self) -> None:
        """Called once the weights are in place: nothing here learns."""
        self.requires_grad_(False)
        self.train()

    @property
    def device(self) -> torch.device:
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file of weights."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"there are no weights to read at {path} ({error.strerror}); give another path") from error
