"""Judges of generative models: every score with its direction, its interval where one is true, and its floor.

Light to import: torchmetrics, which takes seconds, comes with the first metric that is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from metrics import features, reference
from metrics.catalogue import METRICS, VERSION, check, family_of, key
from metrics.errors import MetricsError
from metrics.evaluation import evaluate, evaluate_features
from metrics.family import Family
from metrics.features import EXTRACTORS, Extractor, Features
from metrics.mixture import Mixture, Modes
from metrics.reference import Reference
from metrics.score import Score, Scores

if TYPE_CHECKING:
    from metrics.answers import ClassDivergence, ClassSpread, ClassSureness
    from metrics.classwise import ClassFrechet, Utility
    from metrics.collapse import Copies, DifferentBins, NearDuplicates, SpectrumRank, Spread, Support
    from metrics.divergences import JensenShannon, ModeVariation, ReverseKL, ValidJensenShannon, ValidModeVariation
    from metrics.extrapolation import FrechetInfinity
    from metrics.frechet import FrechetDistance
    from metrics.inception_score import InceptionScore
    from metrics.kernel import GaussianDiscrepancy, KernelDistance, SubsetKernelDistance
    from metrics.memorisation import MemorisationInformed
    from metrics.mode_spread import ModeSpread
    from metrics.modes import HighQuality, ModeCount
    from metrics.neighbours import Neighbours
    from metrics.parzen import Parzen
    from metrics.sliced import SlicedWasserstein
    from metrics.vendi import Vendi

__all__ = [
    "EXTRACTORS",
    "METRICS",
    "VERSION",
    "ClassDivergence",
    "ClassFrechet",
    "ClassSpread",
    "ClassSureness",
    "Copies",
    "DifferentBins",
    "Extractor",
    "Family",
    "Features",
    "FrechetDistance",
    "FrechetInfinity",
    "GaussianDiscrepancy",
    "HighQuality",
    "InceptionScore",
    "JensenShannon",
    "KernelDistance",
    "MemorisationInformed",
    "MetricsError",
    "Mixture",
    "ModeCount",
    "ModeSpread",
    "ModeVariation",
    "Modes",
    "NearDuplicates",
    "Neighbours",
    "Parzen",
    "Reference",
    "ReverseKL",
    "Score",
    "Scores",
    "SlicedWasserstein",
    "SpectrumRank",
    "Spread",
    "SubsetKernelDistance",
    "Support",
    "Utility",
    "ValidJensenShannon",
    "ValidModeVariation",
    "Vendi",
    "check",
    "evaluate",
    "evaluate_features",
    "family_of",
    "features",
    "key",
    "reference",
]

_HOMES = {name: module for module, _, name in (family.judge.partition(":") for family in METRICS.values())}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'metrics' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
