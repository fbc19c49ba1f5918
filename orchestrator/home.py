"""Where everything is kept: the folders of a home, and the lock that gives an experiment one writer at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from orchestrator.config.name import folder_name
from orchestrator.errors import RequestError

ALONE = "wait for it, stop it, or use another name"


@dataclass(frozen=True)
class Home:
    """A folder with MLflow's store, Ray's checkpoints, records not yet sent, and caches."""

    path: Path

    @classmethod
    def at(cls, path: str | Path | None = None) -> "Home":
        """Return the home at `path`, at `GANARENA_HOME`, or at `./arena`; nothing is created yet."""
        if not isinstance(path, str | Path | None):
            raise RequestError(f"home: expected the path of a folder, found {path!r}")
        home = Path(path or os.environ.get("GANARENA_HOME") or "arena").expanduser().absolute()
        there = next(folder for folder in (home, *home.parents) if folder.exists())
        if not there.is_dir():
            raise RequestError(f"--home {path or home}: expected a folder, but {there} is a file; choose another home")
        return cls(home)

    @property
    def cache(self) -> Path:
        """References, datasets and weights."""
        return self.path / "cache"

    @property
    def outbox(self) -> Path:
        """Records not yet sent."""
        return self.path / "outbox"

    @property
    def reports(self) -> Path:
        """Pages and pictures."""
        return self.path / "reports"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts, where its store is ours."""
        return self.path / "artifacts"

    @property
    def tracking_uri(self) -> str:
        """`MLFLOW_TRACKING_URI` if it is set, else our own SQLite store."""
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.path / 'mlflow.db'}"

    @property
    def exists(self) -> bool:
        """Is there anything recorded to read?"""
        return bool(os.environ.get("MLFLOW_TRACKING_URI")) or (self.path / "mlflow.db").exists()

    @property
    def experiments(self) -> list[Path]:
        """The folders of all experiments."""
        return sorted(self.path.glob("tune/*"))

    def experiment(self, name: str) -> Path:
        """Return the folder that holds the attempts of an experiment."""
        return self.path / "tune" / folder_name(name)

    def attempt(self, name: str, number: int) -> Path:
        """Return the folder of one attempt at an experiment."""
        return self.experiment(name) / f"attempt-{number:03d}"

    def attempts(self, name: str) -> list[Path]:
        """Return the attempts of an experiment, the oldest first."""
        return [journal.parent for journal in journals(self.experiment(name))]

    def next_attempt(self, name: str) -> Path:
        """Return the folder of an attempt after all of these."""
        return self.attempt(name, max(map(number_of, self.attempts(name)), default=0) + 1)

    @contextmanager
    def writing(self, name: str) -> Iterator[None]:
        """Hold the right to write records of this experiment; a second writer is refused."""
        folder = self.experiment(name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RequestError(
                f"--home {self.path}: no folder can be made there ({error.strerror}); choose another home"
            ) from None
        with _locked(folder / "lock", name, ALONE):
            yield

    def require_no_other_writer(self, name: str) -> None:
        """Refuse an experiment that another process is at; what this one has open is its own affair."""
        lock = self.experiment(name) / "lock"
        if lock.exists():
            with lock.open("r+") as file:  # what a lock on a network's file system asks for
                if not _free(file) and _holder(file) != str(os.getpid()):
                    raise _refusal(name, file, ALONE)

    def left(self, name: str) -> bool:
        """Say whether this experiment was begun in this home and no process is at it any more."""
        try:
            with (self.experiment(name) / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # which asks for no right to write
        except OSError:  # somebody is, or another home's machine knows
            return False
        return True

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Hold the right to write of every experiment."""
        with ExitStack() as stack:
            for lock in sorted(self.path.glob("tune/*/lock")):
                stack.enter_context(_locked(lock, lock.parent.name, "wait for it, or stop it"))
            yield


def journals(experiment: Path) -> list[Path]:
    """Return the journals in the folder of an experiment, that of the oldest attempt first."""
    return sorted(experiment.glob("attempt-*/journal.jsonl"))


def journal_of(attempt: Path) -> Path:
    """Return where the events of an attempt are written."""
    return attempt / "journal.jsonl"


def number_of(attempt: Path) -> int:
    """Return which attempt lies in this folder."""
    return int(attempt.name.rpartition("-")[2])


@contextmanager
def _locked(path: Path, name: str, way_out: str) -> Iterator[None]:
    with path.open("a+") as lock:
        if not _free(lock):
            raise _refusal(name, lock, way_out)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _free(lock: TextIO) -> bool:
    """Take the lock, until its file is closed, if nobody has it; say whether that was so."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: TextIO) -> str:
    lock.seek(0)
    return lock.read().strip() or "unknown"


def _refusal(name: str, lock: TextIO, way_out: str) -> RequestError:
    return RequestError(f"{name!r} is being written by process {_holder(lock)}; {way_out}")
