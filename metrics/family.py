"""A family of scores: what it reads, on what it can be scored, and under which keys it is recorded."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from metrics.errors import UnfitError
from metrics.features import EXTRACTORS
from metrics.mixture import Mixture
from metrics.names import LITERATURE

if TYPE_CHECKING:
    from metrics.judge import Judge

Needs = Literal["features", "logits", "modes"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """A line of the catalogue."""

    name: str
    summary: str
    paper: str
    higher_is_better: bool
    needs: Needs
    judge: str  # package.module:Class, imported when it is used: torchmetrics takes seconds
    parts: tuple[str, ...] = ()  # what it reads of the real side
    yields: tuple[str, ...] = ()  # plain names of its scores, if they are not just its own
    version: int = 1
    right_at_one: bool = False  # a ratio to what the reals, or the truth, have: it says what is wrong, and ranks nobody

    def keys(self, extractor: str) -> tuple[str, ...]:
        """The keys of its scores in the feature space of this extractor."""
        return tuple(self.key(name, extractor) for name in self.yields or (self.name,))

    def key(self, name: str, extractor: str) -> str:
        """The key of one of its scores. Nothing but Inception's may bear the names of the literature."""
        if self.needs == "modes":
            return name
        return LITERATURE.get(name, name) if extractor == "inception" else f"{name}_{extractor}"

    def load(self) -> "type[Judge]":
        """The torchmetrics metric behind it."""
        module, _, name = self.judge.partition(":")
        judge: type[Judge] = getattr(import_module(module), name)
        return judge

    def check_rank(self) -> None:
        """Raise, in one sentence, if neither more nor less of it is better: then it chooses and ranks nobody."""
        if self.right_at_one:
            raise UnfitError(f"{self.name} is right at 1, so more is not better; rank by another, e.g. fd")

    def check(self, extractor: str, modes: Mixture | None) -> None:
        """Raise, in one sentence, if it cannot be scored with this extractor on such data."""
        if self.needs == "logits" and extractor in EXTRACTORS and not EXTRACTORS[extractor].logits:
            able = ", ".join(entry.name for entry in EXTRACTORS.values() if entry.logits)
            raise UnfitError(f"{self.name!r} needs class logits, which {extractor} does not give; use one of {able}")
        if self.needs == "modes" and modes is None:
            raise UnfitError(
                f"{self.name!r} needs data whose modes are known, such as ring8; leave it out for these data"
            )
        if self.needs == "modes" and extractor != "identity":
            raise UnfitError(
                f"{self.name!r} is counted on the points themselves; use the extractor identity, not {extractor}"
            )
