"""A journal on no disk."""

from collections.abc import Sequence
from pathlib import Path

from orchestrator.recording.journal import Event, State


class Paper:
    """What a recorder is to a driver, in memory: events, and the state that they add up to."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.journal = self
        self.state = State()
        self.events: list[Event] = []
        for event in events:
            self.append(event)

    def append(self, event: Event, _: Path | None = None) -> bool:
        if new := self.state.accepts(event):
            self.events.append(event)
            self.state.apply(event)
        return new
