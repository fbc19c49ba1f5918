"""Contenders that are drawn as results come: what Optuna is asked, what it is told, and what it makes of it."""

import json
import math
from typing import Any

import pytest
import spaces
from optuna.trial import TrialState

from orchestrator.config.models import SearchExperiment
from orchestrator.search import adaptive
from orchestrator.search.adaptive import Tpe
from orchestrator.space import STARTUP, contenders, exists, up_front


def experiment(**search: Any) -> SearchExperiment:
    return spaces.experiment(spaces.SPACE, search={"contenders": 40, "sampler": "tpe"} | search)


def ended(name: str, *values: float, status: str = "finished", curve: Any = ()) -> dict[str, Any]:
    objectives = {f"objective {index}": value for index, value in enumerate(values)} or None
    kind = "pruned" if status == "pruned" else "ended"
    return {"kind": kind, "contender": name, "status": status, "objectives": objectives, "curve": list(curve)}


def suggested(sampler: Tpe) -> dict[str, Any]:
    """What the driver writes down, as it comes back from the file."""
    contender, chosen = sampler.suggest()
    return json.loads(json.dumps({"kind": "suggested", "contender": contender.name, "suggestion": chosen}))


def drawn(sampler: Tpe, outcome: Any, count: int) -> list[dict[str, Any]]:
    """Let contenders be drawn and end one after the other, and return the decisions."""
    lines = []
    for _ in range(count):
        lines.append(suggested(sampler))
        sampler.take(lines[-1])
        lines.append(outcome(lines[-1]))
        sampler.take(lines[-1])
    return lines


def distance(line: dict[str, Any]) -> float:
    """How far the generator's rate is from 1e-3, in powers of ten."""
    return abs(math.log10(line["suggestion"]["generator_lr"]) + 3)


def by_rate(line: dict[str, Any]) -> dict[str, Any]:
    """An outcome that likes generator rates near 1e-3, and prunes what is far away."""
    value = distance(line)
    if value > 1.5:
        return ended(line["contender"], status="pruned", curve=[(10, value)])
    return ended(line["contender"], value)


def choices(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line["suggestion"] for line in lines if line["kind"] == "suggested"]


def test_until_results_decide_the_contenders_are_those_of_random():
    asked = experiment()
    sampler = Tpe(asked, (False,))
    names = [line["contender"] for line in drawn(sampler, by_rate, STARTUP) if line["kind"] == "suggested"]
    assert names == [contender.name for contender in contenders(up_front(asked))][:STARTUP]
    assert sampler.suggest()[0].name != contenders(up_front(asked))[STARTUP].name


@pytest.mark.parametrize("aims", [(False,), (False, False)])
def test_a_parameter_that_does_not_exist_under_the_others_is_never_chosen(aims):
    asked = experiment()
    sampler = Tpe(asked, aims)

    def outcome(line):
        return ended(line["contender"], *[distance(line)] * len(aims))

    lines = drawn(sampler, outcome, 40)
    for chosen in choices(lines):
        assert set(chosen) == {name for name, dimension in asked.space.items() if exists(dimension, chosen)}
        assert chosen["batch"] in (2, 3, 4)
        assert 1e-5 <= chosen["generator_lr"] <= 1e-2
    assert {chosen["variant"] for chosen in choices(lines)} == {"gan", "wgan_gp", "r1gan"}


@pytest.mark.parametrize(("higher", "sign"), [(False, 1), (True, -1), (True, 1)])
def test_it_looks_where_contenders_are_good_and_not_where_they_are_bad(higher, sign):
    def outcome(line):
        return ended(line["contender"], sign * distance(line))

    rates = [chosen["generator_lr"] for chosen in choices(drawn(Tpe(experiment(), (higher,)), outcome, 50))]
    near = sum(10**-3.5 < rate < 10**-2.5 for rate in rates[STARTUP:])  # at random it would be a third of the 40
    assert near > 20 if higher == (sign < 0) else near < 7


def test_a_region_where_all_were_pruned_is_left():
    rates = [chosen["generator_lr"] for chosen in choices(drawn(Tpe(experiment(), (False,)), by_rate, 50))]
    assert sum(abs(math.log10(rate) + 3) > 1.5 for rate in rates[STARTUP:]) <= 3  # at random a sixth of the 40


def test_the_seed_of_the_search_and_what_was_seen_decide_what_is_suggested():
    first = drawn(Tpe(experiment(), (False,)), by_rate, 16)
    assert drawn(Tpe(experiment(), (False,)), by_rate, 16) == first
    assert drawn(Tpe(experiment(seed=1), (False,)), by_rate, 16) != first
    assert choices(drawn(Tpe(experiment(), (True,)), by_rate, 16))[-1] != choices(first)[-1]


@pytest.mark.parametrize("aims", [(False,), (False, True)])
@pytest.mark.parametrize("killed_after", [1, 7, 24, 25, 33])
def test_after_a_kill_it_suggests_what_it_would_have_suggested(aims, killed_after):
    def outcome(line):
        told = by_rate(line)
        return (
            told
            if told["objectives"] is None
            else ended(line["contender"], *[*told["objectives"].values()] * len(aims))
        )

    through = Tpe(experiment(), aims)
    lines = drawn(through, outcome, 20)
    resumed = Tpe(experiment(), aims)
    for line in lines[:killed_after]:
        resumed.take(line)
    for line in lines[killed_after:]:
        if line["kind"] == "suggested":
            assert suggested(resumed) == line
        resumed.take(line)
    assert suggested(resumed) == suggested(through)
    assert resumed.seen == through.seen


def test_a_contender_is_told_as_what_it_came_to():
    sampler = Tpe(experiment(), (False,))
    lines = [suggested(sampler)]
    for _ in range(5):
        sampler.take(lines[-1])
        lines.append(suggested(sampler))
    finished, stopped, diverged, pruned, failed = (line["contender"] for line in lines[:5])
    sampler.take(ended(finished, 3.0))
    sampler.take(ended(stopped, 4.0, status="stopped"))
    sampler.take(ended(diverged, status="stopped", curve=[(10, 7.0), (20, None)]))
    sampler.take(ended(pruned, 2.0, status="pruned", curve=[(10, 2.0)]))
    sampler.take(ended(failed, status="failed"))
    sampler.take(ended("099-baseline", 1.0))
    sampler.take({"kind": "lost", "contender": pruned, "reason": "its worker was lost"})
    told = sampler.study.trials
    assert [trial.state for trial in told] == [
        TrialState.COMPLETE,
        TrialState.COMPLETE,
        TrialState.PRUNED,
        TrialState.PRUNED,
        TrialState.FAIL,
    ]
    assert [trial.intermediate_values for trial in told[2:4]] == [{10: 7.0}, {10: 2.0}]
    assert [trial.value for trial in told[:2]] == [3.0, 4.0]
    assert sampler.study.best_value == 3.0  # the pruned one would have been the best
    assert sampler.seen == {"complete": 2, "pruned": 2, "running": 0}


def test_an_audited_contender_is_pruned_for_the_sampler_and_stays_so():
    sampler = Tpe(experiment(), (False,))
    line = suggested(sampler)
    sampler.take(line)
    sampler.take({"kind": "audited", "contender": line["contender"], "curve": [(10, 7.0)]})
    sampler.take(ended(line["contender"], 0.1, curve=[(10, 7.0), (20, 0.1)]))
    (told,) = sampler.study.trials
    assert (told.state, told.intermediate_values) == (TrialState.PRUNED, {10: 7.0})
    assert sampler.seen == {"complete": 0, "pruned": 1, "running": 0}


def test_an_interrupted_contender_is_still_at_work():
    sampler = Tpe(experiment(), (False,))
    line = suggested(sampler)
    sampler.take(line)
    sampler.take(ended(line["contender"], status="interrupted", curve=[(10, 1.0)]))
    assert sampler.seen == {"complete": 0, "pruned": 0, "running": 1}
    sampler.take(ended(line["contender"], 1.0))
    assert sampler.seen == {"complete": 1, "pruned": 0, "running": 0}


def test_values_that_fit_no_variant_together_are_drawn_again(monkeypatch):
    import gans

    made = adaptive.resolve

    def picky(asked, index, chosen):
        if chosen["batch"] != 4:
            raise gans.ConfigError("only 4")
        return made(asked, index, chosen)

    monkeypatch.setattr(adaptive, "resolve", picky)
    batches = [chosen["batch"] for chosen in choices(drawn(Tpe(experiment(), (False,)), by_rate, 12))]
    assert batches == [4] * 12


def test_of_two_objectives_it_keeps_both_in_sight():
    """Small batches are good for one and large ones for the other; the middle of the rates is good for both."""

    def outcome(line):
        value, batch = distance(line), line["suggestion"]["batch"]
        return ended(line["contender"], value + batch, value - batch)

    found = choices(drawn(Tpe(experiment(), (False, False)), outcome, 50))[-25:]
    assert {chosen["batch"] for chosen in found} == {2, 3, 4}
    assert sum(1e-4 < chosen["generator_lr"] < 1e-2 for chosen in found) >= 20
