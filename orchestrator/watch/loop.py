"""A training loop under watch, as its owner holds it: told at every step where it is, it says when to end and why."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gans.data import Dataset
from metrics import Score
from orchestrator.config.values import Value
from orchestrator.errors import RequestError
from orchestrator.watch.brought import whole
from orchestrator.watch.pace import Pace
from orchestrator.watch.rounds import Arrival, Rounds, Save, loop_folder

Meet = Callable[[Arrival], None]
"""Brings a loop to its tick, and comes back when the tick is over."""


class Loop:
    """One seed of one contender: what to train on, whether to go on, and what has been found so far."""

    def __init__(
        self, rounds: Rounds, index: int, meet: Meet, config: Mapping[str, Value], saved: Path | None = None
    ) -> None:
        self.config = dict(config)
        self.rounds = rounds
        self.index = index
        self.last: Arrival | None = None
        self._meet = meet
        self._watched = rounds.watch.replicas[index]
        history = self._watched.history
        self.told = rounds.pace.spent(history[-1].step, history[-1].images) if history else 0
        own = saved and saved / loop_folder(self.seed)
        self.folder: Path | None = own if own and own.is_dir() else None
        """What `save` wrote at the last tick, if this loop is to go on from there."""
        self.step: int = history[-1].step if history and (self.folder or not self._watched.alive) else 0
        """The step from which to go on: 0 at the beginning."""
        self._mark = time.time()

    @property
    def seed(self) -> int:
        """The seed that this loop should train with."""
        return self._watched.seed

    @property
    def data(self) -> Dataset:
        """The dataset: `data.split("train").samples` is what to learn from."""
        return self.rounds.watch.judge.dataset

    @property
    def budget(self) -> Pace:
        """How long to train, `amount` of `unit`, and how often it is looked at."""
        return self.rounds.pace

    @property
    def scores(self) -> dict[str, Score]:
        """The scores of the last tick."""
        return dict(self._watched.scores)

    @property
    def final(self) -> dict[str, Score]:
        """The final scores; there are none before the end."""
        return dict(self._watched.final.scores) if self._watched.final else {}

    @property
    def alarms(self) -> dict[str, str]:
        """Which rules have fired, and what they said; those that only observe as well."""
        return dict(self._watched.fired)

    @property
    def alive(self) -> bool:
        """Is it still training?"""
        return self._watched.alive

    @property
    def has_news(self) -> bool:
        """Has it gone on since its last tick?"""
        return self.last is not None and self.budget.spent(self.last.step, self.last.images) > self.told

    @property
    def reason(self) -> str | None:
        """Why the loop should end, if it should."""
        return self.rounds.verdict(self.index)

    def tick(
        self,
        step: int,
        sample: Callable[[int], Any],
        *,
        images: int = 0,
        diagnostics: Mapping[str, Any] | None = None,
        save: Save | None = None,
    ) -> str | None:
        """Say that `step` steps are done; return why the loop should end, or None.

        Where a tick is due, `sample(n)` is scored, and `save(folder)` writes what the loop needs to go on from here.
        Between ticks nothing happens, so this may be called at every step. `images` are the real ones shown so far.
        """
        if not self.alive:
            return self.reason
        step, images = whole(step, "the step"), whole(images, "images")
        if step < 1 or (self.last and step < self.last.step):
            before = f"step {self.last.step:,}" if self.last else "the first step"
            raise RequestError(f"tick: expected steps that count on from {before}, found {step}; a watch has one loop")
        if self.budget.unit == "images" and images < 1:
            raise RequestError("tick: the budget is in images; say how many were shown so far, by images=")
        if not callable(sample):
            raise RequestError(f"tick: expected sample as a function of a count, found {type(sample).__name__}")
        arrival = Arrival(step=step, images=images, sample=sample, save=save, diagnostics=diagnostics or {})
        self.last = arrival
        spent = self.budget.spent(step, images)
        if not self.budget.due(spent, self.told):
            return None
        self.told = spent
        self._meet(arrival.after(time.time() - self._mark))
        self._mark = time.time()
        return self.reason

    def through(self, batches: Iterable[Any], sample: Callable[[int], Any], *, per_step: int = 1) -> "Batches":
        """Return the same batches for a trainer that has a loop of its own: they end when the loop should end.

        Every `per_step` of them, as many as the discriminator is shown in one step of the generator, are a step.
        """
        return Batches(self, batches, sample, per_step)

    def finish(self) -> dict[str, Score]:
        """End the watch: draw and record the final scores, unless that is done, and return them."""
        return self.final

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()


class Batches:
    """Somebody's batches on their way to somebody's trainer: each is a step of the loop, until the loop should end."""

    def __init__(self, loop: Loop, batches: Iterable[Any], sample: Callable[[int], Any], per_step: int) -> None:
        self.loop = loop
        self.batches = batches
        self.sample = sample
        self.per_step = per_step
        self.shown = loop.step * per_step
        self.images = 0

    def __iter__(self) -> Iterator[Any]:
        for batch in () if self.loop.reason else self.batches:
            yield batch
            self.shown += 1
            self.images += _rows(batch)
            step, rest = divmod(self.shown, self.per_step)
            if not rest and self.loop.tick(step, self.sample, images=self.images):
                return

    def __len__(self) -> int:
        return len(self.batches)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.batches, name)


def _rows(batch: Any) -> int:
    """Return how many samples a batch holds, also where labels stand beside them."""
    return len(batch[0]) if isinstance(batch, tuple | list) else len(batch)
