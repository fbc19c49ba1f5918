"""Optuna's tree-structured Parzen estimator: it is told how contenders ended, and says where to look next.

A suggestion follows from the search's seed, its own index and the decisions before it, and from nothing else. So there
is no state to save: a resumed search tells the decisions again.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import Trial, TrialState

import gans
from orchestrator.config.models import SearchExperiment
from orchestrator.config.space import Dimension
from orchestrator.config.values import Value
from orchestrator.errors import WorkError
from orchestrator.recording.journal import Event
from orchestrator.space import STARTUP, Contender, draw, exists, ordered, resolve

TRIES = 100

TOLD = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.RUNNING: "running"}

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Tpe:
    """Draws contenders from the space, in the light of the decisions that it has taken in."""

    def __init__(self, experiment: SearchExperiment, higher_is_better: tuple[bool, ...]) -> None:
        self.experiment = experiment
        self.trials: dict[str, Trial] = {}
        self.states: dict[str, TrialState] = {}
        self.study = optuna.create_study(
            directions=["maximize" if higher else "minimize" for higher in higher_is_better]
        )

    @property
    def seen(self) -> dict[str, int]:
        """How many contenders it knows to have ended, been pruned, or to be at work; failures teach nothing."""
        counts = Counter(TOLD[state] for state in self.states.values() if state in TOLD)
        return {told: counts[told] for told in TOLD.values()}

    def take(self, line: Event) -> None:
        """Take in one decision."""
        name = line.get("contender", "")
        at_work = self.states.get(name) is TrialState.RUNNING
        match line["kind"]:
            case "suggested":
                self._begin(name, line["suggestion"])
            case "pruned" | "audited" if at_work:
                self._prune(name, line["curve"])
            case "ended" if at_work and line["status"] != "interrupted":
                self._end(name, line)

    def suggest(self) -> tuple[Contender, dict[str, Value]]:
        """Return the next contender, and which values of the space make it."""
        index = len(self.trials)
        stream = f"{self.experiment.search.seed}/{index}"
        chosen = self._choose(stream)
        for attempt in range(TRIES):
            try:
                return resolve(self.experiment, index, chosen), chosen
            except gans.ConfigError as error:  # values that are possible one by one may not go together
                refusal = error
                chosen = draw(self.experiment.space, f"{stream}/{attempt}")
        raise WorkError(f"{TRIES} draws in a row fit no variant, the last since {refusal}; take out what does not fit")

    def _choose(self, stream: str) -> dict[str, Value]:
        seen = self.seen
        if seen["complete"] + seen["pruned"] < STARTUP:
            return draw(self.experiment.space, stream)
        seed = random.Random(f"{stream}/tpe").getrandbits(32)  # noqa: S311
        # Joint in what every contender has; what only some have is drawn for itself, from those that have it.
        self.study.sampler = TPESampler(seed=seed, n_startup_trials=0, multivariate=True, constant_liar=True)
        trial = self.study.ask()
        chosen = chosen_by(trial, self.experiment.space)
        self.study.tell(trial, state=TrialState.FAIL)  # a suggestion counts once it is recorded, and not before
        return chosen

    def _begin(self, name: str, chosen: Mapping[str, Value]) -> None:
        self.study.sampler = RandomSampler(seed=0)  # has nothing to do: every value is given
        self.study.enqueue_trial(dict(chosen))
        self.trials[name] = self.study.ask()
        chosen_by(self.trials[name], self.experiment.space)
        self.states[name] = TrialState.RUNNING

    def _end(self, name: str, line: Event) -> None:
        """Tell an end as what it is: only who got to the end of its training has a value; a failure teaches nothing."""
        if line["status"] == "failed":
            self._tell(name, TrialState.FAIL)
        elif line["objectives"] is None:
            self._prune(name, line["curve"])
        else:
            self._tell(name, TrialState.COMPLETE, list(line["objectives"].values()))

    def _prune(self, name: str, curve: Sequence[tuple[int, float | None]]) -> None:
        if len(self.study.directions) == 1:  # Optuna knows no curves of several objectives
            for spent, objective in curve:
                if objective is not None:
                    self.trials[name].report(objective, spent)
        self._tell(name, TrialState.PRUNED)

    def _tell(self, name: str, state: TrialState, values: list[float] | None = None) -> None:
        self.study.tell(self.trials[name], values, state=state)
        self.states[name] = state


def chosen_by(trial: Trial, space: Mapping[str, Dimension]) -> dict[str, Value]:
    """Let Optuna choose a value for every name that exists under the choices before it."""
    chosen: dict[str, Value] = {}
    for name in ordered(space):
        if exists(space[name], chosen):
            chosen[name] = _suggested(trial, name, space[name])
    return chosen


def _suggested(trial: Trial, name: str, dimension: Dimension) -> Any:
    if dimension.choice:
        return trial.suggest_categorical(name, dimension.choice)
    if dimension.randint:
        low, high = dimension.randint
        return trial.suggest_int(name, low, high - 1)
    low, high = getattr(dimension, dimension.law)
    return trial.suggest_float(name, low, high, log=dimension.law == "loguniform")
