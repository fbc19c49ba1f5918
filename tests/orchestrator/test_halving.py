"""Asynchronous successive halving: whom it prunes, why, and what it still knows after a kill."""

import random
from types import SimpleNamespace

import pytest

from orchestrator.config.models import SearchExperiment
from orchestrator.search.scheduling.halving import Halving

ASKED = {
    "name": "x",
    "variant": "gan",
    "data": "ring8",
    "budget": {"steps": 27, "tick": 1},
    "space": {"generator_lr": {"loguniform": [1e-5, 1e-2]}},
    "search": {"contenders": 30, "scheduler": "asha", "grace": 3, "reduction": 3},
}


@pytest.fixture
def halving():
    """A scheduler as a search makes it, and what it wrote down as reasons."""

    def make() -> Halving:
        return Halving(SearchExperiment.model_validate(ASKED), SimpleNamespace(pruned={}))

    return make


def trial(name):
    return SimpleNamespace(config={"contender": name})


def decide(scheduler: Halving, reports: list[tuple[str, int, float]]) -> list[str]:
    return [
        scheduler.on_trial_result(None, trial(name), {"spent": spent, "objective": value})
        for name, spent, value in reports
    ]


def test_who_is_not_among_the_best_third_at_a_rung_is_pruned_with_the_reason(halving):
    scheduler = halving()
    names = [f"{index:03d}" for index in range(6)]
    for name in names:
        scheduler.on_trial_add(None, trial(name))
    decisions = decide(scheduler, [(name, 3, float(index)) for index, name in enumerate(names)])
    assert decisions[0] == "CONTINUE"
    assert decisions[2:] == ["STOP"] * 4
    assert scheduler.driver.pruned["005"] == "asha at 3 steps: not in the best 1/3 of 6"


def test_nobody_is_pruned_between_rungs_nor_at_the_end_of_the_budget(halving):
    scheduler = halving()
    for name in "abcdef":
        scheduler.on_trial_add(None, trial(name))
    assert decide(scheduler, [(name, 2, float(ord(name))) for name in "abcdef"]) == ["CONTINUE"] * 6
    assert decide(scheduler, [(name, 27, float(ord(name))) for name in "abcdef"]) == ["CONTINUE"] * 6


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("killed_after", [0, 1, 17, 40])
def test_after_a_kill_it_decides_as_if_nothing_had_happened(halving, killed_after, sign):
    stream = random.Random(7)
    names = [f"{index:03d}" for index in range(20)]
    reports = [(name, rung, stream.random()) for rung in (3, 9) for name in names]
    through = halving()
    for name in names:
        through.on_trial_add(None, trial(name))
    expected = decide(through, [(name, spent, sign * value) for name, spent, value in reports])
    resumed = halving()
    told = [{"contender": name, "spent": spent, "objective": value} for name, spent, value in reports[:killed_after]]
    resumed.remember(told, sign)
    for name in names:
        resumed.on_trial_add(None, trial(name))
    assert (
        decide(resumed, [(name, spent, sign * value) for name, spent, value in reports[killed_after:]])
        == (expected[killed_after:])
    )
    assert {"CONTINUE", "STOP"} <= set(expected)
