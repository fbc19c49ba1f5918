"""What an attempt has come to: counts, times, and how lucky its choice was."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.recording.journal import Event, State
from orchestrator.search.confirmation import results
from orchestrator.search.plan import Plan
from orchestrator.search.regret import Regret, regret


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an attempt has come to."""

    plan: Plan
    state: State
    folder: Path

    @property
    def regret(self) -> Regret | None:
        """What pruning may have cost, where it was audited."""
        return regret(self.state)

    def summary(self) -> dict[str, Any]:
        """Return counts of the contenders that were searched, the time it took, and how well it was confirmed."""
        counts = self.state.counts()
        wall, busy = times(self.state.ticks)
        return {
            "experiment": self.plan.experiment.name,
            "contenders": self.state.expected - len(self.state.confirms),
            **{status: counts[status] for status in ("finished", "stopped", "pruned", "failed")},
            "wall_seconds": wall,
            "utilisation": busy / (wall * self.plan.slots) if wall else None,
            **({"over": self.state.over["reason"]} if self.state.over else {}),
            **(results(self.state) if self.state.confirms else {}),
            **({"regret": self.regret.as_json()} if self.regret else {}),
        }


def times(ticks: list[Event]) -> tuple[float, float]:
    """Return the seconds from the first training step to the last, and those of training and scoring in all trials.

    Launches are summed: the time between a kill and a resume is nobody's.
    """
    wall = busy = 0.0
    for launch in sorted({tick["launch"] for tick in ticks}):
        members = [tick for tick in ticks if tick["launch"] == launch]
        wall += max(tick["time"] for tick in members) - min(tick["began"] for tick in members)
        busy += sum(tick["busy"] for tick in members)
    return wall, busy
