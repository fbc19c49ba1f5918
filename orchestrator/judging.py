"""Where the layers meet: samples of a generator, judged against a split of a dataset, under a protocol that says so."""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor

import gans
import metrics
from orchestrator.config.data import Data
from orchestrator.config.evaluation import Evaluation
from orchestrator.errors import RequestError

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURED_IMAGES = 64
PICTURED_POINTS = 1000

Split = Literal["select", "final"]
SPLITS: tuple[Split, ...] = ("select", "final")


class Judge:
    """Scores samples against the splits of one dataset; references are computed once a home."""

    def __init__(
        self, dataset: gans.data.Dataset, evaluation: Evaluation, *, cache: Path | None, device: str = "cpu"
    ) -> None:
        self.dataset = dataset
        self.evaluation = evaluation
        self.cache = cache
        self.device = device
        name = evaluation.extractor or ("identity" if dataset.kind == "points" else "inception")
        weights = Path(evaluation.weights) if evaluation.weights else None
        self.extractor = metrics.features.load(name, weights=weights, cache=cache).to(device)
        self._references: dict[Split, metrics.Reference] = {}
        if reason := self.extractor.check(dataset.shape, dataset.kind):
            raise RequestError(f"{name} cannot judge {dataset.name}: {reason}")

    @cached_property
    def families(self) -> dict[str, str]:
        """From the main score key of each requested family to the family."""
        return {metrics.key(family, self.extractor.name): family for family in self.evaluation.metrics}

    def prepare(self) -> None:
        """Load what scoring needs, so that no tick pays for it."""
        for family in self.evaluation.metrics:
            metrics.METRICS[family].load()
        self.find_references()

    def find_references(self) -> None:
        """Read the real side of every score from the cache, or make it."""
        for split in SPLITS:
            self.reference(split)

    def count(self, split: Split) -> int:
        """How many generated samples a score on this split takes."""
        return self.evaluation.samples if split == "select" else self.evaluation.at_end

    def score(self, samples: Tensor, split: Split) -> metrics.Scores:
        """Judge `samples` [N, ...] against `split`."""
        return metrics.evaluate(
            samples,
            self.reference(split),
            self.extractor,
            self.evaluation.metrics,
            range="-1..1" if self.dataset.kind == "images" else "features",
            modes=self.dataset.modes,
        )

    def reference(self, split: Split) -> metrics.Reference:
        """Return the real side of every score on `split`."""
        if split not in self._references:
            reals = self.reals(split)
            self._references[split] = metrics.reference.build(
                self.extractor,
                reals.samples,
                range="uint8" if self.dataset.kind == "images" else "features",
                labels=reals.labels,
                digest=self.dataset.digest,
                split=split,
                metrics=self.evaluation.metrics,
                cache=self.cache,
            )
        return self._references[split]

    def reals(self, split: Split) -> gans.data.Split:
        """Return the whole split of finite data, or as many fresh draws of a law as there are generated samples."""
        return self.dataset.split(split, self.count(split) if isinstance(self.dataset, gans.data.Synthetic) else None)

    def picture(self, samples: Tensor) -> "Image":
        """Draw some of these samples; points at every tick in the same frame, before the reals."""
        from orchestrator import pictures

        if self.dataset.kind == "images":
            return pictures.grid(samples[:PICTURED_IMAGES])
        return pictures.scatter(samples[:PICTURED_POINTS], reals=self._backdrop)

    @cached_property
    def _backdrop(self) -> Tensor:
        return self.reals("select").samples[:PICTURED_POINTS]

    def protocol(self, split: Split, generator_state: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the meaning of a score on `split` depends on, besides its own metric."""
        mode = generator_state["batch_norm"]
        return {
            "version": metrics.VERSION,
            "dataset": {"name": self.dataset.name, "digest": self.dataset.digest, "split": split},
            "reals": len(self.reals(split).samples),
            "generated": self.count(split),
            "resolution": list(self.dataset.shape),
            "extractor": {"name": self.extractor.name, "digest": self.extractor.digest},
            "resize": self.extractor.resize,
            # Where there is no batch norm, its mode changes nothing and tells no two generators apart.
            "generator": {**generator_state, "batch_norm": "running" if mode == "none" else mode},
        }


@lru_cache(maxsize=4)
def judge_for(data: str, evaluation: str, cache: Path | None, device: str) -> Judge:
    """Return the judge for JSON of a `Data` and an `Evaluation`; a worker keeps it from one contender to the next."""
    dataset = gans.data.load(Data.model_validate_json(data).spec, cache=cache)
    return Judge(dataset, Evaluation.model_validate_json(evaluation), cache=cache, device=device)
