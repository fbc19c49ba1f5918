"""From what happens to what is recorded: the journal first, then the outbox, and one thread that sends it on."""

import fcntl
import json
import logging
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

from orchestrator.errors import RequestError, WorkError
from orchestrator.home import Home, journal_of
from orchestrator.recording.decisions import DECISIONS, Decisions
from orchestrator.recording.journal import Event, Journal, State, events
from orchestrator.wording import one_line

RETRY_SECONDS = (1, 2, 5, 10, 30)
OTHERS_SECONDS = 30.0
LEAVING_SECONDS = 5.0
TRIES_AT_THE_CLOSE = 2
AT_ONCE = 32
"""So many events are written together where the store is slower than the training."""

log = logging.getLogger(__name__)


class Recorder:
    """Appends to one attempt's journal and sends it to MLflow behind the back of the training."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.home = home
        self.folder = folder
        self.trouble: str | None = None
        self._outbox = Outbox(home, folder)
        self._held = ExitStack()
        if not self._held.enter_context(self._outbox.sending(patience=OTHERS_SECONDS)):
            raise RequestError(f"another command is still sending the records of {folder.parent.name}; wait for it")
        self._require_all_that_was_sent()
        self.journal = Journal(journal_of(folder))
        self.decisions = Decisions(self.journal.path)
        self._outbox.open()
        self._news = threading.Condition()
        self._written = self.journal.path.stat().st_size
        self._sent = self._outbox.offset
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._send_all, name="recorder", daemon=True)
        self._thread.start()

    def _require_all_that_was_sent(self) -> None:
        """Refuse a journal that has lost events: what comes next would be taken for them, and not be sent."""
        path, sent = journal_of(self.folder), self._outbox.offset
        there = path.stat().st_size if path.exists() else 0
        if there < sent:
            self._held.close()
            raise WorkError(
                f"{path}: {sent:,} bytes of it are recorded, but it holds {there:,}; restore the file, or use --again"
            )

    def append(self, event: Event, files: Path | None = None) -> bool:
        """Record `event`; with it go the pictures and generators in `files`, kept until they are sent."""
        event = {"time": time.time()} | event
        if files is not None and self.journal.state.accepts(event):
            self._outbox.keep(event, files)
        if new := self.journal.append(event):
            self.decisions.take(event)
        with self._news:
            self._written = self.journal.path.stat().st_size
            self._news.notify_all()
        return new

    def close(self, timeout: float) -> bool:
        """Wait until all is sent, for `timeout` seconds at most; say whether it was, and warn if not."""
        deadline = time.monotonic() + timeout
        with self._news:
            while self._sent < self._written and (left := deadline - time.monotonic()) > 0:
                self._news.wait(left)
            self._leaving.set()
            self._news.notify_all()
            done = self._sent >= self._written
        self._thread.join(None if done else LEAVING_SECONDS)
        if done:
            self._outbox.remove()
        else:
            log.warning(
                "MLflow could not be reached (%s); the records wait in %s and the next command sends them",
                self.trouble,
                self.home.outbox,
            )
        self.journal.close()
        return done

    def _send_all(self) -> None:
        """Send what is written, as it comes, until told to leave."""
        failures = 0
        with self._held:
            while self._more():
                try:
                    for offset in self._outbox.send():
                        failures, self.trouble = 0, None
                        with self._news:
                            self._sent = offset
                            self._news.notify_all()
                        if self._leaving.is_set():
                            return
                except Exception as error:
                    self.trouble = one_line(error)
                    self._leaving.wait(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                    failures += 1

    def _more(self) -> bool:
        """Wait until there is something to send; say no when it is time to leave."""
        with self._news:
            while self._sent >= self._written and not self._leaving.is_set():
                self._news.wait()
            return not self._leaving.is_set()


class Outbox:
    """What of one attempt has not been sent: how far the sending has come, and the files of unsent events.

    Whoever sends holds the outbox's lock, so that no two processes send the same event at once.
    """

    def __init__(self, home: Home, folder: Path) -> None:
        self.home = home
        self.folder = folder
        self.path = home.outbox / f"{folder.parent.name}-{folder.name}"
        self._cursor = folder / "sent.json"
        self._writer: Any = None
        self._showcase: Any = None
        self._at_once = AT_ONCE

    @classmethod
    def waiting(cls, home: Home) -> list["Outbox"]:
        """Return the outboxes that a command left behind."""
        found = []
        for mark in sorted(home.outbox.glob("*/attempt.json")):
            with suppress(FileNotFoundError):  # another process has just sent the last of it
                found.append(cls(home, home.path / json.loads(mark.read_text())["attempt"]))
        return found

    @property
    def offset(self) -> int:
        """How much of the journal has been sent, in bytes."""
        return int(json.loads(self._cursor.read_text())["offset"]) if self._cursor.exists() else 0

    def open(self) -> None:
        """Say that something waits here, until `remove`."""
        self.path.mkdir(parents=True, exist_ok=True)
        replace(self.path / "attempt.json", {"attempt": str(self.folder.relative_to(self.home.path))})

    @contextmanager
    def sending(self, patience: float = 0) -> Iterator[bool]:
        """Hold the right to send; say whether it became free within so many seconds."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "sending.lock").open("a") as lock:
            yield _locked(lock, time.monotonic() + patience)

    def keep(self, event: Event, files: Path) -> None:
        """Copy what must outlive the checkpoint that `event` came with."""
        target = self._files(event)
        target.mkdir(parents=True, exist_ok=True)
        for source in sorted(files.iterdir()):
            if source.name.startswith("samples_") or source.name == DECISIONS:
                shutil.copy2(source, target)
            elif source.name.startswith("generator_"):
                shutil.copytree(source, target / source.name, dirs_exist_ok=True)

    def send(self) -> Iterator[int]:
        """Apply every unsent event to the store, as many at once as wait, yielding the offset behind them."""
        from orchestrator.recording.showcase import Showcase
        from orchestrator.recording.writing import Writer

        while told := list(islice(events(journal_of(self.folder), self.offset), self._at_once)):
            if self._writer is None:
                begun = State.read(journal_of(self.folder)).attempt
                assert begun  # noqa: S101  (the first event of every journal)
                self._writer, self._showcase = Writer(self.home, begun), Showcase(self.home, begun)
            try:
                self._writer.apply((event, self._files(event)) for event, _ in told)
            except Exception:
                self._writer = None  # what it had got to is read back from the store before the next try
                if len(told) == 1:
                    raise
                self._at_once = 1  # what goes wrong holds up nothing that was told before it
                continue
            self._at_once = min(2 * self._at_once, AT_ONCE)
            end = told[-1][1]
            replace(self._cursor, {"offset": end})
            for event, _ in told:
                shutil.rmtree(self._files(event), ignore_errors=True)
                self._show(event)
            yield end

    def remove(self) -> None:
        """Nothing is left to send."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _show(self, event: Event) -> None:
        """Show what a recorded event has changed; what cannot be shown holds up no record."""
        trouble = None
        for _ in range(TRIES_AT_THE_CLOSE if event["kind"] == "close" else 1):
            try:
                self._showcase.after(event)
            except Exception as error:
                trouble = one_line(error)
            else:
                return
        log.warning("MLflow's page of %s is not up to date: %s", self.folder.parent.name, trouble)

    def _files(self, event: Event) -> Path:
        mark = "-final" if event["kind"] == "final" else ""
        return self.path / f"{event.get('contender', event['kind'])}-{event.get('step', 0)}{mark}"


def _locked(file: IO[str], deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)
        else:
            return True


def replace(path: Path, value: Event) -> None:
    """Write `value` as JSON under another name first, so that a reader finds all of it or what was there before."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_text(json.dumps(value))
    temporary.replace(path)


def flush(home: Home) -> None:
    """Send what an earlier command could not; what cannot be sent now keeps waiting."""
    for outbox in Outbox.waiting(home):
        if not journal_of(outbox.folder).exists():
            log.warning("%s waits for %s, which is gone", outbox.path, outbox.folder)
            continue
        with outbox.sending() as free:
            if not free:
                continue
            try:
                for _ in outbox.send():
                    pass
            except Exception as error:
                log.warning("records of %s wait in %s: %s", outbox.folder.parent.name, home.outbox, one_line(error))
            else:
                outbox.remove()
