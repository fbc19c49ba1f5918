"""A small digit classifier, LeNet-5 after LeCun et al. (1998), trained on 3,000 digits: features for 28 x 28 digits."""

import json
import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from metrics.errors import RangeError, WeightsError
from metrics.features.extractor import Extractor, Features, Kind, Shape, sha256

WEIGHTS = Path(__file__).with_name("lenet.safetensors")
RECORD = WEIGHTS.with_suffix(".json")
SHAPE = (1, 28, 28)
# Mean and standard deviation of MNIST's pixels in [0, 1].
MEAN, DEVIATION = 0.1307, 0.3081


class Network(nn.Module):
    """120,382 parameters: two convolutions, twice as wide as LeCun's, two hidden layers, dropout, ten logits."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Dropout(0.25), nn.Linear(800, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU()),
        )
        self.head = nn.Linear(84, 10)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images in [0, 1], [N, 1, 28, 28], to features [N, 84] and logits [N, 10]."""
        pooled = self.trunk((images - MEAN) / DEVIATION)
        return pooled, self.head(pooled)


class LeNet(Extractor):
    """The last hidden layer and the logits of the digit classifier."""

    batch = 128  # what a core's cache holds

    def __init__(self, weights: Path | None = None) -> None:
        super().__init__(name="lenet", digest=sha256(weights or WEIGHTS))
        if weights is None and self.digest != record()["sha256"]:
            raise WeightsError(f"{WEIGHTS.name} is not the file that {RECORD.name} describes; reinstall the package")
        self.network = load(weights or WEIGHTS)
        self.settle()

    def check(self, shape: Shape, kind: Kind, /) -> str | None:
        if kind == "images" and shape == SHAPE:
            return None
        return (
            f"lenet reads grey images of 28 x 28 pixels, shape {SHAPE}, but these are {kind} of shape {shape};"
            " use the extractor identity or inception"
        )

    def forward(self, batch: Tensor) -> Features:
        return Features(*self.network(batch.float() / 255))


def fit(images: Tensor, labels: Tensor, *, seed: int = 0, epochs: int = 60, batch: int = 64) -> Network:
    """Train the classifier on uint8 digits [N, 1, 28, 28] (or [N, 28, 28]); the same seed gives the same bits."""
    with torch.random.fork_rng(devices=[]):  # what is drawn here moves nobody else's stream
        torch.manual_seed(seed)
        return _fit(_pixels(images), labels.long(), epochs, batch).eval()


def _fit(pixels: Tensor, labels: Tensor, epochs: int, batch: int) -> Network:
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
    for epoch in range(epochs):
        parts = torch.split(torch.randperm(len(pixels)), batch)
        for number, rows in enumerate(parts):
            _, logits = network(distort(pixels[rows]))
            loss = functional.cross_entropy(logits, labels[rows])
            optimiser.param_groups[0]["lr"] = 3e-3 * _warm_cosine((epoch + number / len(parts)) / epochs)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
    return network


@torch.no_grad()
def accuracy(network: Network, images: Tensor, labels: Tensor) -> float:
    """Share of the digits that the classifier names rightly."""
    _, logits = network(_pixels(images))
    return float((logits.argmax(1) == labels).double().mean())


def distort(images: Tensor) -> Tensor:
    """Every image turned, scaled, sheared and moved a little, each its own way: the digits that 3,000 examples lack."""

    def draw(reach: float) -> Tensor:
        return (2 * torch.rand(len(images)) - 1) * reach

    angle, shear = draw(math.radians(15)), draw(0.2)
    width, height = 1 + draw(0.15), 1 + draw(0.15)
    across = [width * angle.cos(), height * (shear * angle.cos() - angle.sin()), draw(0.15)]
    down = [width * angle.sin(), height * (shear * angle.sin() + angle.cos()), draw(0.15)]
    # Rows of the affine map from a place in the result to the place it is read from: [N, 2, 3].
    maps = torch.stack([torch.stack(across, 1), torch.stack(down, 1)], 1)
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def save(network: Network, folder: Path, **remember: float | str) -> None:
    """Write the weights, and beside them their SHA-256 with whatever else is to be remembered."""
    from safetensors.torch import save_file

    save_file(network.state_dict(), folder / WEIGHTS.name)
    told = {"sha256": sha256(folder / WEIGHTS.name), **remember}
    (folder / RECORD.name).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def record() -> dict[str, float | str]:
    """What is remembered of the weights in this package: SHA-256, held-out accuracy, how they were made."""
    told: dict[str, float | str] = json.loads(RECORD.read_text(encoding="utf-8"))
    return told


def load(path: Path) -> Network:
    """The classifier with the weights of a safetensors file."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with torch.device("meta"):  # no numbers are drawn only to be replaced
        network = Network()
    try:
        network.load_state_dict(load_file(path), assign=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WeightsError(f"{path} does not hold the weights of lenet ({type(error).__name__})") from error
    return network.eval()


def _pixels(images: Tensor) -> Tensor:
    if images.dtype != torch.uint8 or images.shape[-2:] != SHAPE[1:]:
        raise RangeError(f"lenet learns from uint8 digits of 28 x 28 pixels, not {images.dtype} {tuple(images.shape)}")
    return images.reshape(-1, *SHAPE).float() / 255


def _warm_cosine(progress: float) -> float:
    """Up to one over the first tenth, then down to zero along a cosine."""
    return min(progress / 0.1, 0.5 * (1 + math.cos(math.pi * max(0.0, progress - 0.1) / 0.9)))
