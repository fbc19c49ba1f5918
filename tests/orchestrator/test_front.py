"""The front of a search with several objectives: by final scores, among comparable rows, without the unlucky."""

from orchestrator.front import front
from orchestrator.leaderboard import rank
from orchestrator.records import ContenderRecord, ReplicaRecord, ScoreRecord

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
    common |= {"objective": "fd", "protocol": {"dataset": "ring8"}, "budget_class": {"unit": "steps"}, "params": {}}
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
