"""Strided convolutions after DCGAN (Radford et al., 2016), for square images of 8 to 128 pixels."""

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from ..configuration import WIDEST, whole
from .layers import Alone, BatchNorm, Norm, Spectral, check_norm, norm


@dataclass(frozen=True, kw_only=True)
class Convolutional:
    """4x4 convolutions of stride 2; `width` channels at the finest level, twice as many at each coarser one."""

    width: int = 32
    discriminator_norm: Norm = "batch"
    spectral: bool = False

    def __post_init__(self) -> None:
        whole("width", self.width, most=WIDEST)
        check_norm("networks.discriminator_norm", self.discriminator_norm)

    @property
    def discriminator_mixes_samples(self) -> bool:
        return self.discriminator_norm == "batch"

    def stacks(self, shape: tuple[int, ...]) -> bool:  # noqa: ARG002
        return False

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return why_not(shape)

    def generator(self, shape: tuple[int, ...], latent: int, replicas: int = 1) -> nn.Module:
        """Latents -> coarsest map -> (batch norm, ReLU, transposed convolution) a level -> tanh."""
        assert replicas == 1, "convolutional replicas take turns"  # noqa: S101
        start, halvings = levels(shape[1])
        channels = [self.width * 2**level for level in reversed(range(halvings))]
        layers: list[nn.Module] = [nn.Linear(latent, channels[0] * start**2, bias=False)]
        layers += [nn.Unflatten(1, (channels[0], start, start))]
        for wide, narrow in pairwise([*channels, shape[0]]):
            # A bias before a batch norm would be subtracted again.
            last = wide == channels[-1]
            layers += [BatchNorm(wide), nn.ReLU(inplace=True)]
            layers += [nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=last)]
        return _initialised(Alone(nn.Sequential(*layers, nn.Tanh())))

    def discriminator(self, shape: tuple[int, ...], replicas: int = 1, outputs: int = 1) -> nn.Module:
        """(Convolution, norm except in the first, leaky ReLU) a level -> one logit, or several numbers."""
        assert replicas == 1, "convolutional replicas take turns"  # noqa: S101
        start, halvings = levels(shape[1])
        channels = [self.width * 2**level for level in range(halvings)]
        layers: list[nn.Module] = []
        for number, (narrow, wide) in enumerate(pairwise([shape[0], *channels])):
            kind: Norm = self.discriminator_norm if number > 0 else "none"
            layers += [self._product(nn.Conv2d(narrow, wide, 4, stride=2, padding=1, bias=kind != "batch"))]
            layers += [*norm(kind, wide), nn.LeakyReLU(0.2, inplace=True)]
        layers += [nn.Flatten(), self._product(nn.Linear(channels[-1] * start**2, outputs))]
        network = Alone(nn.Sequential(*layers, *([Scalar()] if outputs == 1 else [])))
        # N(0, 0.02) relies on batch norm to restore the scale: without it, the start of torch's own layers.
        return _initialised(network) if self.discriminator_norm == "batch" else network

    def _product(self, product: nn.Conv2d | nn.Linear) -> nn.Module:
        return Spectral(product) if self.spectral else product


class Scalar(nn.Module):
    """`[N, 1]` to `[N]`."""

    def forward(self, x: Tensor) -> Tensor:
        return x.squeeze(1)


def why_not(shape: tuple[int, ...]) -> str | None:
    """Why convolutions cannot look at samples of this shape, or None."""
    if len(shape) != 3:
        return f"convolutions need images, but a sample has shape {shape}; take gan, wgan, wgan_gp or r1gan"
    if shape[1] != shape[2] or levels(shape[1])[0] > 8 or shape[1] < 8:
        size = f"{shape[1]}x{shape[2]}"
        return f"convolutions need square images of 8, 16, 28, 32, 64, ... pixels, but these have {size}"
    return None


def levels(size: int) -> tuple[int, int]:
    """The coarsest side and the number of halvings to it: 28 -> (7, 2), 32 -> (4, 3), 64 -> (4, 4), 8 -> (4, 1)."""
    halvings = 0
    while size % 2 == 0 and size > 4:
        size, halvings = size // 2, halvings + 1
    return size, halvings


def _initialised(network: nn.Module) -> nn.Module:
    """N(0, 0.02) for products, N(1, 0.02) for scales of batch norms, 0 for biases: the start that DCGAN prescribes."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, BatchNorm):
            nn.init.normal_(module.weight, 1.0, 0.02)
    return network
