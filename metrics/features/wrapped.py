"""Any network as an extractor: what is wanted is where its features come out, and what digest tells it from others."""

import hashlib
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from metrics.errors import UnfitError
from metrics.features.extractor import Extractor, Features, Kind, Shape

Prepare = Callable[[Tensor], Tensor]


class Wrapped(Extractor):
    """A module whose answer is a batch of features, or a pair of features and logits."""

    def __init__(self, module: nn.Module, *, name: str, prepare: Prepare, resize: str, kind: Kind, digest: str) -> None:
        super().__init__(name=name, digest=digest, resize=resize)
        self.module, self.prepare, self.kind = module, prepare, kind
        self.settle()

    def check(self, shape: Shape, kind: Kind, /) -> str | None:
        if kind == self.kind:
            return None
        return f"{self.name} reads {self.kind}, but these are {kind} of shape {shape}"

    def forward(self, batch: Tensor) -> Features:
        found = self.module(self.prepare(batch))
        pooled, logits = found if isinstance(found, tuple) else (found, None)
        if not isinstance(pooled, Tensor) or pooled.dim() < 2:
            raise UnfitError(f"{self.name} should answer features [N, D], or these and logits")
        return Features(pooled.flatten(1), logits)


def scaled(images: Tensor) -> Tensor:
    """Uint8 images to [0, 1]; points as float32."""
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()


def wrap(
    module: nn.Module,
    *,
    name: str,
    prepare: Prepare = scaled,
    resize: str = "none",
    kind: Kind = "images",
    digest: str | None = None,
) -> Extractor:
    """Your own network as an extractor, in evaluation mode: `prepare` takes uint8 images [N, C, H, W] to its input.

    The digest is that of its weights unless you give one; two networks under one name must differ in it.
    """
    return Wrapped(
        module, name=name, prepare=prepare, resize=resize, kind=kind, digest=digest or digest_of(module, resize)
    )


def digest_of(module: nn.Module, *further: str) -> str:
    """SHA-256 of what the module is and of all its weights and buffers."""
    total = hashlib.sha256("\n".join([repr(module), *further]).encode())
    for name, tensor in module.state_dict().items():
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def as_photographs(side: int) -> Prepare:
    """Grey or colour images, resized with antialias, by the mean and the deviation of ImageNet's."""

    def prepare(images: Tensor) -> Tensor:
        colour = scaled(images).expand(-1, 3, -1, -1)
        sized = functional.interpolate(colour, size=(side, side), mode="bicubic", align_corners=False, antialias=True)
        middle, deviation = (images.new_tensor(v, dtype=torch.float32)[:, None, None] for v in (MEAN, DEVIATION))
        return (sized.clamp(0, 1) - middle) / deviation

    return prepare


MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
