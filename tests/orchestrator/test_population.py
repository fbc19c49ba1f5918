"""Population-based training: who becomes whose copy, under which numbers, and that the scores alone decide it."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from papers import Paper
from ray.tune.experiment import Trial

from orchestrator.config.models import SearchExperiment
from orchestrator.config.population import Population
from orchestrator.config.space import Dimension
from orchestrator.recording.journal import Event
from orchestrator.search.driver import Driver
from orchestrator.search.scheduling import kept, make_scheduler
from orchestrator.search.scheduling.breeding import exploited, mutated
from orchestrator.search.scheduling.population import Unfinished
from orchestrator.space import contenders, kind, ranges

TOTAL = 60
CONTROLLER = SimpleNamespace(_actor_cache=SimpleNamespace(increase_max=lambda _: None))


def asked(**search: Any) -> SearchExperiment:
    """Return a search among two architectures, looked at every 10 steps and compared every 20."""
    return SearchExperiment.model_validate(
        {
            "name": "x",
            "data": "ring8",
            "budget": {"steps": TOTAL, "tick": 10},
            "hyperparameters": {"width": 8},
            "space": {
                "variant": {"choice": ["gan", "wgan_gp"]},
                "generator_lr": {"loguniform": [1e-5, 1e-2]},
                "penalty.weight": {"uniform": [1, 100], "when": {"variant": "wgan_gp"}},
            },
            "search": {"contenders": 12, "scheduler": "pbt", "population": {"every": 20}} | search,
        }
    )


class Slot:
    """What Ray's trial is to a scheduler, with a training whose whole state is one number."""

    def __init__(self, name: str) -> None:
        self.config: dict[str, Any] = {"contender": name}
        self.status = Trial.PENDING
        self.is_saving = False
        self.placement_group_factory = None
        self.set_status(Trial.PENDING)

    def init_local_path(self) -> None:
        pass

    def is_finished(self) -> bool:
        return self.status in (Trial.TERMINATED, Trial.ERROR)

    def set_status(self, status: str) -> None:
        self.status = status

    def set_config(self, config: dict[str, Any]) -> None:
        self.config = config


class Attempt:
    """An attempt without Ray, which may be broken off after any event and taken up again from what was written."""

    def __init__(self, events: Sequence[Event] = (), *, slots: int = 3, **search: Any) -> None:
        experiment = asked(**search)
        drawn = {contender.name: contender for contender in contenders(experiment)}
        self.paper = Paper(events or [{"kind": "attempt", "contenders": {name: {} for name in drawn}}])
        plan = SimpleNamespace(contenders=drawn, slots=slots, higher_is_better=False)
        self.driver = Driver(plan, self.paper)
        self.driver.launch = 0.0
        self.driver.tell_ends()
        self.state = self.paper.state
        self.scheduler = make_scheduler(experiment, self.driver)
        self.trials = [Slot(name) for name in self.state.left]
        self.most = 0
        for trial in self.trials:
            self.scheduler.on_trial_add(CONTROLLER, trial)

    def run(self, order: int = 0, *, events: int | None = None) -> "Attempt":
        """Let slots train in some order until all have ended, or until so many events are written."""
        stream = Random(order)
        while self.state.left and (events is None or len(self.paper.events) < events):
            while (chosen := self.scheduler.choose_trial_to_run(CONTROLLER)) is not None:
                chosen.set_status(Trial.RUNNING)
            running = [trial for trial in self.trials if trial.status == Trial.RUNNING]
            self.most = max(self.most, len(running))
            if running:
                self._train(stream.choice(running))
        return self

    def _train(self, trial: Slot) -> None:
        """Take one slot to its next tick; its checkpoint's name is its state."""
        name, cloned = trial.config["contender"], trial.config.get("cloned")
        tick = self.state.contenders[name].tick
        step, checkpoint = (tick["step"], tick["checkpoint"]) if tick else (0, "0.0")
        if cloned and step <= cloned["step"]:
            checkpoint = cloned["checkpoint"]
        rate = (cloned["now"] if cloned else self.driver.plan.contenders[name].hyperparameters)["generator_lr"]
        objective = float(checkpoint) + abs(math.log(rate / 1e-3))
        event = report(name, step + 10, objective)
        result = {"spent": step + 10, "objective": objective, "event": json.dumps(event)}
        decision = self.scheduler.on_trial_result(CONTROLLER, trial, result)
        self.driver.tick(event, Path(str(objective)))
        trial.set_status(
            Trial.TERMINATED if step + 10 == TOTAL else Trial.PAUSED if decision == "PAUSE" else trial.status
        )

    def told(self, kind: str) -> list[Event]:
        return [event for event in self.paper.events if event["kind"] == kind]

    @property
    def results(self) -> dict[str, Any]:
        """What each slot has come to, and every copy that was made."""
        curves = {name: standing.curve for name, standing in self.state.contenders.items()}
        clones = {(event["contender"], event["step"]): event for event in self.told("cloned")}
        return curves | clones


def report(name: str, step: int, objective: float) -> Event:
    status, final = ("finished", {"scores": {}}) if step == TOTAL else ("running", None)
    replica = {"seed": 0, "status": status, "reason": None, "final": final, "seconds": float(step)}
    told = {"kind": "tick", "contender": name, "step": step, "spent": step, "objective": objective}
    return told | {"replicas": [replica]}


@pytest.mark.parametrize(
    ("scores", "quantile", "pairs"),
    [
        ({"a": 1, "b": 2, "c": 3, "d": 4}, 0.25, [("d", ["a"])]),
        ({"a": 4, "b": 3, "c": 2, "d": 1}, 0.5, [("b", ["d", "c"]), ("a", ["d", "c"])]),
        ({"a": 1, "b": 2, "c": 3}, 0.5, [("c", ["a"])]),  # never more than half
        ({"a": 1}, 0.5, []),
        ({"a": 1, "b": 1}, 0.5, []),  # nobody is better
        ({"a": 1e300, "b": 2}, 0.5, [("a", ["b"])]),
    ],
)
def test_the_worst_give_way_to_the_best_that_are_better_than_they_are(scores, quantile, pairs):
    assert exploited(scores, quantile) == pairs


def test_a_number_is_multiplied_or_drawn_anew_and_stays_in_its_range():
    settings = Population(factors=(0.5, 2.0), resample=0.25)
    dimension = Dimension(loguniform=(1e-4, 1e-2))
    found = [mutated(1e-3, dimension, settings, Random(seed)) for seed in range(400)]
    counts = Counter("drawn" if value not in (5e-4, 2e-3) else value for value in found)
    assert counts["drawn"] == pytest.approx(100, abs=30)
    assert counts[5e-4] == pytest.approx(150, abs=35)
    assert {mutated(1e-2, dimension, Population(factors=(9.0,), resample=0), Random(1))} == {1e-2}
    assert all(1e-4 <= value <= 1e-2 for value in found)


def test_only_ranges_of_rates_and_of_the_penalty_are_changed():
    assert list(ranges(asked().space)) == ["generator_lr", "penalty.weight"]
    assert ranges({"discriminator_lr": Dimension(choice=(1e-3, 1e-4)), "beta1": Dimension(uniform=(0, 0.9))}) == {}


def test_slots_are_of_one_kind_if_nothing_but_rates_and_the_weight_of_the_penalty_sets_them_apart():
    drawn = contenders(asked())
    kinds = {kind(contender, asked().space) for contender in drawn}
    assert len(kinds) == len({contender.variant for contender in drawn}) == 2
    wider = contenders(asked().model_copy(update={"hyperparameters": {"width": 16}}))
    assert not kinds & {kind(contender, asked().space) for contender in wider}


def test_copies_are_made_at_marks_within_an_architecture_and_keep_their_line():
    attempt = Attempt().run()
    drawn = attempt.driver.plan.contenders
    clones = attempt.told("cloned")
    assert {clone["step"] for clone in clones} == {20, 40}
    for clone in clones:
        slot, donor = drawn[clone["contender"]], drawn[clone["from"]]
        assert slot.variant == donor.variant
        assert list(clone["now"]) == ["generator_lr", *(["penalty.weight"] if slot.variant == "wgan_gp" else [])]
        assert clone["lineage"][-1] == f"{clone['from']}@{clone['step']}"
    assert {slot.variant for slot in (drawn[clone["contender"]] for clone in clones)} == {"gan", "wgan_gp"}
    heirs = [clone for clone in clones if len(clone["lineage"]) > 1]
    first = {clone["contender"]: clone["lineage"] for clone in clones if clone["step"] == 20}
    assert all(clone["lineage"][:-1] == first[clone["from"]] for clone in heirs)
    assert [event["round"] for event in attempt.told("round")] == [1, 2]


def test_a_copy_goes_on_from_its_original_with_the_seconds_that_it_took_itself():
    attempt = Attempt().run()
    ticks = {(tick["contender"], tick["step"]): tick for tick in attempt.state.ticks}
    for clone in attempt.told("cloned"):
        assert clone["checkpoint"] == ticks[clone["from"], clone["step"]]["checkpoint"]
        assert clone["seconds"] == [float(clone["step"])]
        after = ticks[clone["contender"], clone["step"] + 10]["objective"]
        assert after == float(clone["checkpoint"]) + abs(math.log(clone["now"]["generator_lr"] / 1e-3))


@pytest.mark.parametrize("slots", [1, 3, 12])
def test_neither_the_order_of_reports_nor_the_number_of_slots_decides_anything(slots):
    expected = Attempt().run().results
    for order in range(3):
        attempt = Attempt(slots=slots).run(order)
        assert attempt.results == expected
        assert attempt.most <= slots


def test_after_a_kill_it_decides_as_if_nothing_had_happened():
    through = Attempt().run()
    clones = [index for index, event in enumerate(through.paper.events) if event["kind"] in ("cloned", "round")]
    for cut in [*clones, *(index + 1 for index in clones), 5, 30, 70]:
        resumed = Attempt(through.paper.events[:cut]).run(order=cut)
        assert resumed.results == through.results, cut


def test_nobody_waits_for_a_slot_that_has_ended():
    attempt = Attempt().run(events=9)
    name = attempt.state.left[0]
    attempt.driver.end(name, "failed", "its worker was lost too often")
    attempt.trials[[trial.config["contender"] for trial in attempt.trials].index(name)].set_status(Trial.ERROR)
    attempt.run()
    assert not attempt.state.left
    assert name not in {event[side] for event in attempt.told("cloned") for side in ("contender", "from")}


def test_nobody_is_compared_before_the_grace():
    attempt = Attempt(grace=30).run()
    assert {clone["step"] for clone in attempt.told("cloned")} == {40}


def test_ray_keeps_idle_workers_until_every_slot_has_come_to_its_end():
    trials = {name: Slot(name) for name in "ab"}
    handed_out = Unfinished(SimpleNamespace(trials=trials))
    handed_out.set_finished()
    trials["a"].set_status(Trial.TERMINATED)
    trials["b"].set_status(Trial.PAUSED)
    assert not handed_out.is_finished()
    trials["b"].set_status(Trial.ERROR)
    assert handed_out.is_finished()


@pytest.mark.parametrize(("population", "checkpoints"), [(None, 4), ({"every": 60}, 8), ({"every": 10}, 4)])
def test_checkpoints_outlive_the_round_in_which_a_copy_may_need_them(population, checkpoints):
    assert kept(asked(population=population)) == checkpoints
