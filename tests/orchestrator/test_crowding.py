"""Backing off: half as many replicas at once whenever memory does not suffice, and a reason for each time."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from orchestrator import trial
from orchestrator.config import Budget, Evaluation
from orchestrator.recording.journal import State
from orchestrator.search.driver import Driver
from orchestrator.space import Contender
from orchestrator.trial import crowding, worker
from orchestrator.trial.crowding import back_off, killed_for_memory, lacks_memory


def cpu_error() -> RuntimeError:
    """What torch raises when the processor's memory does not suffice."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    return caught.value


@pytest.mark.parametrize(("room", "tried"), [(5, [5]), (4, [5, 2]), (2, [5, 2]), (1, [5, 2, 1])])
@pytest.mark.parametrize("lack", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), cpu_error()])
def test_a_trial_goes_on_with_fewer_replicas_at_once_until_they_fit(room, tried, lack):
    seen, notes = [], []

    def attempt(together):
        seen.append(together)
        if together > room:
            raise lack

    back_off(attempt, 5, notes.append)
    assert seen == tried
    assert [note["together"] for note in notes] == tried[1:]
    assert all(type(lack).__name__ in note["reason"] for note in notes)


def test_one_replica_for_which_memory_does_not_suffice_fails():
    with pytest.raises(MemoryError):
        back_off(_lack, 4, lambda _: None)


def test_another_error_is_no_lack_of_memory_and_is_not_tried_again():
    seen = []

    def attempt(together):
        seen.append(together)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        back_off(attempt, 4, lambda _: None)
    assert seen == [4]
    assert not lacks_memory(KeyError("memory"))


def test_a_lost_worker_was_killed_for_memory_where_ray_says_so_or_the_system_counts_one_more(monkeypatch, tmp_path):
    usual = "The actor died. (1) the process is killed by SIGKILL by OOM killer due to high memory usage."
    counter = tmp_path / "vmstat"
    counter.write_text("pgfault 7\noom_kill 3\nnuma_hit 1\n")
    monkeypatch.setattr(crowding, "COUNTERS", (counter, tmp_path / "absent"))
    assert crowding.kills() == 3
    assert killed_for_memory(usual, 3) is None  # Ray says this of every worker that was lost
    assert killed_for_memory(usual, 2) == "the system killed its worker"
    assert killed_for_memory("Task was killed due to the node running low on memory", 3) == "Ray killed its worker"


def _lack(together: int) -> None:
    raise MemoryError


class Room:
    """A trainable with room for so many replicas: with more it raises, after a first tick was reported."""

    def __init__(self, replicas: int) -> None:
        self.replicas = replicas
        self.tried: list[int] = []

    def pursue(self, contender, brief, report, **_):
        self.tried.append(brief.together)
        report({"kind": "tick", "contender": contender.name, "objective": 1.0, "spent": 10, "step": 10}, Path("/"))
        if brief.together > self.replicas:
            raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.fixture
def reported(monkeypatch):
    """Run a trial of four seeds outside of Ray; return the events that it reported."""
    told = []
    checkpoint = SimpleNamespace(from_directory=lambda _: SimpleNamespace(set_metadata=lambda _: None))
    tune = SimpleNamespace(
        Checkpoint=checkpoint,
        get_checkpoint=lambda: None,
        report=lambda result, **_: told.append(json.loads(result["event"])),
    )
    node = SimpleNamespace(get_node_id=lambda: "here")
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(tune=tune, get_runtime_context=lambda: node))

    def run(room: Room, known: int | None = None) -> list[Any]:
        monkeypatch.setattr(worker, "pursue", room.pursue)
        contender = Contender(index=0, variant="gan", hyperparameters={}, data={"name": "ring8"}, budget={"steps": 10})
        told_all = {"evaluation": Evaluation(), "budget": Budget(steps=10, tick=10), "seeds": (0, 1, 2, 3)}
        brief = trial.Brief(**told_all, stop=(), objective="fd", cache=None)
        started = {contender.name: known} if known else {}
        trial.run({"contender": contender.name}, brief, {contender.name: contender}, {}, started)
        return told

    return run


@pytest.mark.parametrize(("known", "tried"), [(None, [4, 2, 1]), (2, [2, 1])])
def test_a_trial_that_finds_its_room_tells_so_with_its_next_report(reported, known, tried):
    room = Room(1)
    told = reported(room, known)
    assert room.tried == tried
    assert [event.get("crowded", {}).get("together") for event in told] == [None, *tried[1:]]
    assert "OutOfMemoryError: CUDA out of memory); goes on with 1 replica at once" in told[-1]["crowded"]["reason"]


def test_a_trial_without_room_for_one_replica_fails_with_the_reason(reported):
    *_, last = reported(Room(0))
    assert (last["kind"], last["reason"]) == ("failure", "OutOfMemoryError: CUDA out of memory")


def test_what_was_told_of_a_lack_of_memory_is_recorded_before_the_tick_that_came_of_it():
    state = State()
    state.apply({"kind": "attempt", "contenders": {"000-a": {}}})
    paper = SimpleNamespace(journal=SimpleNamespace(state=state), told=[])
    paper.append = lambda event, _=None: paper.told.append(event) or state.apply(event) or True
    tick = {"kind": "tick", "contender": "000-a", "step": 10, "objective": 1.0}
    tick |= {"replicas": [{"status": "running", "reason": None}], "crowded": crowding.told(2, "MemoryError")}
    Driver(SimpleNamespace(), paper).tick(tick, Path("checkpoint"))
    assert [event["kind"] for event in paper.told] == ["crowded", "tick"]
    assert paper.told[0]["reason"] == "memory did not suffice (MemoryError); goes on with 2 replicas at once"
    assert state.contenders["000-a"].together == 2
    assert "crowded" not in paper.told[1]
