"""Learning curves: the same rows from the journal as from MLflow."""

import json
from pathlib import Path

import pytest

from orchestrator import curves
from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.recording.journal import Event
from orchestrator.recording.recorder import Recorder
from orchestrator.review.curves import COLUMNS, rows_of
from orchestrator.review.store import records

NAMES = ("000-abc", "001-def")


def attempt() -> Event:
    configuration = {"variant": "gan", "hyperparameters": {}, "data": {"name": "ring8"}, "budget": {"steps": 2}}
    return {
        "kind": "attempt",
        "attempt": 1,
        "folder": "tiny",
        "experiment": {"name": "tiny", "seeds": [0, 1], "evaluation": {}},
        "contenders": dict.fromkeys(NAMES, configuration),
        "objective": "modes",
        "directions": {"modes": True, "fd_identity": False},
        "ticks": 2,
        "environment": {"device": "cpu"},
    }


def judged(value: float) -> Event:
    def score(middle: float, half: float | None) -> Event:
        low, high = (None, None) if half is None else (middle - half, middle + half)
        return {"value": middle, "low": low, "high": high, "higher_is_better": True}

    scores = {"modes": score(value, 1.0), "fd_identity": score(value / 8, None)}
    return {"scores": scores, "floors": {"modes": 8.0}}


def tick(name: str, step: int, *, ended: bool = False) -> Event:
    """Seed 1 diverges at step 1; seed 0 goes on and is scored at the end."""
    first = {"seed": 0, "status": "finished" if ended else "running", "step": step, "final": None, **judged(step)}
    first["final"] = judged(7.0) if ended else None
    second = {"seed": 1, "status": "stopped", "reason": "diverged", "step": 1, "final": None, **judged(0.0)}
    common = {"seconds": step * 0.5, "diagnostics": {}, "fired": {}}
    replicas = [{"reason": None, "images": each["step"] * 16, **common, **each} for each in (first, second)]
    told = {"kind": "tick", "contender": name, "step": step, "images": step * 16, "spent": step, "objective": 1.0}
    told |= {"protocol": {"dataset": {"name": "ring8"}}, "budget_class": {"unit": "steps", "checkpoint": "final"}}
    return told | {"replicas": replicas, "began": 0.0, "busy": 1.0, "launch": 0.0, "checkpoint": "none"}


@pytest.fixture
def tiny(home: Home) -> Home:
    """A home with two contenders of two seeds, of which one lost its second."""
    recorder = Recorder(home, folder(home))
    for event in (attempt(), *(tick(name, step, ended=step == 2) for name in NAMES for step in (1, 2))):
        recorder.append(event)
    assert recorder.close(timeout=60)
    return home


def folder(home: Home) -> Path:
    return home.experiment("tiny") / "attempt-001"


def told(home: Home) -> list[tuple]:
    keys = ("contender", "seed", "step", "images", "split", "metric", "value", "low", "high", "floor")
    return sorted((tuple(row[key] for key in keys) for row in rows_of(home, records(home))), key=str)


def expected(name: str) -> list[tuple]:
    rows = []
    for seed, step, split, value in ((0, 1, "select", 1), (0, 2, "select", 2), (0, 2, "final", 7), (1, 1, "select", 0)):
        at = name, seed, step, step * 16, split
        rows += [(*at, "modes", value, value - 1, value + 1, 8), (*at, "fd_identity", value / 8, None, None, None)]
    return sorted(rows, key=str)


def test_each_replica_tells_each_tick_once_and_an_ended_one_no_more(tiny):
    assert told(tiny) == sorted(expected(NAMES[0]) + expected(NAMES[1]), key=str)


def test_without_the_journal_mlflow_tells_the_same_rows(tiny):
    mine = sorted(rows_of(tiny, records(tiny)), key=str)
    folder(tiny).joinpath("journal.jsonl").unlink()
    assert sorted(rows_of(tiny, records(tiny)), key=str) == mine


def test_a_tick_that_is_told_again_by_a_resumed_trial_counts_once(tiny):
    before = told(tiny)
    with folder(tiny).joinpath("journal.jsonl").open("r+") as journal:
        lines = journal.readlines()
        journal.writelines(lines[1:])
    assert told(tiny) == before


def test_curves_come_as_a_frame_with_every_column_also_where_nothing_is_recorded(tiny, tmp_path):
    frame = curves("tiny", home=tiny.path)
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == 16
    assert list(curves(home=tmp_path / "nowhere").columns) == list(COLUMNS)
    with pytest.raises(RequestError, match="no experiment 'huge'"):
        curves("huge", home=tiny.path)


def test_final_scores_that_come_after_the_last_tick_are_told_once(tiny):
    path = folder(tiny).joinpath("journal.jsonl")
    before = told(tiny)
    last = json.loads(path.read_text().splitlines()[-1])
    late = last | {"kind": "final", "seeds": [1]}
    late["replicas"] = [last["replicas"][0], last["replicas"][1] | {"final": judged(3.0)}]
    with path.open("a") as journal:
        journal.write(json.dumps(late) + "\n")
    added = [row for row in told(tiny) if row not in before]
    assert [row[:5] for row in added] == [(NAMES[1], 1, 1, 16, "final")] * 2
    assert len(told(tiny)) == len(before) + 2
