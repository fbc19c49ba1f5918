"""The front of a search with several objectives: by final scores, among comparable rows, without the unlucky."""

from types import SimpleNamespace

import pytest

from orchestrator.cli import running
from orchestrator.leaderboard import rank
from orchestrator.leaderboard.front import front
from orchestrator.records import ContenderRecord, ReplicaRecord, ScoreRecord
from orchestrator.review import store, winner

AIMS = {"fd": False, "seconds": False}


def contender(name: str, finals: list[float | None], seconds: float = 1.0, **changes) -> ContenderRecord:
    replicas = [
        ReplicaRecord(
            run_id=f"{name} {seed}",
            seed=seed,
            status="finished" if value is not None else "stopped",
            reason=None,
            step=10,
            images=160,
            seconds=seconds,
            final={"fd": ScoreRecord(value=value, low=None, high=None, higher_is_better=False)} if value else {},
            last={"fd": 0.0},
        )
        for seed, value in enumerate(finals)
    ]
    common = {
        "experiment": "x",
        "attempt": 1,
        "variant": "gan",
        "status": "finished",
        "reason": None,
        "objective": "fd",
    }
    common |= {
        "objective": "fd",
        "protocol": {"dataset": {"name": "ring8"}},
        "budget_class": {"unit": "steps"},
        "params": {},
    }
    return ContenderRecord(run_id=name, contender=name, replicas=replicas, **(common | changes))


def test_nobody_on_the_front_is_bettered_in_every_objective():
    records = [
        contender("a", [5.0, 7.0], seconds=2.0),
        contender("b", [8.0, 8.0], seconds=1.0),
        contender("c", [9.0, 9.0], seconds=1.5),
    ]
    found = front(rank(records), AIMS)
    assert [(each["contender"], each["run_id"], each["values"]) for each in found] == [
        ("a", "a", {"fd": 6.0, "seconds": 4.0}),
        ("b", "b", {"fd": 8.0, "seconds": 2.0}),
    ]
    assert [each["contender"] for each in front(rank(records), {"fd": True, "seconds": True})] == ["c", "a"]


@pytest.fixture
def searched(monkeypatch, tmp_path):
    """A file with two objectives, whose search ends at once with three contenders recorded."""
    file = tmp_path / "two.yaml"
    file.write_text(
        "{name: x, variant: gan, data: ring8, budget: {steps: 2, tick: 1}, space: {batch: {choice: [8, 16]}},"
        " search: {contenders: 3, sampler: tpe, metric: [fd, seconds]}}"
    )
    records = [
        contender("a", [5.0] * 3, seconds=2.0),
        contender("b", [8.0] * 3),
        contender("c", [9.0] * 3, seconds=1.5),
    ]
    plan, state = SimpleNamespace(aims=AIMS), SimpleNamespace(over=None, ticks=[{}])
    outcome = SimpleNamespace(summary=dict, plan=plan, state=state, regret=None)
    monkeypatch.setattr(running, "_conduct", lambda *_, **__: outcome)
    monkeypatch.setattr(store, "groups", lambda *_, **__: rank(records))
    monkeypatch.setattr(winner, "keep_picture", lambda *_: None)
    return file


def test_a_search_with_two_objectives_prints_the_front_under_the_leaderboard(ganarena, searched):
    front_json = ganarena("search", searched, "--json").document["front"]
    assert [(each["contender"], each["values"]["seconds"]) for each in front_json] == [("a", 6.0), ("b", 3.0)]
    table = ganarena("search", searched).out.partition("nobody betters these in every objective")[2]
    assert [line.split()[0] for line in table.splitlines()[2:4]] == ["a", "b"]


def test_lucky_survivors_baselines_the_unscored_and_other_budgets_are_not_on_the_front():
    records = [
        contender("a", [5.0, 7.0]),
        contender("b", [1.0, None], seconds=0.1),
        contender("c", [None, None], seconds=0.1),
        contender("d", [0.1, 0.1], seconds=0.1, baseline=True),
        contender("e", [0.1, 0.1], seconds=0.1, budget_class={"unit": "images"}),
    ]
    assert [each["contender"] for each in front(rank(records), AIMS)] == ["a"]
    assert front(rank(records[1:3]), AIMS) == []
    assert front([], AIMS) == []
