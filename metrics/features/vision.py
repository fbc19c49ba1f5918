"""Any classifier of torchvision's: `torchvision:resnet18`, with a file of weights."""

from pathlib import Path

from torch import Tensor, nn

from metrics.errors import UnknownNameError, WeightsError
from metrics.features.extractor import sha256
from metrics.features.files import fill
from metrics.features.wrapped import Wrapped, as_photographs
from metrics.names import nearest

PREFIX = "torchvision:"
SIDE = 224


class Headed(nn.Module):
    """A classifier that also shows what its last layer reads."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.head = [layer for layer in model.modules() if isinstance(layer, nn.Linear)][-1]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images to features [N, D] and logits [N, C]."""
        read: list[Tensor] = []
        hook = self.head.register_forward_pre_hook(lambda _layer, given: read.append(given[0]))
        try:
            logits = self.model(images)
        finally:
            hook.remove()
        return read[-1], logits


class TorchVision(Wrapped):
    """The input of the last layer, and the logits."""

    def __init__(self, name: str, weights: Path | None) -> None:
        from torchvision import models

        known = models.list_models(module=models)
        model = name.removeprefix(PREFIX)
        if model not in known:
            raise UnknownNameError(f"torchvision has no classifier {model!r}; {nearest(model, known)}")
        if weights is None:
            raise WeightsError(
                f"{name} needs a file of weights; save a state_dict and name it by --weights or evaluation.weights"
            )
        digest = sha256(weights)
        network = models.get_model(model, weights=None)
        fill(network, weights)
        super().__init__(
            Headed(network),
            name=f"torchvision-{model}",
            prepare=as_photographs(SIDE),
            resize=f"bicubic-antialias-{SIDE}",
            kind="images",
            digest=digest,
        )
