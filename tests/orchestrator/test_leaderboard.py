"""The leaderboard, worked out by hand: who is ranked against whom, and in which order."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import RequestError
from orchestrator.leaderboard import Group, Row, as_json, flat, half_width, latest, rank, summary
from orchestrator.records import ContenderRecord, ReplicaRecord, ScoreRecord, plain

PROTOCOL = {"dataset": {"name": "mnist5k", "split": "final"}, "extractor": {"name": "lenet"}, "generated": 1000}
BUDGET = {"unit": "images", "amount": 12800, "checkpoint": "final"}

# Student's t at 97.5 %, from a table: of 1 and of 2 degrees of freedom.
T1, T2 = 12.706204736, 4.302652730


@pytest.mark.parametrize("value", [0.001, 1e-05, 64, None, True, "gan", "a, b", "2024-01-01", "folder/with space", ""])
def test_a_value_comes_back_from_its_param(value):
    assert plain(str(value)) == value


def test_seeds_come_back_as_a_list():
    assert plain("0, 1, 2") == [0, 1, 2]


def score(value: float, *, higher: bool = False) -> ScoreRecord:
    return ScoreRecord(value=value, low=None, high=None, higher_is_better=higher)


def replica(seed: int, scores: Mapping[str, ScoreRecord], **changes: Any) -> ReplicaRecord:
    whole = {
        "run_id": f"run-{seed}",
        "status": "finished",
        "reason": None,
        "step": 200,
        "images": 12800,
        "seconds": 0.1,
    }
    return ReplicaRecord(**{**whole, "seed": seed, "final": scores, "last": {"fd_lenet": 50.0 + seed}, **changes})


def failed(seed: int) -> ReplicaRecord:
    return replica(seed, {}, status="failed", reason="the worker died", step=100)


def contender(name: str, replicas: Sequence[ReplicaRecord | float], **changes: Any) -> ContenderRecord:
    """A contender; a number stands for a replica that finished with this `fd_lenet`."""
    whole = {"run_id": f"run-{name}", "experiment": "digits", "attempt": 1, "variant": "dcgan", "status": "finished"}
    whole |= {"reason": None, "objective": "fd_lenet", "protocol": PROTOCOL, "budget_class": BUDGET, "params": {}}
    members = [
        each if isinstance(each, ReplicaRecord) else replica(seed, {"fd_lenet": score(each)})
        for seed, each in enumerate(replicas)
    ]
    return ContenderRecord(**{**whole, "contender": name, "replicas": members, **changes})


BOARD = [
    contender("000-a", [10, 12, 14]),
    contender("001-b", [11, 11, 11]),
    contender("002-c", [5, failed(1), 7], status="failed", reason="the worker died"),
    contender("003-d", [13, 12, 11]),
    contender("004-e", [replica(0, {}, status="pruned"), replica(1, {}, status="pruned")], status="pruned"),
    contender("005-f", [20]),
    contender("006-g", [5.5, failed(1), failed(2)], status="failed"),
    contender("007-h", [failed(0), failed(1), failed(2)], status="failed"),
]


def only(groups: Sequence[Group]) -> Group:
    (group,) = groups
    return group


def ranks(group: Group) -> list[tuple[int | None, str]]:
    return [(row.rank, row.contender) for row in group.rows]


def rows(group: Group) -> dict[str, Row]:
    return {row.contender: row for row in group.rows}


def test_complete_contenders_come_first_then_lucky_survivors_then_those_without_a_score():
    group = only(rank(BOARD))
    assert ranks(group) == [
        (1, "001-b"),
        (2, "000-a"),  # 12 and 12: equal scores share the better rank
        (2, "003-d"),
        (4, "005-f"),
        (5, "006-g"),  # 5.5 and 6 would win, if they had not lost replicas
        (6, "002-c"),
        (None, "004-e"),
        (None, "007-h"),
    ]
    marks = {name: row.mark for name, row in rows(group).items() if row.mark}
    assert marks == {"006-g": "2 of 3 failed", "002-c": "1 of 3 failed"}


def test_who_failed_before_being_judged_stands_with_the_others_of_its_attempt():
    early = contender("000-0", [], status="failed", reason="no", protocol=None, budget_class=None, objective=None)
    assert ranks(only(rank([early, *BOARD])))[-1] == (None, "000-0")
    assert only(rank([early, *BOARD])).protocol == PROTOCOL
    alone = only(rank([early]))
    assert (alone.protocol, ranks(alone)) == ({}, [(None, "000-0")])


def test_means_and_intervals_are_those_of_student():
    found = rows(only(rank(BOARD)))
    expected = {
        "000-a": (12, T2 * 2 / math.sqrt(3)),  # 4.968
        "001-b": (11, 0),
        "002-c": (6, T1 * math.sqrt(2) / math.sqrt(2)),  # 12.706
        "003-d": (12, T2 * 1 / math.sqrt(3)),  # 2.484
    }
    for name, (mean, half) in expected.items():
        of = found[name].scores["fd_lenet"]
        assert (of.value, of.low, of.high) == pytest.approx((mean, mean - half, mean + half), abs=1e-6)
    single = found["005-f"].scores["fd_lenet"]
    assert (single.value, single.low, single.high) == (20, None, None)


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says():
    stream = random.Random(0)
    samples = [[stream.gauss(3, 2) for _ in range(4)] for _ in range(2000)]
    covered = sum(abs(sum(sample) / 4 - 3) <= half_width(sample) for sample in samples)
    assert covered / 2000 == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 2000))


def test_a_row_adds_up_its_replicas():
    row = rows(only(rank(BOARD)))["002-c"]
    assert (row.replicas, row.complete, row.steps, row.images) == (3, 2, 200, 12800)
    assert row.seconds == pytest.approx(0.3)
    assert row.last == {"fd_lenet": 51.0}
    assert row.run_ids == ["run-002-c", "run-0", "run-1", "run-2"]
    assert (row.status, row.reason) == ("failed", "the worker died")


def test_rules_that_only_observed_are_told_and_one_that_acted_is_the_reason():
    said = {"collapsed": "step 50: 1 of 8 modes"}
    acted = replica(2, {}, status="stopped", reason="not finite", fired={"diverged": "step 9: not finite"})
    row = rows(only(rank([contender("000-a", [replica(0, {}, fired=said), replica(1, {}, fired=said), acted])])))[
        "000-a"
    ]
    assert row.alarms == {"collapsed": "2 of 3 at step 50: 1 of 8 modes"}


def test_a_baseline_is_shown_last_and_takes_no_rank():
    group = only(rank([contender("000-0", [1, 1, 1], variant="gmm", baseline=True), *BOARD]))
    assert ranks(group)[0] == (1, "001-b")
    assert ranks(group)[-1] == (None, "000-0")
    assert rows(group)["000-0"].scores["fd_lenet"].value == 1


def test_a_pruned_contender_is_listed_with_its_last_tick():
    row = rows(only(rank(BOARD)))["004-e"]
    assert (row.rank, row.scores, row.last, row.status, row.mark) == (None, {}, {"fd_lenet": 50.5}, "pruned", None)


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_a_replica_that_may_still_come_has_not_failed(status):
    waiting = contender("000-a", [3, replica(1, {}, status=status)], status=status)
    group = only(rank([waiting, contender("001-b", [9, 9])]))
    assert ranks(group) == [(1, "001-b"), (2, "000-a")]
    assert rows(group)["000-a"].mark == f"1 of 2 {status}"


def test_the_order_of_the_records_changes_nothing():
    expected = rank(BOARD)
    stream = random.Random(0)
    for _ in range(200):
        shuffled = [replace(each, replicas=stream.sample(each.replicas, len(each.replicas))) for each in BOARD]
        stream.shuffle(shuffled)
        assert rank(shuffled) == expected


def test_where_more_is_better_the_largest_wins():
    def scored(name: str, *values: float) -> ContenderRecord:
        finals = [replica(seed, {"is_lenet": score(value, higher=True)}) for seed, value in enumerate(values)]
        return contender(name, finals, objective="is_lenet")

    group = only(rank([scored("000-a", 2), scored("001-b", 9), scored("002-c", 5), scored("003-d", 9)]))
    assert (group.metric, group.higher_is_better) == ("is_lenet", True)
    assert ranks(group) == [(1, "001-b"), (1, "003-d"), (3, "002-c"), (4, "000-a")]


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": PROTOCOL | {"generated": 5000}},
        {"protocol": PROTOCOL | {"extractor": {"name": "inception"}}},
        {"budget_class": BUDGET | {"amount": 25600}},
        {"budget_class": BUDGET | {"checkpoint": "stopped"}},
        {"budget_class": BUDGET | {"unit": "steps"}},
    ],
    ids=str,
)
def test_unequal_protocols_or_budgets_are_never_ranked_together(change):
    groups = rank([contender("000-a", [3]), contender("001-b", [2], **change), contender("002-c", [1])])
    assert sorted(ranks(group) for group in groups) == [[(1, "001-b")], [(1, "002-c"), (2, "000-a")]]
    key = next(iter(change))
    assert {json.dumps(getattr(group, key), sort_keys=True) for group in groups} == {
        json.dumps(each, sort_keys=True) for each in ((PROTOCOL if key == "protocol" else BUDGET), change[key])
    }


def test_equal_protocols_are_one_whatever_the_order_of_their_keys():
    turned = contender("001-b", [2], protocol=dict(reversed(PROTOCOL.items())))
    assert ranks(only(rank([contender("000-a", [3]), turned]))) == [(1, "001-b"), (2, "000-a")]


def test_experiments_of_one_protocol_are_ranked_together():
    mine, yours = contender("000-a", [3]), contender("000-a", [2], experiment="others")
    assert [(row.rank, row.experiment) for row in only(rank([mine, yours])).rows] == [(1, "others"), (2, "digits")]


def test_only_the_latest_attempt_of_each_experiment_is_kept():
    attempts = [contender("000-a", [9], attempt=attempt) for attempt in (1, 3, 2)]
    other = contender("000-a", [9], experiment="others", attempt=2)
    assert latest([*attempts, other]) == [attempts[1], other]
    assert latest([]) == []


@pytest.fixture
def both() -> list[ContenderRecord]:
    """Two contenders whose order depends on what one asks."""

    def judged(name: str, distance: float, surprise: float) -> ContenderRecord:
        scores = {"fd_lenet": score(distance), "is_lenet": score(surprise, higher=True), "modes": score(8, higher=True)}
        return contender(name, [replica(0, scores)])

    return [judged("000-a", 3, 4), judged("001-b", 5, 6)]


@pytest.mark.parametrize(
    ("metric", "chosen", "first"),
    [
        (None, "fd_lenet", "000-a"),
        ("fd", "fd_lenet", "000-a"),
        ("fd_lenet", "fd_lenet", "000-a"),
        ("is", "is_lenet", "001-b"),
        ("is_lenet", "is_lenet", "001-b"),
        ("modes", "modes", "000-a"),
    ],
)
def test_a_metric_is_named_by_its_family_or_its_key(both, metric, chosen, first):
    group = only(rank(both, metric=metric))
    assert (group.metric, group.rows[0].contender) == (chosen, first)


def test_a_family_has_the_name_of_the_literature_with_inception():
    inception = PROTOCOL | {"extractor": {"name": "inception"}}
    board = [
        contender(name, [replica(0, {"fid": score(value)})], protocol=inception, objective="fid")
        for name, value in (("000-a", 3), ("001-b", 2))
    ]
    assert ranks(only(rank(board, metric="fd"))) == [(1, "001-b"), (2, "000-a")]


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (
            "fd_lenat",
            "no final score 'fd_lenat' is recorded (did you mean 'fd_lenet'?); there are fd_lenet, is_lenet, modes",
        ),
        ("kd", "no final score 'kd' is recorded; there are fd_lenet, is_lenet, modes"),
        ("xyz", "no final score 'xyz' is recorded; there are fd_lenet, is_lenet, modes"),
    ],
)
def test_a_metric_that_nobody_recorded_is_refused(both, metric, said):
    with pytest.raises(RequestError) as refusal:
        rank(both, metric=metric)
    assert str(refusal.value) == said


def test_a_score_that_one_replica_lacks_is_no_score_of_the_contender():
    half = contender("000-a", [replica(0, {"fd_lenet": score(1), "is_lenet": score(9)}), 3])
    row = rows(only(rank([half])))["000-a"]
    assert row.scores == {"fd_lenet": summary([score(1), score(3)])}


def test_nothing_recorded_is_no_group():
    assert rank([]) == []
    assert rank([], metric="fd") == []
    assert as_json([]) == {"groups": []}
    assert flat([]) == []


def test_the_json_has_the_keys_of_the_design_and_no_number_that_json_does_not_know():
    (group,) = json.loads(json.dumps(as_json(rank(BOARD)), allow_nan=False))["groups"]
    assert group.keys() == {"protocol", "budget_class", "metric", "rows"}
    designed = "rank rank_low rank_high contender variant replicas scores steps images seconds status reason run_ids"
    assert all({*designed.split()} <= row.keys() for row in group["rows"])
    assert group["rows"][0]["scores"]["fd_lenet"] == {"value": 11, "low": 11, "high": 11, "higher_is_better": False}


def test_flat_rows_have_all_columns_whatever_was_scored(both):
    told = flat(rank([*BOARD, *both]))
    assert len({tuple(row) for row in told}) == 1
    assert len(told) == len(BOARD) + len(both)
    unscored = next(row for row in told if row["contender"] == "004-e")
    assert (unscored["rank"], unscored["fd_lenet"], unscored["is_lenet_low"]) == (None, None, None)
