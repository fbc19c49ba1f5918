"""The catalogue: a variant is a value, and a short function returns it with the defaults of its paper."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from .configuration import ConfigError, override, real, whole
from .data.dataset import Dataset
from .losses import Loss, Minimax, NonSaturating, Wasserstein
from .networks import ByKind, Convolutional, Networks, Perceptrons
from .optimisers import Adam, Optimiser, RMSprop
from .penalties import Clip, Penalty, UnitSlope, ZeroSlope


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A published GAN: networks x loss x penalty x optimiser, and how often each player moves."""

    name: str
    networks: Networks
    loss: Loss
    penalty: Penalty | None = None
    constraint: Clip | None = None
    optimiser: Optimiser = field(default_factory=Adam)
    generator_lr: float = 2e-4
    discriminator_lr: float = 2e-4
    batch: int = 64
    latent: int = 64
    discriminator_steps: int = 1
    ema_half_life: float | None = None  # images; None keeps no average
    summary: str = field(default="", repr=False, compare=False)
    paper: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        real("generator_lr", self.generator_lr, above=0)
        real("discriminator_lr", self.discriminator_lr, above=0)
        whole("batch", self.batch, least=2)
        whole("latent", self.latent)
        whole("discriminator_steps", self.discriminator_steps)
        if self.ema_half_life is not None:
            real("ema_half_life", self.ema_half_life, above=0)
        if self.penalty is not None and self.penalty.per_sample and self.networks.discriminator_mixes_samples:
            raise ConfigError(
                f"{self.penalty} needs the slope at each sample, but batch norm in the discriminator lets every sample"
                " of a batch move every logit; take a discriminator without batch norm"
            )

    @property
    def images_per_step(self) -> int:
        """Real images shown to the discriminator in one step."""
        return self.batch * self.discriminator_steps

    def supports(self, dataset: Dataset) -> str | None:
        """Why it cannot learn from `dataset`, or None."""
        return self.networks.supports(dataset.shape)


def gan_minimax() -> Variant:
    """The first GAN: both players play one value, and the generator's slope fades as the discriminator wins."""
    return Variant(
        name="gan_minimax", networks=Perceptrons(), loss=Minimax(), batch=256, latent=16,
        summary="Perceptrons in the zero-sum game of the first GAN paper.", paper="Goodfellow et al., 2014",
    )  # fmt: skip


def gan() -> Variant:
    """`gan_minimax` with the non-saturating generator that the same paper recommends."""
    return Variant(
        name="gan", networks=Perceptrons(), loss=NonSaturating(), batch=256, latent=16,
        summary="Perceptrons with the non-saturating loss.", paper="Goodfellow et al., 2014",
    )  # fmt: skip


def dcgan() -> Variant:
    """Strided convolutions, batch norm in both players, weights from N(0, 0.02)."""
    return Variant(
        name="dcgan", networks=Convolutional(), loss=NonSaturating(),
        summary="Convolutions with batch norm in both players.", paper="Radford et al., 2016",
    )  # fmt: skip


def wgan() -> Variant:
    """A critic without a sigmoid, clipped after every update, trained five times for each step of the generator."""
    return Variant(
        name="wgan", networks=ByKind(), loss=Wasserstein(), constraint=Clip(), optimiser=RMSprop(),
        generator_lr=5e-5, discriminator_lr=5e-5, discriminator_steps=5,
        summary="The Wasserstein distance through a critic with clipped weights.", paper="Arjovsky et al., 2017",
    )  # fmt: skip


def wgan_gp() -> Variant:
    """`wgan` with a penalty on the slope in place of the clipping; betas (0, 0.9) gave the better published FID."""
    return Variant(
        name="wgan_gp", networks=ByKind(), loss=Wasserstein(), penalty=UnitSlope(),
        optimiser=Adam(beta1=0.0, beta2=0.9), discriminator_steps=5,
        summary="The Wasserstein distance through a critic of slope 1 between reals and samples.",
        paper="Gulrajani et al., 2017",
    )  # fmt: skip


def r1gan() -> Variant:
    """The non-saturating GAN whose discriminator is flat at the data, which makes the equilibrium attract."""
    return Variant(
        name="r1gan", networks=ByKind(), loss=NonSaturating(), penalty=ZeroSlope(),
        optimiser=Adam(beta1=0.0, beta2=0.99), ema_half_life=44_000,
        summary="The non-saturating GAN with a zero-centred slope penalty at the data.", paper="Mescheder et al., 2018",
    )  # fmt: skip


VARIANTS: dict[str, Callable[[], Variant]] = {
    each.__name__: each for each in (gan_minimax, gan, dcgan, wgan, wgan_gp, r1gan)
}


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """A number that may be fixed or searched, under the flat name that it has in every variant that reads it."""

    name: str
    default: float | int | None
    unit: str
    summary: str
    kind: Literal["int", "float"]


# Flat name -> where it lives in a variant, kind, unit, meaning. The order is that of the catalogue.
_PATHS: dict[str, tuple[str, Literal["int", "float"], str, str]] = {
    "generator_lr": ("generator_lr", "float", "per step", "learning rate of the generator"),
    "discriminator_lr": ("discriminator_lr", "float", "per step", "learning rate of the discriminator"),
    "beta1": ("optimiser.beta1", "float", "share", "what Adam keeps of the mean gradient at each step"),
    "beta2": ("optimiser.beta2", "float", "share", "what Adam keeps of the mean squared gradient at each step"),
    "decay": ("optimiser.decay", "float", "share", "what RMSprop keeps of the mean squared gradient at each step"),
    "batch": ("batch", "int", "images", "samples of each kind shown to the discriminator at once"),
    "latent": ("latent", "int", "dimensions", "size of the generator's input"),
    "discriminator_steps": ("discriminator_steps", "int", "steps", "its updates per update of the generator"),
    "penalty.weight": ("penalty.weight", "float", "logits", "weight of the slope penalty"),
    "penalty.every": ("penalty.every", "int", "steps", "the penalty acts once in so many steps, so much stronger"),
    "constraint.limit": ("constraint.limit", "float", "weight", "largest size of a critic's weight"),
    "ema_half_life": ("ema_half_life", "float", "images", "half-life of the averaged generator; none keeps no average"),
    "width": ("networks.width", "int", "channels or units", "size of the narrowest hidden layer"),
}  # fmt: skip


def hyperparameters(variant: Variant) -> dict[str, Hyperparameter]:
    """The numbers that `variant` reads, with the values that it has."""
    found = {}
    for name, (path, kind, unit, summary) in _PATHS.items():
        owner: Any = variant
        *parents, last = path.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        if hasattr(owner, last):
            value = getattr(owner, last)
            found[name] = Hyperparameter(name=name, default=value, unit=unit, summary=summary, kind=kind)
    return found


def variant(name: str, changes: dict[str, Any] | None = None) -> Variant:
    """The variant `name` with `changes` by their flat names; what it does not read is an error."""
    if name not in VARIANTS:
        raise ConfigError(f"there is no variant {name!r}; there are {', '.join(VARIANTS)}")
    chosen = VARIANTS[name]()
    known = hyperparameters(chosen)
    for change, value in (changes or {}).items():
        if change not in known:
            raise ConfigError(f"{name} does not read {change!r}; it reads {', '.join(known)}")
        chosen = override(chosen, {_PATHS[change][0]: value})
    return chosen
