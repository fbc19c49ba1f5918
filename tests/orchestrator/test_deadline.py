"""The seconds of a search: counted over launches, over for everybody at once, and given again by a resume."""

import math
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.config.models import SearchExperiment
from orchestrator.recording.journal import State
from orchestrator.search import deadline as deadlines
from orchestrator.search.deadline import Deadline, prolonged, used
from orchestrator.search.driver import Driver

OVER = {"kind": "over", "seconds": 60.0, "reason": "the search's 60 seconds were over"}


def experiment(**search: Any) -> SearchExperiment:
    asked = {"name": "x", "variant": "gan", "data": "ring8", "budget": {"steps": 20, "tick": 10}}
    return SearchExperiment.model_validate(asked | {"search": {"contenders": 3} | search})


def tick(contender: str, *, launch: float, time: float, status: str = "running") -> dict[str, Any]:
    told = {"kind": "tick", "contender": contender, "step": 10, "objective": 1.0, "launch": launch, "time": time}
    return told | {"replicas": [{"status": status, "reason": None, "final": None}]}


def end(contender: str, status: str) -> dict[str, Any]:
    return {"kind": "end", "contender": contender, "status": status, "reason": None}


def state(*told: dict[str, Any]) -> State:
    found = State()
    found.apply({"kind": "attempt", "contenders": {"000-a": {}, "001-b": {}, "002-c": {}}})
    for event in told:
        found.apply(event)
    return found


def test_what_earlier_launches_have_used_is_gone_and_what_lies_between_them_is_nobodys():
    ticks = [
        tick("000-a", launch=100, time=120),
        tick("001-b", launch=100, time=130),
        tick("000-a", launch=500, time=507),
    ]
    assert used(ticks) == 30 + 7
    assert Deadline.of(experiment(seconds=60), state(*ticks), launch=1000).at == 1000 + 60 - 37
    assert Deadline.of(experiment(), state(*ticks), launch=1000).at == math.inf


def test_a_search_whose_time_is_over_is_done_with_contenders_left():
    told = [tick("000-a", launch=0, time=50, status="finished"), end("000-a", "finished"), end("001-b", "interrupted")]
    found = state(*told)
    assert (found.searched, found.left) == (False, ["001-b", "002-c"])
    found.apply(OVER)
    found.apply({"kind": "close"})
    assert (found.searched, found.left, found.complete) == (True, [], True)
    found.apply({"kind": "prolonged"})
    assert (found.left, found.complete) == (["001-b", "002-c"], False)


@pytest.mark.parametrize(("seconds", "longer"), [(60.0, False), (30.0, False), (61.0, True), (None, True)])
def test_only_more_seconds_let_it_go_on(seconds, longer):
    assert prolonged(experiment(seconds=seconds), state(OVER)) is longer
    assert not prolonged(experiment(seconds=seconds), state())


class Paper:
    """A recorder whose journal is a state in memory."""

    def __init__(self, found: State) -> None:
        self.journal = SimpleNamespace(state=found)
        self.told: list[dict[str, Any]] = []

    def append(self, event: dict[str, Any], _: object = None) -> bool:
        self.told.append(event)
        self.journal.state.apply(event)
        return True


def test_who_trains_is_ended_at_its_tick_and_who_never_began_is_left_as_it_is(monkeypatch):
    paper = Paper(state(tick("000-a", launch=0, time=50)))
    driver = Driver(SimpleNamespace(experiment=experiment(seconds=60)), paper)
    driver.tell_deadline()
    assert not paper.told  # it has time
    monkeypatch.setattr(deadlines.time, "time", lambda: driver.launch + 60)
    driver.tell_deadline()
    assert not paper.told  # somebody is still training
    for name in ("000-a", "001-b"):
        driver.left_by_ray(name, None)
    driver.tell_deadline()
    assert [(event["kind"], event.get("contender"), event["reason"]) for event in paper.told] == [
        ("end", "000-a", OVER["reason"]),
        ("over", None, OVER["reason"]),
    ]
    assert paper.journal.state.contenders["000-a"].status == "interrupted"
    assert paper.journal.state.done
