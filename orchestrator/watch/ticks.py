"""The tick: score the samples of every replica, apply the rules, keep the history, say what happened."""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from metrics import Scores
from orchestrator.judging import Judge
from orchestrator.stopping import Moment, Rule
from orchestrator.watch.replicas import Replica

Sample = Callable[[int], Tensor]
"""Returns so many samples."""

FILE = "watch.json"


class Watch:
    """Watches the replicas of one contender; our own trial and anybody's loop use the same object."""

    def __init__(
        self,
        judge: Judge,
        *,
        acting: Sequence[Rule],
        observing: Sequence[Rule],
        objective: str,
        seeds: Sequence[int],
    ) -> None:
        self.judge = judge
        self.acting = tuple(acting)
        self.observing = tuple(observing)
        self.objective_family = objective
        self.replicas = [Replica(seed) for seed in seeds]
        self.step = 0
        self.images = 0

    def look(
        self,
        index: int,
        sample: Sample,
        *,
        step: int,
        images: int,
        share: float,
        diagnostics: Mapping[str, float] | None = None,
        trained: float = 0.0,
    ) -> str | None:
        """Score one replica on `select` and return the reason to stop it, if a rule gives one.

        `share` of the budget is spent; `trained` is the time that training took since the last look, in seconds.
        """
        started = time.perf_counter()
        replica = self.replicas[index]
        self.step, self.images = step, images
        replica.diagnostics = dict(diagnostics or {})
        samples = sample(self.judge.count("select"))
        broken = _broken(replica.diagnostics, samples)
        scores = Scores() if broken else self.judge.score(samples, "select")
        replica.scores, replica.histogram = dict(scores.scores), scores.histogram
        replica.picture = None if broken else self.judge.picture(samples)
        by_family = {self.judge.families.get(key, key): score for key, score in scores.scores.items()}
        replica.history.append(
            Moment(step=step, images=images, share=share, scores=by_family, floors=scores.floors, broken=broken)
        )
        reason = self._apply_rules(replica)
        replica.seconds += trained + time.perf_counter() - started
        return reason

    def conclude(self, index: int, sample: Sample, *, status: str, reason: str | None = None) -> None:
        """End one replica and score it once on `final`, where it can be scored at all."""
        started = time.perf_counter()
        replica = self.replicas[index]
        replica.status, replica.reason = status, reason
        samples = sample(self.judge.count("final"))
        if samples.isfinite().all():
            replica.final = self.judge.score(samples, "final")
            replica.picture = self.judge.picture(samples)
        replica.seconds += time.perf_counter() - started

    def rescale(self, index: int, share: Callable[[Moment], float]) -> None:
        """Let the shares of a replica's history be those of a budget that has become another."""
        history = self.replicas[index].history
        history[:] = [replace(moment, share=share(moment)) for moment in history]

    def reopen(self, share: Callable[[Moment], float]) -> list[int]:
        """Let the replicas that finished go on under a budget with these shares; return the seeds that go on."""
        for index, replica in enumerate(self.replicas):
            if replica.status == "finished":
                replica.status, replica.reason, replica.final = "running", None, None
            self.rescale(index, share)
            whole, replica.fired = replica.history, {}
            for past in range(1, len(whole) + 1):
                replica.history, self.step = whole[:past], whole[past - 1].step
                self._apply_rules(replica)
        return [replica.seed for replica in self.replicas if replica.alive]

    @property
    def over(self) -> bool:
        """Has every replica ended?"""
        return not any(replica.alive for replica in self.replicas)

    @property
    def objective(self) -> float | None:
        """The mean of the objective over replicas, an ended one contributing its last; None if one has none."""
        last = [self._last_objective(replica) for replica in self.replicas]
        known = [value for value in last if value is not None]
        return sum(known) / len(known) if known and len(known) == len(last) else None

    def event(self) -> dict[str, Any]:
        """Return this tick as plain values: what travels to the recorder."""
        return {
            "kind": "tick",
            "step": self.step,
            "images": self.images,
            "objective": self.objective,
            "replicas": [replica.record() for replica in self.replicas],
        }

    def save(self, folder: Path) -> None:
        """Write histories and states as JSON: a resumed trial still knows how long it has been failing."""
        states = [replica.state() for replica in self.replicas]
        (folder / FILE).write_text(json.dumps(states, allow_nan=False))

    def restore(self, folder: Path) -> None:
        """Take up the state that `save` wrote."""
        self.replicas = [Replica.restored(state) for state in json.loads((folder / FILE).read_text())]

    def _apply_rules(self, replica: Replica) -> str | None:
        for rule in self.observing:
            if _name(rule) not in replica.fired and (reason := rule(replica.history)):
                self._fire(replica, rule, reason)
        for rule in self.acting:
            if reason := rule(replica.history):
                self._fire(replica, rule, reason)
                return reason
        return None

    def _fire(self, replica: Replica, rule: Rule, reason: str) -> None:
        name = _name(rule)
        replica.fired[name] = f"step {self.step:,}: {reason.removeprefix(f'{name}: ')}"

    def _last_objective(self, replica: Replica) -> float | None:
        scored = [
            moment.scores[self.objective_family] for moment in replica.history if self.objective_family in moment.scores
        ]
        return scored[-1].value if scored else None


def _name(rule: Rule) -> str:
    return type(rule).__name__.lower()


def _broken(diagnostics: Mapping[str, float], samples: Tensor) -> str | None:
    """Say which number is not finite, if any."""
    lost = [name for name, value in diagnostics.items() if not math.isfinite(value)]
    if lost:
        return f"{lost[0].replace('_', ' ')} is {diagnostics[lost[0]]}"
    finite = samples.isfinite().flatten(1).all(dim=1)
    return None if finite.all() else f"{int((~finite).sum())} of {len(samples)} samples are not finite"
