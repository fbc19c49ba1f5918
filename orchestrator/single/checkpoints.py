"""Checkpoints of one contender that is trained in this process: the last one is kept, in the folder of its attempt."""

import shutil
from pathlib import Path
from typing import Any


class Checkpoints:
    """Copies what a report came with to where it outlives the report."""

    def __init__(self, folder: Path, last: Path | None = None) -> None:
        self.folder = folder
        self.last = last

    def keep(self, event: dict[str, Any], files: Path) -> Path:
        """Copy `files`, and return where they are; what was kept before stays until `settle`."""
        mark = "" if event["kind"] == "tick" else f"-{event['kind']}"
        target = self.folder / f"step-{event['step']}{mark}"
        shutil.copytree(files, target, dirs_exist_ok=True)
        return target

    def settle(self, checkpoint: Path) -> None:
        """Let go of the one before, now that this one is recorded; what lies elsewhere is somebody else's."""
        if self.last and self.last != checkpoint and self.last.is_relative_to(self.folder):
            shutil.rmtree(self.last, ignore_errors=True)
        self.last = checkpoint
