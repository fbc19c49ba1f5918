"""What a plan says before anything starts: how many at once, and what a person should know."""

import pytest

from orchestrator.config.models import SearchExperiment
from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.machine import Capacity, Node
from orchestrator.recording.journal import State
from orchestrator.search.plan import Plan
from orchestrator.search.planning import make_plan
from orchestrator.space import resolve

CLUSTER = Capacity((Node(cpus=16, gpus=2),), owner="the cluster at here")


@pytest.fixture
def plan(tmp_path):
    """Make the plan of a small search with some keys changed; nothing is written."""

    def make(**changes) -> Plan:
        asked = {
            "name": "x",
            "data": "ring8",
            "budget": {"steps": 27, "tick": 10},
            "space": {"variant": {"choice": ["gan", "wgan"]}, "batch": {"choice": list(range(8, 40))}},
            "search": {"sampler": "grid"},
        }
        experiment = SearchExperiment.model_validate(asked | changes)
        made = make_plan(experiment, Home(tmp_path / "home"), "cpu", write=False, cluster=CLUSTER)
        assert not list(tmp_path.iterdir())
        return made

    return make


@pytest.mark.parametrize(
    ("changes", "slots"),
    [
        ({}, 16),
        ({"resources": {"cpus": 3}}, 5),
        ({"resources": {"cpus": 1, "gpus": 0.25}}, 8),
        ({"search": {"sampler": "grid", "contenders": 4}}, 4),
        ({"search": {"sampler": "grid", "parallel": 3}}, 3),
        ({"search": {"sampler": "grid", "parallel": 300}}, 16),
    ],
)
def test_as_many_train_at_once_as_fit_and_as_are_asked_for(plan, changes, slots):
    assert plan(**changes).slots == slots


def test_an_engine_need_not_fit_a_batch_that_is_never_drawn(plan):
    assert plan(engine={"accumulate": 3}, space={"variant": {"choice": ["gan"]}, "batch": {"choice": [192, 384]}})


@pytest.mark.parametrize(
    ("parts", "batch", "said"),
    [
        (3, {"choice": [192, 194]}, r"space\.batch\.choice: a batch of 194 cannot be cut into 3 parts"),
        (4, {"choice": [64, 66], "when": {"variant": "wgan"}}, r"space\.batch\.choice: a batch of 66 cannot be cut"),
        (3, {"choice": [192], "when": {"variant": "wgan"}}, r"engine\.accumulate: a batch of 256 cannot be cut into 3"),
    ],
)
def test_an_engine_must_fit_all_batches_that_may_be_drawn(parts, batch, said, plan):
    with pytest.raises(RequestError, match=said):
        plan(engine={"accumulate": parts}, space={"variant": {"choice": ["gan", "wgan"]}, "batch": batch})


@pytest.mark.parametrize(("asked", "there"), [({"cpus": 17}, 16), ({"gpus": 3}, 2)])
def test_what_never_fits_is_refused_by_the_one_that_cannot_hold_it(plan, asked, there):
    with pytest.raises(RequestError, match=f"the cluster at here has {there}; ask for less"):
        plan(resources=asked)


ADAPTIVE = {"search": {"sampler": "tpe", "contenders": 40}, "baselines": ["gmm"]}


def test_contenders_that_are_drawn_as_results_come_are_counted_and_not_listed(plan):
    made = plan(**ADAPTIVE)
    assert (made.draws, made.expected, made.slots) == (40, 41, 16)
    assert [(contender.index, contender.variant) for contender in made.contenders.values()] == [(40, "gmm")]
    assert made.as_json()["draws"] == made.event(1)["draws"] == 40
    assert plan().as_json()["draws"] == 0


def test_a_plan_of_a_begun_attempt_has_those_that_were_drawn_under_their_names(plan):
    made, state = plan(**ADAPTIVE), State()
    state.apply(made.event(1))
    born = resolve(made.experiment, 0, {"variant": "wgan", "batch": 9})
    state.apply({"kind": "drawn", "contender": born.name, "configuration": born.configuration, "suggestion": {}})
    again = made.of_attempt(state)
    assert again.contenders == made.contenders | {born.name: born}
    assert (again.draws, again.expected) == (39, 41)
    assert all(name == contender.name for name, contender in again.contenders.items())


@pytest.mark.parametrize(("contenders", "noted"), [(10, True), (25, True), (26, False)])
def test_a_search_that_ends_before_results_can_decide_says_so(plan, contenders, noted):
    notes = plan(search={"sampler": "tpe", "contenders": contenders}).notes
    assert bool(notes) == noted
    assert not noted or "nothing is left to decide" in notes[0]


def test_each_objective_has_its_own_direction_and_fewer_seconds_are_better(plan):
    made = plan(evaluation={"metrics": ["modes", "fd"]}, search={"contenders": 2, "metric": ["modes", "seconds", "fd"]})
    assert made.aims == {"modes": True, "seconds": False, "fd_identity": False}
    assert (made.objective, made.higher_is_better) == ("modes", True)


def test_the_last_tick_is_a_short_one_and_counts(plan):
    assert plan().ticks == 3


def test_generators_that_cannot_be_ranked_together_are_told_beforehand(plan):
    space = {"ema_half_life": {"choice": [None, 1000]}}
    (note,) = plan(variant="gan", space=space).notes
    assert "will not be ranked against each other" in note
    assert plan(variant="gan", space={}, hyperparameters={"ema_half_life": 1000}).notes == []


def test_what_compiling_takes_is_said_beforehand(plan):
    (note,) = plan(variant="gan", space={}, engine={"compiled": True}).notes
    assert "compiles before its first tick, which takes about half a minute" in note


def test_a_plan_that_is_refused_leaves_no_parsed_data_behind(tmp_path):
    home = Home(tmp_path)
    home.cache.mkdir()
    asked = {"name": "x", "variant": "dcgan", "data": "mnist5k", "budget": {"steps": 2, "tick": 1}}
    unfit = SearchExperiment.model_validate(asked | {"evaluation": {"extractor": "lenet", "metrics": ["modes"]}})
    with pytest.raises(RequestError, match=r"evaluation\.metrics\.0: 'modes' needs data whose modes are known"):
        make_plan(unfit, home, "cpu", write=True)
    assert not list(home.cache.iterdir())
