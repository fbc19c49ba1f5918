"""The files of a run: read and written where they lie, if that is a folder of this machine, else through MLflow."""

import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from orchestrator.home import Home
from orchestrator.unfinished import whole


class Files(Protocol):
    """What one run keeps beside its numbers."""

    def listed(self, folder: str = "") -> list[str]:
        """Return the paths of what lies in a folder."""

    def fetched(self, path: str) -> Path:
        """Return a local copy of a file or a folder."""

    def keep(self, source: Path, path: str) -> None:
        """Keep a copy of a file or a folder at this path."""

    def write(self, content: bytes, path: str) -> None:
        """Keep a file with this content at this path."""


@dataclass(frozen=True)
class Local:
    """Files in a folder of this machine."""

    folder: Path

    def listed(self, folder: str = "") -> list[str]:
        """Return the paths of what lies in a folder, without what somebody is just writing."""
        there = self.folder / folder
        found = there.iterdir() if there.is_dir() else ()
        return sorted(str(each.relative_to(self.folder)) for each in found if not each.name.startswith("."))

    def fetched(self, path: str) -> Path:
        """Return where a file or a folder lies."""
        return self.folder / path

    def keep(self, source: Path, path: str) -> None:
        """Keep a copy of a file or a folder at this path; each file replaces an older one, all or nothing."""
        if source.is_dir():
            for part in sorted(source.iterdir()):
                self.keep(part, f"{path}/{part.name}")
            return
        with self._whole(path) as unfinished:
            shutil.copyfile(source, unfinished)

    def write(self, content: bytes, path: str) -> None:
        """Keep a file with this content at this path; it replaces an older one, all or nothing."""
        with self._whole(path) as unfinished:
            unfinished.write_bytes(content)

    def _whole(self, path: str) -> AbstractContextManager[Path]:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return whole(target)


def files(home: Home, artifact_uri: str) -> Files:
    """Return the files that MLflow keeps at an address, which each run has one of."""
    address = urlsplit(artifact_uri)
    if address.scheme in ("file", ""):
        return Local(Path(url2pathname(address.path if address.scheme else artifact_uri)))
    from orchestrator.recording.served import Remote

    return Remote(home, artifact_uri)
