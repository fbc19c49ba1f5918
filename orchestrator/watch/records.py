"""The records of one loop: what it reports becomes events of a journal, and goes to MLflow from there."""

import time
from contextlib import ExitStack
from pathlib import Path

from orchestrator.recording.journal import Event
from orchestrator.recording.recorder import Recorder
from orchestrator.search.driver import summary_of
from orchestrator.single.checkpoints import Checkpoints
from orchestrator.trial import Report, metering


class Records:
    """What is written of one loop, from its first tick to its end."""

    def __init__(self, recorder: Recorder, folder: Path, held: ExitStack) -> None:
        self.recorder = recorder
        self.launch = time.time()
        (self.contender,) = recorder.journal.state.contenders
        last = self.recorder.journal.state.contenders[self.contender].tick
        there = Path(last["checkpoint"]) if last else None
        self.saved = there if there and there.is_dir() else None
        self.checkpoints = Checkpoints(folder / self.contender, self.saved)
        self._held = held

    def report(self, event: Event, files: Path) -> None:
        """Record one tick, or the final scores."""
        checkpoint = self.checkpoints.keep(event, files)
        self.recorder.append(event | {"launch": self.launch, "checkpoint": str(checkpoint)}, files)
        self.checkpoints.settle(checkpoint)

    def metered(self, device: str, *, wanted: bool) -> Report:
        """Return `report`, which until the records are closed also tells how busy the machine is, if that is wanted."""
        return self._held.enter_context(metering.metered(self.report, device, wanted=wanted))

    def end(self, status: str, reason: str | None) -> None:
        """Record how it ended, and close."""
        tick = self.recorder.journal.state.contenders[self.contender].tick
        end = {"kind": "end", "contender": self.contender, "status": status, "reason": reason}
        self.recorder.append(end | {"summary": summary_of(tick), "tick": tick})
        self.recorder.append({"kind": "close", "status": status, "reason": reason or f"1 {status}"})
        self.close()

    def close(self) -> None:
        """Send what is not sent yet, and let somebody else write under this name."""
        self._held.close()
