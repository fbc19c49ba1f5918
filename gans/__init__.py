"""Generative adversarial networks as values, and one training loop for all of them."""

from . import data
from .baselines import BASELINES, baseline
from .budget import Budget
from .configuration import ConfigError, override
from .duality import duality_gap
from .engine import Engine
from .flat_names import Hyperparameter, hyperparameters
from .losses import LOSSES
from .networks import NETWORKS
from .pack import reopen
from .penalties import PENALTIES
from .replicas import Replica
from .sampling import Generator, load_generator
from .training import Progress, train
from .variants import VARIANTS, Variant, variant

__all__ = [
    "BASELINES",
    "LOSSES",
    "NETWORKS",
    "PENALTIES",
    "VARIANTS",
    "Budget",
    "ConfigError",
    "Engine",
    "Generator",
    "Hyperparameter",
    "Progress",
    "Replica",
    "Variant",
    "baseline",
    "data",
    "duality_gap",
    "hyperparameters",
    "load_generator",
    "override",
    "reopen",
    "train",
    "variant",
]
