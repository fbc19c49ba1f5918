"""Where everything is kept: the folders of a home, and the lock that gives an experiment one writer at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.models import folder_name
from orchestrator.errors import RequestError


@dataclass(frozen=True)
class Home:
    """A folder with MLflow's store, Ray's checkpoints, records not yet sent, and caches."""

    path: Path

    @classmethod
    def at(cls, path: str | Path | None = None) -> "Home":
        """Return the home at `path`, at `GANARENA_HOME`, or at `./arena`; nothing is created yet."""
        return cls(Path(path or os.environ.get("GANARENA_HOME") or "arena").expanduser().absolute())

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

    def experiment(self, name: str) -> Path:
        """Return the folder that holds the attempts of an experiment."""
        return self.path / "tune" / folder_name(name)

    def attempts(self, name: str) -> list[Path]:
        """Return the attempts of an experiment, the oldest first."""
        return sorted(folder.parent for folder in self.experiment(name).glob("attempt-*/journal.jsonl"))

    @staticmethod
    def is_being_written(folder: Path) -> bool:
        """Does a process hold the lock of this experiment's folder?"""
        lock = folder / "lock"
        if not lock.exists():
            return False
        with lock.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextmanager
    def writing(self, name: str) -> Iterator[None]:
        """Hold the right to write records of this experiment; a second writer is refused."""
        folder = self.experiment(name)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                writer = lock.read().strip() or "unknown"
                raise RequestError(
                    f"{name!r} is being written by process {writer}; wait for it, stop it, or use another name"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield
