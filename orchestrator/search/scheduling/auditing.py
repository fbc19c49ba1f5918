"""The audit: some whom the scheduler would prune go on all the same, so that one learns what pruning costs."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Keeps a pruned contender with a known probability; the draw is its own, so it repeats in every launch."""

    probability: float
    seed: int

    def keeps(self, name: str) -> bool:
        """Does this contender go on although it would be pruned?"""
        return Random(f"{self.seed}/audit/{name}").random() < self.probability  # noqa: S311
