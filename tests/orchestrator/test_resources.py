"""What trials need: tried for each kind of contender, and never more at once than memory holds."""

import math
from dataclasses import replace

import pytest

from gans import data
from orchestrator import machine
from orchestrator.config.models import SearchExperiment
from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.machine import Capacity, Node
from orchestrator.resources import Need, measured
from orchestrator.search.plan import Plan
from orchestrator.search.planning import make_plan

GB = 10**9
CLUSTER = Capacity((Node(8, 0, 5 * GB), Node(8, 0, 3 * GB)), "the cluster at here")


@pytest.fixture
def plan(tmp_path) -> Plan:
    asked = {
        "name": "x",
        "data": "ring8",
        "budget": {"steps": 200, "tick": 100},
        "seeds": [0, 1],
        "evaluation": {"samples": 100, "metrics": ["fd"]},
        "space": {
            "variant": {"choice": ["gan", "wgan"]},
            "generator_lr": {"choice": [1e-4, 1e-3]},
            "batch": {"choice": [8, 4096]},
        },
        "search": {"sampler": "grid", "confirm": {"top": 3, "seeds": [5, 6, 7]}},
    }
    return make_plan(SearchExperiment.model_validate(asked), Home(tmp_path), "cpu", write=False, cluster=CLUSTER)


def test_contenders_that_differ_in_rates_alone_are_tried_once_and_larger_batches_take_longer(
    plan, tmp_path, monkeypatch
):
    loaded, load = [], data.load
    monkeypatch.setattr(data, "load", lambda spec, **how: loaded.append(spec) or load(spec, **how))
    needs = measured(plan, Home(tmp_path))
    assert loaded == [{"name": "ring8"}]  # once for all kinds
    assert list(needs) == list(plan.contenders)
    assert len({id(need) for need in needs.values()}) == 4
    by_batch = {
        batch: [needs[name].seconds for name, each in plan.contenders.items() if each.hyperparameters["batch"] == batch]
        for batch in (8, 4096)
    }
    assert max(by_batch[8]) < min(by_batch[4096])
    assert all(need.memory is None or 10**8 < need.memory < 10**11 for need in needs.values())
    assert not list(tmp_path.iterdir())


def test_trying_keeps_no_data(tmp_path):
    asked = {"name": "x", "variant": "gan", "data": "mnist5k", "budget": {"steps": 2, "tick": 1}}
    asked |= {"evaluation": {"extractor": "lenet", "samples": 100, "metrics": ["fd"]}}
    plan = make_plan(SearchExperiment.model_validate(asked), Home(tmp_path), "cpu", write=False, cluster=CLUSTER)
    assert measured(plan, Home(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_contender_that_diverges_at_once_is_tried_like_any_other(tmp_path):
    asked = {"name": "x", "variant": "gan", "data": "ring8", "budget": {"steps": 200, "tick": 100}}
    asked |= {"hyperparameters": {"generator_lr": 1e30, "batch": 8}, "evaluation": {"samples": 100}}
    plan = make_plan(SearchExperiment.model_validate(asked), Home(tmp_path), "cpu", write=False, cluster=CLUSTER)
    assert list(measured(plan, Home(tmp_path))) == list(plan.contenders)


def test_for_contenders_that_are_drawn_as_results_come_stand_those_that_chance_would_draw(tmp_path):
    asked = {"name": "x", "variant": "gan", "data": "ring8", "budget": {"steps": 20, "tick": 10}}
    asked |= {"space": {"generator_lr": {"loguniform": [1e-4, 1e-3]}}, "baselines": ["gmm"]}
    asked |= {"evaluation": {"samples": 100}, "search": {"contenders": 3, "sampler": "tpe"}}
    drawn = make_plan(SearchExperiment.model_validate(asked), Home(tmp_path), "cpu", write=False, cluster=CLUSTER)
    needs = measured(drawn, Home(tmp_path))
    assert len(needs) == 3
    assert drawn.with_needs(needs).resources["seconds"] > 0


@pytest.mark.parametrize(
    ("memory", "slots"),
    [
        (None, 8),  # it is not known: as many as processors and contenders allow
        (GB, 8),
        (2 * GB, 3),  # two on the larger node and one on the smaller
        (4 * GB, 1),
        (9 * GB, 1),  # fits nowhere, by expectation: tried all the same, and said
    ],
)
def test_no_more_train_at_once_than_memory_holds(plan, memory, slots):
    needs = {name: Need(memory=memory, gpu_memory=None, seconds=10.0) for name in plan.contenders}
    told = plan.with_needs(needs)
    assert told.slots == slots
    assert told.resources["memory"] == memory
    assert any("no node has more than 5.0 GB free" in note for note in told.notes) == (memory == 9 * GB)


def test_the_time_of_all_counts_the_confirmation_by_its_seeds(plan):
    needs = {name: Need(memory=None, gpu_memory=None, seconds=10.0) for name in plan.contenders}
    told = replace(plan.with_needs(needs), slots=2).resources
    assert told["seconds"] == 10
    assert told["total_seconds"] == pytest.approx(10 * (8 + 4 * 3 / 2) / 2)  # four of three seeds, not of two


@pytest.mark.parametrize(
    ("device", "gpus", "there", "found"),
    [
        ("auto", 0, "cuda", "cpu"),  # no GPU that was not asked for
        ("auto", 0.5, "cuda", "cuda"),
        ("auto", 1, "cpu", "cuda"),  # the cluster has it, if not this machine
        ("auto", 0, "mps", "mps"),
        ("cpu", 0, "cpu", "cpu"),
    ],
)
def test_trials_compute_on_the_gpu_that_they_ask_for_and_on_no_other(device, gpus, there, found, monkeypatch):
    monkeypatch.setattr(machine, "chosen_device", lambda device: there if device == "auto" else device)
    assert machine.device_of_trials(device, gpus) == found


def test_a_gpu_that_nobody_asked_for_is_refused():
    with pytest.raises(RequestError, match=r"resources\.gpus=1"):
        machine.device_of_trials("cuda", 0)


def test_the_memory_of_this_machine_is_known_or_infinite():
    assert machine.memory() == math.inf or 10**8 < machine.memory() < 10**14
