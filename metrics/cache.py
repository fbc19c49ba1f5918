"""Where finished references are kept: read back without running code, made once, wherever the folder is."""

import fcntl
import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from torch import Tensor

from metrics.errors import UnfitError

Part = dict[str, Tensor]
Header = Mapping[str, str | int]


@contextmanager
def opened(cache: Path | str | None, header: Header) -> Iterator["Shelf"]:
    """The shelf of the reference that `header` describes, for one process at a time; without a cache it keeps nothing.

    A cache is a folder, or the URL of one that fsspec reads, such as `s3://bucket/cache`, where nobody waits for
    anybody.
    """
    with _folder(cache) as (folder, elsewhere), _alone(folder, header):
        yield Shelf(header, folder, elsewhere)


@dataclass(frozen=True)
class Shelf:
    """Where the parts of one reference lie."""

    header: Header
    folder: Path | None = None
    elsewhere: "_Elsewhere | None" = None

    def read(self, names: Iterable[str]) -> dict[str, Part]:
        """Those of these parts that are there."""
        if self.folder is None:
            return {}
        places = {name: _place(self.folder, self.header, name) for name in names}
        if self.elsewhere:
            self.elsewhere.fetch(places.values())
        found = {name: _read(place, self.header) for name, place in places.items()}
        return {name: held for name, held in found.items() if held is not None}

    def write(self, parts: Mapping[str, Part]) -> None:
        """Keep these parts."""
        if self.folder is None:
            return
        places = {name: _place(self.folder, self.header, name) for name in parts}
        for name, place in places.items():
            _write(place, parts[name], self.header)
        if self.elsewhere:
            self.elsewhere.send(places.values())


def _place(folder: Path, header: Header, part: str) -> Path:
    text = json.dumps(header, sort_keys=True)
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.{part}.safetensors"


def _read(path: Path, header: Header) -> Part | None:
    """What lies there, or None if it is absent, damaged or of something else: it is then made again."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            if json.loads((file.metadata() or {}).get("header", "null")) != header:
                return None
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError, json.JSONDecodeError):
        return None


def _write(path: Path, part: Part, header: Header) -> None:
    """Under a temporary name first: nobody ever reads half a file."""
    from safetensors.torch import save_file

    tensors = {name: tensor.cpu().contiguous() for name, tensor in part.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as scratch:
        save_file(tensors, Path(scratch) / path.name, metadata={"header": json.dumps(header)})
        (Path(scratch) / path.name).replace(path)


@dataclass(frozen=True)
class _Elsewhere:
    """A folder on another file system. One that cannot be reached costs the work of making what it holds, no more."""

    system: Any  # fsspec has no types
    root: str

    @classmethod
    def at(cls, url: str) -> Self:
        """The folder of this URL."""
        try:
            return cls(*import_module("fsspec.core").url_to_fs(url))
        except (ImportError, ValueError) as error:
            raise UnfitError(f"there is no reading {url}: {error}") from error

    def fetch(self, paths: Iterable[Path]) -> None:
        """Copy what is there to these paths."""
        for path in paths:
            with suppress(OSError):
                self.system.get_file(f"{self.root}/{path.name}", str(path))

    def send(self, paths: Iterable[Path]) -> None:
        """Under another name first, as at home."""
        for path in paths:
            with suppress(OSError):
                target = f"{self.root}/{path.name}"
                self.system.makedirs(self.root, exist_ok=True)
                self.system.put_file(str(path), part := f"{target}.{uuid4().hex}")
                self.system.mv(part, target)


@contextmanager
def _folder(cache: Path | str | None) -> Iterator[tuple[Path | None, _Elsewhere | None]]:
    """Where references lie; of a URL, a folder to copy them to."""
    if not cache or "://" not in str(cache):
        yield Path(cache) / "references" if cache else None, None
        return
    with tempfile.TemporaryDirectory(prefix="references-") as scratch:
        yield Path(scratch), _Elsewhere.at(f"{cache}/references")


@contextmanager
def _alone(folder: Path | None, header: Header) -> Iterator[None]:
    """Two processes that want the same reference make it once; the second waits, and reads it."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with _place(folder, header, "lock").with_suffix("").open("w") as file:
        with suppress(OSError):  # a file system without locks: both compute it, and the last one to rename wins
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
