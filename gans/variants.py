"""The catalogue: a variant is a value, and a short function returns it with the defaults of its paper."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .configuration import LARGEST, ConfigError, describe, differences, expect, override, real, whole
from .data.dataset import Dataset, class_shares
from .evidence import evidence
from .flat_names import hyperparameters, place_of
from .losses import Hinge, LeastSquares, Loss, Minimax, NonSaturating, Relativistic, Swapped, Wasserstein
from .networks import ByKind, Convolutional, Networks, Perceptrons, Residual
from .optimisers import Adam, Optimiser, RMSprop
from .penalties import Clip, Penalty, UnitSlope, ZeroSlope, ZeroSlopes
from .schedules import Constant, Schedule
from .structures import Auxiliary, Bidirectional, Conditional, Informative, Packed, Plain, SemiSupervised, Structure

OWN_NUMBERS = (
    "generator_lr",
    "discriminator_lr",
    "optimiser.beta1",
    "optimiser.beta2",
    "optimiser.decay",
    "penalty.weight",
    "constraint.limit",
    "ema_half_life",
)
"""What every replica of a pack has to itself; all else is one program."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A published GAN: networks x structure x loss x penalty x optimiser, and how often each player moves."""

    name: str
    networks: Networks
    loss: Loss
    structure: Structure = field(default_factory=Plain)
    penalty: Penalty | None = None
    constraint: Clip | None = None
    optimiser: Optimiser = field(default_factory=Adam)
    generator_lr: float = 2e-4
    discriminator_lr: float = 2e-4
    batch: int = 64
    latent: int = 64
    discriminator_steps: int = 1
    simultaneous: bool = False  # both players move from where both stood; else the discriminator first
    schedule: Schedule = field(default_factory=Constant)
    ema_half_life: float | None = None  # images; None keeps no average
    summary: str = field(default="", repr=False, compare=False)
    paper: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        real("generator_lr", self.generator_lr, above=0)
        real("discriminator_lr", self.discriminator_lr, above=0)
        whole("batch", self.batch, least=2, most=LARGEST)
        whole("latent", self.latent, most=LARGEST)
        whole("discriminator_steps", self.discriminator_steps)
        if self.ema_half_life is not None:
            real("ema_half_life", self.ema_half_life, above=0)
        if self.penalty is not None and self.penalty.per_sample and self.networks.discriminator_mixes_samples:
            raise ConfigError(
                f"{self.penalty} needs the slope at each sample, but batch norm in the discriminator lets every sample"
                " of a batch move every logit; take a discriminator without batch norm"
            )
        if self.penalty is not None and self.structure.joins:
            raise ConfigError(
                f"{self.penalty} flattens the discriminator along samples, but {self.structure} joins other numbers to"
                " them; take a structure that shows samples alone"
            )
        if self.batch % self.packing:
            raise ConfigError(
                f"a batch of {self.batch} samples cannot be cut into packs of {self.packing}; take a multiple"
            )

    @property
    def packing(self) -> int:
        """How many samples the discriminator judges at once."""
        return self.structure.packing if isinstance(self.structure, Packed) else 1

    @property
    def evidence(self) -> tuple[str, ...]:
        """Sentences that say why it may be believed, each with the command that shows it; none means unverified."""
        return evidence(self.name)

    @property
    def images_per_step(self) -> int:
        """Real images shown to the discriminator in one step."""
        return self.batch * self.discriminator_steps

    def supports(self, dataset: Dataset) -> str | None:
        """Why it cannot learn from `dataset`, or None."""
        if self.structure.reads_labels and len(class_shares(dataset)) < 2:
            return "its samples have to come with the labels of two classes or more"
        return self.networks.supports(dataset.shape)

    def fits_beside(self, other: "Variant") -> str | None:
        """Why the two cannot train in one pack, or None: they may differ in a replica's own numbers only."""
        found = differences(describe(other), describe(self))
        averaged = (self.ema_half_life is None) == (other.ema_half_life is None)
        own = OWN_NUMBERS if averaged else [name for name in OWN_NUMBERS if name != "ema_half_life"]
        if parted := [each for each in found if each.partition(": ")[0] not in own]:
            return f"{other.name} and {self.name} cannot train in one pack: {'; '.join(parted)}"
        return None


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


def r3gan() -> Variant:
    """Relativistic pairing, and a discriminator that is flat at the data and at the samples, at every step.

    The networks of the catalogue, not the paper's; weight and half-life are those of its Stacked-MNIST runs.
    """
    return Variant(
        name="r3gan", networks=ByKind(), loss=Relativistic(), penalty=ZeroSlopes(),
        optimiser=Adam(beta1=0.0, beta2=0.99), ema_half_life=44_000,
        summary="Relativistic pairing with zero-centred slope penalties at the data and at the samples.",
        paper="Huang et al., 2024",
    )  # fmt: skip


def lsgan() -> Variant:
    """The logits are scores that are drawn to 1 and 0, so that samples beyond the border still pull."""
    return Variant(
        name="lsgan", networks=ByKind(discriminator_norm="batch"), loss=LeastSquares(),
        summary="Scores drawn to 1 and 0 by squares.", paper="Mao et al., 2017",
    )  # fmt: skip


def sngan() -> Variant:
    """Hinge loss, residual networks, every product of the discriminator divided by its largest singular value."""
    return Variant(
        name="sngan", networks=Residual(), loss=Hinge(), optimiser=Adam(beta1=0.0, beta2=0.9), latent=128,
        discriminator_steps=5, summary="Residual networks, spectral norm and the hinge loss.",
        paper="Miyato et al., 2018",
    )  # fmt: skip


def pacgan() -> Variant:
    """`gan` whose discriminator judges two samples at once."""
    return replace(
        gan(), name="pacgan", structure=Packed(),
        summary="The discriminator judges packs of samples, so that a lack of variety shows.", paper="Lin et al., 2018",
    )  # fmt: skip


def cgan() -> Variant:
    """Both players are told the label."""
    return Variant(
        name="cgan", networks=ByKind(), loss=NonSaturating(), structure=Conditional(),
        summary="Both players are told the label.", paper="Mirza & Osindero, 2014",
    )  # fmt: skip


def acgan() -> Variant:
    """The generator is told the label, and the discriminator finds it out, for reals and for fakes."""
    return Variant(
        name="acgan", networks=ByKind(), loss=NonSaturating(), structure=Auxiliary(),
        summary="The generator is told the label, and the discriminator has to find it out.",
        paper="Odena et al., 2017",
    )  # fmt: skip


def sgan() -> Variant:
    """The discriminator is a classifier with one class more, for what is not real."""
    return Variant(
        name="sgan", networks=ByKind(), loss=NonSaturating(), structure=SemiSupervised(),
        summary="A classifier with a class for fakes; some of the labels are enough.",
        paper="Odena, 2016; Salimans et al., 2016",
    )  # fmt: skip


def infogan() -> Variant:
    """A discrete and two continuous codes stand beside the noise and are read off the samples."""
    return Variant(
        name="infogan", networks=ByKind(), loss=NonSaturating(), structure=Informative(), latent=62,
        summary="Codes beside the noise that can be read off the samples, without labels.", paper="Chen et al., 2016",
    )  # fmt: skip


def bigan() -> Variant:
    """An encoder beside the generator; pairs of a sample and its latents are judged."""
    return Variant(
        name="bigan", networks=Perceptrons(), loss=Swapped(), structure=Bidirectional(), batch=128, latent=50,
        summary="An encoder learns to invert the generator by the same game.", paper="Donahue et al., 2017",
    )  # fmt: skip


VARIANTS: dict[str, Callable[[], Variant]] = {
    each.__name__: each
    for each in (
        gan_minimax, gan, dcgan, wgan, wgan_gp, r1gan, r3gan, lsgan, sngan, pacgan, cgan, acgan, sgan, infogan, bigan
    )
}  # fmt: skip


def variant(name: str, changes: dict[str, Any] | None = None) -> Variant:
    """The variant `name` with `changes` by their flat names; what it does not read is an error."""
    expect(str, name, "the name of a variant, such as 'dcgan'")
    if name not in VARIANTS:
        raise ConfigError(f"there is no variant {name!r}; there are {', '.join(VARIANTS)}")
    chosen = VARIANTS[name]()
    known, changes = hyperparameters(chosen), changes or {}
    if unread := [change for change in changes if change not in known]:
        raise ConfigError(f"{name} does not read {unread[0]!r}; it reads {', '.join(known)}")
    return override(chosen, {place_of(change): value for change, value in changes.items()})
