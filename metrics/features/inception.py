"""Inception-v3 as every published FID uses it: torch-fidelity's network, loaded by ourselves, safely."""

import hmac
import pickle
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from metrics.errors import UnknownNameError, WeightsError
from metrics.features.extractor import Extractor, Features, Kind, Shape, sha256
from metrics.names import nearest

FILE = "weights-inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SIDE = 299


class Network(nn.Module):
    """torch-fidelity's blocks under its names, so that its weights fit; its class would load any pickle unasked."""

    def __init__(self) -> None:
        super().__init__()
        from torch_fidelity import feature_extractor_inceptionv3 as blocks

        self.Conv2d_1a_3x3 = blocks.BasicConv2d(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = blocks.BasicConv2d(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = blocks.BasicConv2d(32, 64, kernel_size=3, padding=1)
        self.MaxPool_1 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Conv2d_3b_1x1 = blocks.BasicConv2d(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = blocks.BasicConv2d(80, 192, kernel_size=3)
        self.MaxPool_2 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Mixed_5b = blocks.InceptionA(192, pool_features=32)
        self.Mixed_5c = blocks.InceptionA(256, pool_features=64)
        self.Mixed_5d = blocks.InceptionA(288, pool_features=64)
        self.Mixed_6a = blocks.InceptionB(288)
        self.Mixed_6b = blocks.InceptionC(768, channels_7x7=128)
        self.Mixed_6c = blocks.InceptionC(768, channels_7x7=160)
        self.Mixed_6d = blocks.InceptionC(768, channels_7x7=160)
        self.Mixed_6e = blocks.InceptionC(768, channels_7x7=192)
        self.Mixed_7a = blocks.InceptionD(768)
        self.Mixed_7b = blocks.InceptionE_1(1280)
        self.Mixed_7c = blocks.InceptionE_2(2048)
        self.AvgPool = nn.AdaptiveAvgPool2d(output_size=(1, 1))
        self.fc = nn.Linear(2048, 1008)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images in [-1, 1], [N, 3, 299, 299], to features [N, 2048] and logits without their bias [N, 1008]."""
        for name, block in self.named_children():
            if name != "fc":
                images = block(images)
        pooled = images.flatten(1)
        # The Inception score has always been computed without the bias (Salimans et al., 2016, in their code).
        return pooled, functional.linear(pooled, self.fc.weight)


Protocol = Literal["tf1", "antialias"]
RESIZES: dict[Protocol, str] = {"tf1": f"bilinear-tf1-{SIDE}", "antialias": f"bilinear-antialias-{SIDE}"}


class Inception(Extractor):
    """Pooled features and unbiased logits.

    Protocol `tf1` is the original one, TensorFlow 1's bilinear resize; `antialias` is what torchmetrics has done since
    1.9, which moves features by up to 2.8 % of the largest. The resize is part of every score's protocol.
    """

    batch = 64

    def __init__(self, weights: Path, *, protocol: Protocol = "tf1", expected: str = SHA256) -> None:
        if protocol not in RESIZES:
            raise UnknownNameError(f"inception has no protocol {protocol!r}; {nearest(protocol, RESIZES)}")
        name = "inception" if protocol == "tf1" else f"inception-{protocol}"  # only the first may be called FID
        super().__init__(name=name, digest=_checked(weights, expected), resize=RESIZES[protocol])
        self.protocol = protocol
        self.network = _folded(_load(weights)).to(memory_format=torch.channels_last)
        self.settle()

    def check(self, shape: Shape, kind: Kind, /) -> str | None:
        if kind == "images" and len(shape) == 3 and shape[0] in (1, 3):
            return None
        return f"inception reads grey or colour images of shape (1 or 3, H, W), but these are {kind} of shape {shape}"

    def forward(self, batch: Tensor) -> Features:
        colour = batch.float().expand(-1, 3, -1, -1)
        resize = _like_tensorflow1 if self.protocol == "tf1" else _antialiased
        images = (resize(colour) - 128) / 128
        return Features(*self.network(images.to(memory_format=torch.channels_last)))


def _like_tensorflow1(images: Tensor) -> Tensor:
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x as resize

    resized: Tensor = resize(images, size=(SIDE, SIDE), align_corners=False)
    return resized


def _antialiased(images: Tensor) -> Tensor:
    return functional.interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)


def find(weights: Path | None, cache: Path | None, *, download: bool) -> Path:
    """The file with the weights: the given one, the one in the cache, or, only when asked for, a downloaded one."""
    places = [weights] if weights else [cache / FILE] if cache else []
    for place in places:
        if place.is_file():
            return place
    if download and cache and not weights:
        return _download(cache / FILE)
    where = f"they are not at {places[0]}" if places else "none were named, and nothing is cached yet"
    raise WeightsError(
        f"inception needs its weights, {FILE}, and {where}; let --download fetch them, or fetch"
        f" {URL} and name it by --weights or evaluation.weights"
        f"{f' or put it into {cache}' if cache else ''}"
    )


def _download(target: Path) -> Path:
    with TemporaryDirectory(prefix="ganarena-") as folder:
        fetched = Path(folder) / target.name
        try:
            torch.hub.download_url_to_file(URL, str(fetched), hash_prefix=SHA256, progress=False)
        except (OSError, RuntimeError) as error:
            raise WeightsError(
                f"{URL} could not be downloaded ({error}); fetch it, then name it by --weights or evaluation.weights"
            ) from error
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(fetched, target)
    return target


def _checked(path: Path, expected: str) -> str:
    found = sha256(path)
    if not hmac.compare_digest(found, expected):
        raise WeightsError(f"{path} is not {FILE}: its SHA-256 is {found[:12]}..., not {expected[:12]}...; fetch {URL}")
    return found


def _load(path: Path) -> Network:
    with torch.device("meta"):  # no numbers are drawn only to be replaced
        network = Network()
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), assign=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} does not hold the weights of inception ({type(error).__name__})") from error
    return network


def _folded(network: Network) -> Network:
    """Every normalisation inside its convolution, multiplied in float64: one pass over the activations less."""
    for block in list(network.modules()):
        if isinstance(norm := getattr(block, "bn", None), nn.BatchNorm2d):
            convolution = getattr(block, "conv")  # noqa: B009 - torch-fidelity's blocks have no types
            mean, variance = norm.running_mean, norm.running_var
            assert mean is not None  # noqa: S101 - torch-fidelity's blocks track both
            assert variance is not None  # noqa: S101
            scale = norm.weight.double() / (variance.double() + norm.eps).sqrt()
            convolution.weight = nn.Parameter((convolution.weight * scale[:, None, None, None]).float())
            convolution.bias = nn.Parameter((norm.bias - mean * scale).float())
            setattr(block, "bn", nn.Identity())  # noqa: B010
    return network
