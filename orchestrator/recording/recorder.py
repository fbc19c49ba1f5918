"""From what happens to what is recorded: the journal first, then the outbox, and one thread that sends it on."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.home import Home
from orchestrator.recording.journal import Event, Journal, events

RETRY_SECONDS = (1, 2, 5, 10, 30)


class Recorder:
    """Appends to one attempt's journal and sends it to MLflow behind the back of the training.

    The outbox holds, for each journal not fully sent, how far the sending has come and the files that travel with it.
    """

    def __init__(self, home: Home, folder: Path) -> None:
        self.home = home
        self.folder = folder
        self.journal = Journal(folder / "journal.jsonl")
        self.trouble: str | None = None
        self._news = threading.Condition()
        self._written = self.journal.path.stat().st_size
        self._sent = 0
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._send_all, name="recorder", daemon=True)
        self._outbox = Outbox(home, folder)
        self._outbox.open()
        self._thread.start()

    def append(self, event: Event, files: Path | None = None) -> bool:
        """Record `event`; with it go the pictures and generators in `files`, kept until they are sent."""
        event = {"time": time.time()} | event
        if files is not None:
            self._outbox.keep(event, files)
        new = self.journal.append(event)
        with self._news:
            self._written = self.journal.path.stat().st_size
            self._news.notify_all()
        return new

    def close(self, timeout: float) -> bool:
        """Wait until all is sent, for `timeout` seconds at most; say whether it was."""
        deadline = time.monotonic() + timeout
        with self._news:
            while self._sent < self._written and (left := deadline - time.monotonic()) > 0:
                self._news.wait(left)
            self._leaving.set()
            self._news.notify_all()
            done = self._sent >= self._written
        if done:
            self._thread.join()
            if self.journal.state.closed:
                self._outbox.remove()
        self.journal.close()
        return done

    def _send_all(self) -> None:
        failures = 0
        sender: Iterator[int] | None = None
        while True:
            with self._news:
                while self._sent >= self._written and not self._leaving.is_set():
                    self._news.wait()
                if self._leaving.is_set():
                    return
            try:
                sender = sender or self._outbox.send()
                for offset in sender:
                    failures, self.trouble = 0, None
                    with self._news:
                        self._sent = offset
                        self._news.notify_all()
                        if self._leaving.is_set():
                            return
                sender = None
            except Exception as error:
                sender = None
                self.trouble = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                with self._news:
                    self._news.wait(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1


class Outbox:
    """What of one journal has not been sent: an offset, and the files that belong to unsent events."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.home = home
        self.folder = folder
        self.path = home.outbox / f"{folder.parent.name}-{folder.name}"
        self._writer: Any = None

    @classmethod
    def waiting(cls, home: Home) -> list["Outbox"]:
        """Return the outboxes that a command left behind."""
        found = []
        for cursor in sorted(home.outbox.glob("*/cursor.json")):
            found.append(cls(home, Path(json.loads(cursor.read_text())["attempt"])))
        return found

    def open(self) -> None:
        """Begin, or go on from where the sending had come."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not (self.path / "cursor.json").exists():
            self._point(0)

    def keep(self, event: Event, files: Path) -> None:
        """Copy what must outlive the checkpoint that `event` came with."""
        target = self._files(event)
        target.mkdir(parents=True, exist_ok=True)
        for source in sorted(files.iterdir()):
            if source.name.startswith("samples_"):
                shutil.copy2(source, target)
            elif source.name.startswith("generator_"):
                shutil.copytree(source, target / source.name, dirs_exist_ok=True)

    def send(self) -> Iterator[int]:
        """Apply every unsent event to the store, yielding the offset behind each."""
        from orchestrator.recording.store import Writer

        offset = json.loads((self.path / "cursor.json").read_text())["offset"]
        for event, end in events(self.folder / "journal.jsonl", offset):
            if self._writer is None:
                attempt, _ = next(events(self.folder / "journal.jsonl"))
                self._writer = Writer(self.home, attempt)
            try:
                self._writer.apply(event, self._files(event))
            except Exception:
                self._writer = None  # what it had got to is read back from the store before the next try
                raise
            self._point(end)
            shutil.rmtree(self._files(event), ignore_errors=True)
            yield end

    def remove(self) -> None:
        """Nothing is left to send."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _files(self, event: Event) -> Path:
        return self.path / f"{event.get('contender', event['kind'])}-{event.get('step', 0)}"

    def _point(self, offset: int) -> None:
        temporary = self.path / "cursor.json.new"
        temporary.write_text(json.dumps({"attempt": str(self.folder), "offset": offset}))
        temporary.replace(self.path / "cursor.json")


def flush(home: Home, *, but: Path | None = None) -> None:
    """Send what an earlier command could not; one that cannot be sent now keeps waiting."""
    for outbox in Outbox.waiting(home):
        if outbox.folder != but and not home.is_being_written(outbox.folder.parent):
            for _ in outbox.send():
                pass
            outbox.remove()
