"""The tick: score the samples of every replica, apply the rules, keep the history, say what happened.

Light to import, for it is where `orchestrator.watch` comes from: torch and the judges come with the first watch.
"""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from metrics import Score, Scores
    from orchestrator.config.values import Value
    from orchestrator.judging import Judge
    from orchestrator.stopping import Moment, Rule
    from orchestrator.watch.loop import Loop

Sample = Callable[[int], "Tensor"]


def watch(
    name: str,
    *,
    data: "str | Mapping[str, Any]",
    evaluation: Mapping[str, Any] | None = None,
    config: "Mapping[str, Value] | None" = None,
    variant: str = "own loop",
    seed: int = 0,
    budget: Mapping[str, int] | None = None,
    every: int = 1,
    stop: Sequence[Any] = ("diverged",),
    generator: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
    device: str = "cpu",
    resume: bool = False,
    again: bool = False,
    log_system_metrics: bool = False,
) -> "Loop":
    """Watch a training loop of your own: `if watch.tick(step, sample): break`, where `sample(n)` returns n samples.

    Scores, alarms and reasons are recorded under `name` as those of any search are. `data`, `evaluation`, `budget`
    and `stop` are written as in an experiment file, `config` holds what the records should tell of your loop, and
    `generator` says what `sample` returns: `{"range": "-1..1"}` for images. With a budget the last tick is the one
    that reaches it; without one `finish()`, the end of a `with` block or of the program ends the watch, and ticks come
    `every` so many steps. `device` is where samples are judged. `log_system_metrics` tells MLflow of processors, memory
    and GPUs at every tick.
    """
    from orchestrator.watch.own import begin

    asked = {"name": name, "variant": variant, "data": data, "seed": seed, "stop": stop}
    asked["log_system_metrics"] = log_system_metrics
    given = {"evaluation": evaluation, "config": config, "budget": budget, "generator": generator}
    asked |= {key: dict(it) if isinstance(it, Mapping) else it for key, it in given.items() if it is not None}
    if budget is None:
        asked["every"] = every
    return begin(asked, home=home, device=device, resume=resume, again=again)


@dataclass
class Replica:
    """What is known of one seed: its history, which rules have fired, how it stands, and its final scores."""

    seed: int
    status: str = "running"
    reason: str | None = None
    history: "list[Moment]" = field(default_factory=list)
    fired: dict[str, str] = field(default_factory=dict)
    scores: "dict[str, Score]" = field(default_factory=dict)
    diagnostics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    final: "Scores | None" = None
    picture: "Image | None" = None
    histogram: list[float] | None = None
    """Share of each known mode among the valid samples."""

    @property
    def alive(self) -> bool:
        """Is it still training?"""
        return self.status == "running"


class Watch:
    """Watches the replicas of one contender; our own trial and anybody's loop use the same object."""

    def __init__(
        self,
        judge: "Judge",
        *,
        acting: "Sequence[Rule]",
        observing: "Sequence[Rule]",
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
        from metrics import Scores
        from orchestrator.stopping import Moment

        started = time.perf_counter()
        replica = self.replicas[index]
        self.step, self.images = step, images
        replica.diagnostics = dict(diagnostics or {})
        samples = sample(self.judge.count("select"))
        broken = _broken(replica.diagnostics, samples)
        scores = Scores() if broken else self.judge.score(samples, "select")
        replica.scores = dict(scores.scores)
        replica.histogram = scores.histogram
        replica.picture = None if broken else self.judge.picture(samples)
        replica.history.append(
            Moment(
                step=step,
                images=images,
                share=share,
                scores={self.judge.families.get(key, key): score for key, score in scores.scores.items()},
                floors=scores.floors,
                broken=broken,
            )
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

    def rescale(self, index: int, share: "Callable[[Moment], float]") -> None:
        """Let the shares of a replica's history be those of a budget that has become another."""
        history = self.replicas[index].history
        history[:] = [replace(moment, share=share(moment)) for moment in history]

    def reopen(self, share: "Callable[[Moment], float]") -> list[int]:
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
            "replicas": [_record(replica) for replica in self.replicas],
        }

    def save(self, folder: Path) -> None:
        """Write histories and states as JSON: a resumed trial still knows how long it has been failing."""
        states = [
            _record(replica) | {"history": [_plain(moment) for moment in replica.history]} for replica in self.replicas
        ]
        (folder / "watch.json").write_text(json.dumps(states, allow_nan=False))

    def restore(self, folder: Path) -> None:
        """Take up the state that `save` wrote."""
        self.replicas = [_restored(state) for state in json.loads((folder / "watch.json").read_text())]

    def _apply_rules(self, replica: Replica) -> str | None:
        for rule in self.observing:
            if _name(rule) not in replica.fired and (reason := rule(replica.history)):
                self._fire(replica, rule, reason)
        for rule in self.acting:
            if reason := rule(replica.history):
                self._fire(replica, rule, reason)
                return reason
        return None

    def _fire(self, replica: Replica, rule: "Rule", reason: str) -> None:
        name = _name(rule)
        replica.fired[name] = f"step {self.step:,}: {reason.removeprefix(f'{name}: ')}"

    def _last_objective(self, replica: Replica) -> float | None:
        scored = [
            moment.scores[self.objective_family] for moment in replica.history if self.objective_family in moment.scores
        ]
        return scored[-1].value if scored else None


def _name(rule: "Rule") -> str:
    return type(rule).__name__.lower()


def _broken(diagnostics: Mapping[str, float], samples: "Tensor") -> str | None:
    """Say which number is not finite, if any."""
    lost = [name for name, value in diagnostics.items() if not math.isfinite(value)]
    if lost:
        return f"{lost[0].replace('_', ' ')} is {diagnostics[lost[0]]}"
    finite = samples.isfinite().flatten(1).all(dim=1)
    return None if finite.all() else f"{int((~finite).sum())} of {len(samples)} samples are not finite"


def _record(replica: Replica) -> dict[str, Any]:
    """Return what is known of a replica now as plain values; numbers that are not finite stay out of every record."""
    last = replica.history[-1] if replica.history else None
    return {
        "seed": replica.seed,
        "status": replica.status,
        "reason": replica.reason,
        "step": last.step if last else 0,
        "images": last.images if last else 0,
        "seconds": replica.seconds,
        "scores": {key: asdict(score) for key, score in replica.scores.items()},
        "floors": dict(last.floors) if last else {},
        "diagnostics": {name: value for name, value in replica.diagnostics.items() if math.isfinite(value)},
        "fired": replica.fired,
        "histogram": replica.histogram and [round(share, 4) for share in replica.histogram],
        "final": replica.final
        and {
            "scores": {key: asdict(score) for key, score in replica.final.scores.items()},
            "floors": dict(replica.final.floors),
        },
    }


def _plain(moment: "Moment") -> dict[str, Any]:
    return asdict(moment) | {"scores": {name: asdict(score) for name, score in moment.scores.items()}}


def _restored(state: Mapping[str, Any]) -> Replica:
    from metrics import Scores
    from orchestrator.stopping import Moment

    final = state["final"]
    return Replica(
        seed=state["seed"],
        status=state["status"],
        reason=state["reason"],
        history=[Moment(**moment | {"scores": _scores(moment["scores"])}) for moment in state["history"]],
        fired=state["fired"],
        scores=_scores(state["scores"]),
        diagnostics=state["diagnostics"],
        seconds=state["seconds"],
        final=final and Scores(scores=_scores(final["scores"]), floors=final["floors"]),
    )


def _scores(plain: Mapping[str, Any]) -> "dict[str, Score]":
    from metrics import Score

    return {key: Score(**score) for key, score in plain.items()}
