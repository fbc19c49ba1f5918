"""Baselines: what is fitted without a game, to show what a game is worth. The same metrics judge their samples."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .configuration import ConfigError, expect, override, real, whole
from .data.dataset import Dataset, Synthetic
from .feeding import centred
from .streams import derived, generator


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """A mixture of Gaussians with a variance per coordinate, fitted by expectation-maximisation."""

    components: int = 50
    points: int = 10_000  # drawn from a law to learn from; finite data are taken whole
    floor: float = 1e-4  # added to every variance: a pixel that never changes would have none
    passes: int = 200

    def __post_init__(self) -> None:
        whole("components", self.components)
        whole("points", self.points, least=2)
        real("floor", self.floor, above=0)
        whole("passes", self.passes)

    def fit(self, dataset: Dataset, seed: int = 0) -> "FittedMixture":
        """Learn from the training split; the start is drawn from the stream of `seed`."""
        try:
            from sklearn.exceptions import ConvergenceWarning
            from sklearn.mixture import GaussianMixture
        except ImportError:
            raise ConfigError(
                "the baseline 'gmm' is fitted by scikit-learn, which is not installed: pip install scikit-learn"
            ) from None
        train = dataset.split("train", self.points if isinstance(dataset, Synthetic) else None)
        if len(train) < self.components:
            raise ConfigError(
                f"{self.components} components need as many samples, but {dataset.name} has {len(train)} to learn from"
            )
        mixture = GaussianMixture(
            self.components, covariance_type="diag", reg_covar=self.floor, max_iter=self.passes,
            random_state=derived(seed, "mixture") % 2**32,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # `converged` says it
            mixture.fit(centred(train.samples, torch.float64).flatten(1).numpy())
        found = (mixture.weights_, mixture.means_, np.sqrt(mixture.covariances_))
        shares, means, stds = (torch.from_numpy(each) for each in found)
        return FittedMixture(seed, dataset.shape, shares, means, stds, converged=bool(mixture.converged_))


@dataclass(frozen=True, eq=False)
class FittedMixture:
    """A mixture that has learned, with what a judge asks of a `Replica`: samples of a stream, and their state."""

    seed: int
    shape: tuple[int, ...]
    shares: Tensor  # [K]
    means: Tensor  # [K, D]
    stds: Tensor  # [K, D]
    converged: bool

    @property
    def generator_state(self) -> dict[str, str | None]:
        """What a score of its samples depends on, beside the fit."""
        return {"weights": "raw", "batch_norm": "none", "truncation": None, "labels": None}

    def sample(self, n: int, stream: str = "tick") -> Tensor:
        """`n` samples, `[n, ...]`: images from -1 to 1, points as they are; given by seed and stream alone."""
        random = generator(self.seed, "mixture", stream)
        component = torch.multinomial(self.shares, n, replacement=True, generator=random)
        noise = torch.randn(n, self.means.shape[1], generator=random, dtype=torch.float64)
        samples = torch.addcmul(self.means[component], noise, self.stds[component]).float().view(n, *self.shape)
        return samples.clamp_(-1, 1) if len(self.shape) == 3 else samples


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A line of the catalogue; its summary and paper are shown where variants are listed."""

    summary: str
    paper: str
    make: Callable[[], Mixture]


BASELINES: dict[str, Baseline] = {
    "gmm": Baseline(
        summary="No GAN: a mixture of 50 Gaussians by expectation-maximisation, from scikit-learn.",
        paper="Dempster et al., 1977", make=Mixture,
    ),
}  # fmt: skip


def baseline(name: str, changes: dict[str, Any] | None = None) -> Mixture:
    """The baseline `name` with `changes`; what it does not read is an error."""
    expect(str, name, "the name of a baseline, such as 'gmm'")
    if name not in BASELINES:
        raise ConfigError(f"there is no baseline {name!r}; there are {', '.join(BASELINES)}")
    return override(BASELINES[name].make(), changes or {})
