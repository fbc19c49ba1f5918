"""Hyperparameters under flat names that are the same for every variant that reads them, wherever they live in it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .variants import Variant


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
    "packing": ("structure.packing", "int", "samples", "how many samples the discriminator judges at once"),
    "labelled": ("structure.labelled", "int", "images", "training samples whose label is known; none means all"),
    "structure.weight": ("structure.weight", "float", "logits", "weight of what the discriminator has to find out"),
    "structure.continuous_weight": ("structure.continuous_weight", "float", "logits", "that of continuous codes"),
    "categories": ("structure.categories", "int", "codes", "number of values of the discrete code"),
    "continuous": ("structure.continuous", "int", "codes", "number of continuous codes"),
    "schedule.images": ("schedule.images", "int", "images", "when the learning rates have come down"),
    "ema_half_life": ("ema_half_life", "float", "images", "half-life of the averaged generator; none keeps no average"),
    "width": ("networks.width", "int", "channels or units", "size of the narrowest hidden layer"),
}  # fmt: skip


def hyperparameters(variant: "Variant") -> dict[str, Hyperparameter]:
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


def place_of(name: str) -> str:
    """Where the hyperparameter of this flat name lives in a variant, as `override` reads it."""
    return _PATHS[name][0]
