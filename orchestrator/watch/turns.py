"""Loops that take turns: each seed of a contender trains alone until its tick, and all are looked at together.

Somebody's training function knows one seed and goes from its first step to its last. It runs in a thread of its own
that stands still at every tick; only one thread moves at a time, with global random streams of its own.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from orchestrator.config.values import Value
from orchestrator.errors import WorkError
from orchestrator.watch.loop import Loop
from orchestrator.watch.rounds import Arrival, Rounds
from orchestrator.watch.streams import Streams, start

Trainer = Callable[..., object]


class Dismissed(BaseException):
    """Unwinds a loop that nobody will let go on."""


class Turn:
    """One seed's loop: it moves when it is its turn, and stands still otherwise."""

    def __init__(
        self, trainer: Trainer, rounds: Rounds, index: int, config: Mapping[str, Value], resume: Path | None
    ) -> None:
        self.loop = Loop(rounds, index, self.arrive, config, resume)
        self.left = False
        self.arrival: Arrival | None = None
        self._trainer = trainer
        self._streams: Streams | None = None
        self._error: BaseException | None = None
        self._dismissed = False
        self._go, self._here = threading.Semaphore(0), threading.Semaphore(0)
        self._threads = torch.get_num_threads()
        threading.Thread(target=self._run, name=f"seed {self.loop.seed}", daemon=True).start()

    def advance(self) -> None:
        """Let it train until its next tick or its end, and raise what it raises."""
        before = Streams.now()
        if self._streams is None:
            start(self.loop.seed, "loop")
        else:
            self._streams.restore()
        self.arrival = None
        self._go.release()
        self._here.acquire()
        self._streams = Streams.now()
        before.restore()
        if self._error is not None:
            raise self._error

    def arrive(self, arrival: Arrival) -> None:
        """Stand still at a tick: called by the loop, in its own thread."""
        self.arrival = arrival
        self._here.release()
        self._go.acquire()
        if self._dismissed:
            raise Dismissed

    def dismiss(self) -> None:
        """Let it go wherever it stands, so that it holds no memory."""
        if not self.left:
            self._dismissed = True
            self._go.release()
            self._here.acquire()

    def _run(self) -> None:
        self._go.acquire()
        torch.set_num_threads(self._threads)  # a thread does not inherit it
        try:
            if not self._dismissed:
                self._trainer(self.loop.config, self.loop)
        except Dismissed:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self.left = True
            self._here.release()


def take_turns(trainer: Trainer, config: Mapping[str, Value], rounds: Rounds, resume: Path | None) -> None:
    """Run `trainer` once for every seed that is left, all in step, until each has ended."""
    left = [index for index, replica in enumerate(rounds.watch.replicas) if replica.alive]
    turns = [Turn(trainer, rounds, index, config, resume) for index in left]
    try:
        while turns:
            for turn in turns:
                turn.advance()
            _meet(turns, rounds)
            turns = [turn for turn in turns if not turn.left]
    finally:
        for turn in turns:
            turn.dismiss()


def _meet(turns: Sequence[Turn], rounds: Rounds) -> None:
    """Look at those that came to a tick, and end those whose training function has returned before its budget."""
    came = {turn.loop.index: turn.arrival for turn in turns if turn.arrival}
    gone = [turn.loop for turn in turns if turn.left and turn.loop.alive]
    lasts = {loop.index: loop.last for loop in gone if loop.last}
    if len(lasts) < len(gone):
        raise WorkError(
            "the trainer returned before its first tick; let it call watch.tick(step, sample) at every step"
        )
    if came:
        rounds.hold(came)
    if lasts and not came and all(loop.has_news for loop in gone) and len({each.step for each in lasts.values()}) == 1:
        rounds.hold(lasts, last=True)
    elif lasts:
        rounds.end(lasts, came)
