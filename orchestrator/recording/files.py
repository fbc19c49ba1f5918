"""The files of a run: read where they lie, if that is a folder of this machine, else fetched by MLflow."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from orchestrator.home import Home
from orchestrator.recording.runs import Run


class Files(Protocol):
    """What one run keeps beside its numbers."""

    def listed(self, folder: str = "") -> list[str]:
        """Return the paths of what lies in a folder."""

    def fetched(self, path: str) -> Path:
        """Return a local copy of a file or a folder."""

    def keep(self, file: Path, name: str) -> None:
        """Keep a copy of a file under this name."""


@dataclass(frozen=True)
class Local:
    """Files in a folder of this machine."""

    folder: Path

    def listed(self, folder: str = "") -> list[str]:
        """Return the paths of what lies in a folder."""
        there = self.folder / folder
        return sorted(str(each.relative_to(self.folder)) for each in there.iterdir()) if there.is_dir() else []

    def fetched(self, path: str) -> Path:
        """Return where a file or a folder lies."""
        return self.folder / path

    def keep(self, file: Path, name: str) -> None:
        """Keep a copy of a file under this name; an older one is replaced, all or nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, self.folder / f".{name}.new").replace(self.folder / name)


def files(home: Home, run: Run) -> Files:
    """Return the files of a run."""
    address = urlsplit(run.artifact_uri)
    if address.scheme in ("file", ""):
        return Local(Path(url2pathname(address.path if address.scheme else run.artifact_uri)))
    from orchestrator.recording.served import Remote

    return Remote(home, run.artifact_uri)
