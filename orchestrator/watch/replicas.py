"""What is known of one seed under watch, and the same as plain values, for the records and for a checkpoint."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from metrics import Score, Scores
from orchestrator.stopping import Moment

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass
class Replica:
    """What is known of one seed: its history, which rules have fired, how it stands, and its final scores."""

    seed: int
    status: str = "running"
    reason: str | None = None
    history: list[Moment] = field(default_factory=list)
    fired: dict[str, str] = field(default_factory=dict)
    scores: dict[str, Score] = field(default_factory=dict)
    diagnostics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    final: Scores | None = None
    picture: "Image | None" = None
    histogram: list[float] | None = None
    """Share of each known mode among the valid samples."""

    @property
    def alive(self) -> bool:
        """Is it still training?"""
        return self.status == "running"

    @property
    def last(self) -> Moment | None:
        """The last tick that it was looked at."""
        return self.history[-1] if self.history else None

    def record(self) -> dict[str, Any]:
        """Return what is known of it now as plain values; numbers that are not finite stay out of every record."""
        last = self.last
        return {
            "seed": self.seed,
            "status": self.status,
            "reason": self.reason,
            "step": last.step if last else 0,
            "images": last.images if last else 0,
            "seconds": self.seconds,
            "scores": _plain_scores(self.scores),
            "floors": dict(last.floors) if last else {},
            "diagnostics": {name: value for name, value in self.diagnostics.items() if math.isfinite(value)},
            "fired": self.fired,
            "histogram": self.histogram and [round(share, 4) for share in self.histogram],
            "final": self.final and {"scores": _plain_scores(self.final.scores), "floors": dict(self.final.floors)},
        }

    def state(self) -> dict[str, Any]:
        """Return all that `restored` needs: the record, and the history that rules read."""
        history = [asdict(moment) | {"scores": _plain_scores(moment.scores)} for moment in self.history]
        return self.record() | {"history": history}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """Return the replica whose `state` this is."""
        final = state["final"]
        return cls(
            seed=state["seed"],
            status=state["status"],
            reason=state["reason"],
            history=[Moment(**moment | {"scores": _scores(moment["scores"])}) for moment in state["history"]],
            fired=state["fired"],
            scores=_scores(state["scores"]),
            diagnostics=state["diagnostics"],
            seconds=state["seconds"],
            final=final and Scores(scores=_scores(final["scores"]), floors=final["floors"]),
        )


def _plain_scores(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {key: asdict(score) for key, score in scores.items()}


def _scores(plain: Mapping[str, Any]) -> dict[str, Score]:
    return {key: Score(**score) for key, score in plain.items()}
