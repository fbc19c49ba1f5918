"""From events to MLflow: everything once, whatever is away or dies."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.home import Home
from orchestrator.recording.journal import Event
from orchestrator.recording.recorder import Outbox, Recorder, flush
from orchestrator.recording.store import client, read, search

NAME = "000-abc"


def attempt() -> Event:
    experiment = {"name": "tiny", "seeds": [0], "evaluation": {}}
    configuration = {
        "variant": "gan",
        "hyperparameters": {"batch": 16},
        "data": {"name": "ring8"},
        "budget": {"steps": 2},
    }
    return {
        "kind": "attempt",
        "attempt": 1,
        "folder": "tiny",
        "experiment": experiment,
        "contenders": {NAME: configuration},
        "objective": "fd_identity",
        "directions": {"fd_identity": False},
        "ticks": 2,
        "environment": {"device": "cpu"},
    }


def tick(step: int, value: float, *, last: bool = False) -> Event:
    score = {"value": value, "low": value - 1, "high": value + 1, "higher_is_better": False}
    replica = {
        "seed": 0,
        "status": "finished" if last else "running",
        "reason": None,
        "step": step,
        "images": step * 16,
    }
    replica |= {"seconds": 1.0, "scores": {"fd_identity": score}, "floors": {}, "diagnostics": {"generator_loss": 0.5}}
    replica |= {"fired": {}, "final": {"scores": {"fd_identity": score}, "floors": {}} if last else None}
    told = {"kind": "tick", "contender": NAME, "step": step, "images": step * 16, "spent": step, "objective": value}
    told |= {"protocol": {"dataset": "ring8"}, "budget_class": {"unit": "steps", "checkpoint": "final"}}
    return told | {"replicas": [replica], "began": 0.0, "busy": 1.0, "launch": 0.0, "checkpoint": "none"}


def end(tick_: Event | None) -> Event:
    return {"kind": "end", "contender": NAME, "status": "finished", "reason": None, "summary": {}, "tick": tick_}


def story() -> Iterator[Event]:
    yield attempt()
    yield tick(1, 5.0)
    yield tick(2, 4.0, last=True)
    yield end(tick(2, 4.0, last=True))
    yield {"kind": "close", "status": "finished", "reason": "1 finished"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def folder(home: Home) -> Path:
    return home.path / "tune" / "tiny" / "attempt-001"


def recorded(home: Home) -> tuple[list[str], list[list[tuple[int, float]]]]:
    """Return the kinds of runs, and each replica's series."""
    store = client(home)
    runs = list(search(store, [each.experiment_id for each in store.search_experiments()]))
    kinds = sorted(run.data.tags["arena.kind"] for run in runs if "arena.kind" in run.data.tags)
    replicas = [run.info.run_id for run in runs if run.data.tags.get("arena.kind") == "replica"]
    history = [store.get_metric_history(run_id, "fd_identity") for run_id in replicas]
    return kinds, [[(point.step, point.value) for point in series] for series in history]


ONCE = (["contender", "replica", "search"], [[(1, 5.0), (2, 4.0)]])


def test_a_story_told_once_is_recorded_once_and_leaves_no_outbox(home):
    recorder = Recorder(home, folder(home))
    for event in story():
        recorder.append(event)
    assert recorder.close(timeout=60)
    assert recorded(home) == ONCE
    assert not Outbox.waiting(home)


def test_a_recorder_that_dies_between_any_two_events_loses_and_doubles_nothing(home):
    told = list(story())
    for event in told:
        recorder = Recorder(home, folder(home))  # a new process, as far as the files can tell
        recorder.append(event)
        assert recorder.close(timeout=60)
    assert recorded(home) == ONCE


def test_an_event_sent_but_not_noted_as_sent_changes_nothing_when_sent_again(home):
    recorder = Recorder(home, folder(home))
    for event in list(story())[:-1]:
        recorder.append(event)
    assert recorder.close(timeout=60)
    outbox = Outbox(home, folder(home))
    outbox._point(0)  # as if the process had died before noting that everything was sent
    flush(home)
    assert recorded(home) == ONCE


def test_with_the_store_away_the_records_wait_and_the_next_command_sends_them(home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # the discard port: nobody answers
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    recorder = Recorder(home, folder(home))
    for event in story():
        recorder.append(event)
    assert not recorder.close(timeout=1)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert len(Outbox.waiting(home)) == 1
    flush(home)
    assert recorded(home) == ONCE
    assert not Outbox.waiting(home)


def test_what_was_recorded_reads_back(home):
    recorder = Recorder(home, folder(home))
    for event in story():
        recorder.append(event)
    recorder.close(timeout=60)
    (record,) = read(home)
    (replica,) = record.replicas
    assert (record.contender, record.variant, record.status, record.params["batch"]) == (NAME, "gan", "finished", "16")
    assert (replica.seed, replica.step, replica.images) == (0, 2, 32)
    assert (replica.final["fd_identity"].value, replica.final["fd_identity"].low) == (4.0, 3.0)


def test_a_contender_that_failed_before_its_first_tick_is_recorded_with_its_reason(home):
    recorder = Recorder(home, folder(home))
    recorder.append(attempt())
    recorder.append(end(None) | {"status": "failed", "reason": "ValueError: no"})
    assert recorder.close(60)
    (record,) = read(home)
    assert (record.contender, record.status, record.reason) == (NAME, "failed", "ValueError: no")
    assert record.protocol is None
    assert record.params["batch"] == "16"
    assert not record.replicas
