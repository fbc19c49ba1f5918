"""What the driver makes of what Ray says, where the order is not the usual one."""

from types import SimpleNamespace

import pytest
from papers import Paper

from orchestrator.search import launching
from orchestrator.search.driver import Driver

NAME = "000-a"
ATTEMPT = {"kind": "attempt", "contenders": {NAME: {}}}


def tick(status: str) -> dict:
    replica = {"seed": 0, "status": status, "reason": None, "step": 10, "final": None}
    return {"kind": "tick", "contender": NAME, "step": 10, "spent": 10, "objective": 1.0, "replicas": [replica]}


@pytest.mark.parametrize(("status", "kinds"), [("running", ["lost"]), ("finished", ["end"])])
def test_a_worker_that_is_lost_after_its_last_report_has_lost_nothing(status, kinds, tmp_path):
    paper = Paper([ATTEMPT])
    driver = Driver(SimpleNamespace(), paper)
    driver.tick(tick(status), tmp_path)
    driver.lost(NAME)
    assert [event["kind"] for event in paper.events[2:]] == kinds
    assert paper.state.contenders[NAME].ended == (status == "finished")


def test_who_has_ended_is_told_of_no_lack_of_memory(tmp_path):
    paper = Paper([ATTEMPT])
    driver = Driver(SimpleNamespace(), paper)
    driver.tick(tick("finished"), tmp_path)
    driver.crowded(NAME, {"together": 1})
    assert [event["kind"] for event in paper.events[2:]] == ["end"]


def test_who_trains_when_the_process_is_told_to_end_is_recorded_as_interrupted(monkeypatch, tmp_path):
    def trains(driver, *_):
        driver.tick(tick("running"), tmp_path)
        raise KeyboardInterrupt

    paper = Paper([ATTEMPT])
    driver = Driver(SimpleNamespace(experiment=None), paper)
    driver.deadline = SimpleNamespace(at=None, passed=False)
    monkeypatch.setattr(launching, "_train", trains)
    monkeypatch.setattr(launching, "make_scheduler", lambda *_: None)
    monkeypatch.setattr(launching, "replace", lambda *_, **__: None)
    monkeypatch.setattr(launching.Brief, "of", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        launching.launch(driver, None, tmp_path, ahead=False)
    assert paper.state.contenders[NAME].status == "interrupted"
