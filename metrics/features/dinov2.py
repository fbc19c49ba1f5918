"""DINOv2's ViT-L/14 (Oquab et al., 2023), which Stein et al. (2023) found closest to what people see."""

from importlib import import_module
from pathlib import Path

from metrics.errors import WeightsError
from metrics.features.extractor import sha256
from metrics.features.files import fill
from metrics.features.wrapped import Wrapped, as_photographs

MODEL = "vit_large_patch14_dinov2"
SIDE = 224


class DINOv2(Wrapped):
    """The class token's 1024 features, from timm's network with a file of weights."""

    def __init__(self, weights: Path | None, *, model: str = MODEL) -> None:
        try:
            timm = import_module("timm")
        except ImportError as error:
            raise WeightsError("dinov2 needs timm, which is not installed; install it with pip install timm") from error
        if weights is None:
            raise WeightsError(
                f"dinov2 needs a file of timm's weights of {model}; name it by --weights or evaluation.weights"
            )
        digest = sha256(weights)
        options = {"img_size": SIDE} if model == MODEL else {}
        network = timm.create_model(model, pretrained=False, num_classes=0, **options)
        fill(network, weights)
        super().__init__(
            network,
            name="dinov2",
            prepare=as_photographs(SIDE),
            resize=f"bicubic-antialias-{SIDE}",
            kind="images",
            digest=digest,
        )
