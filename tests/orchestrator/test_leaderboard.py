"""The leaderboard, worked out by hand: who is ranked against whom, and in which order."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from metrics import MetricsError
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


@pytest.mark.parametrize(
    "text", ["1j", "b'x'", "{1, 2}", "[1j]", "...", "1e999", "0x" + "f" * 9999, "(" * 9999, "-" * 99999 + "1"]
)
def test_what_no_document_can_hold_stays_text(text):
    assert plain(text) == text


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


def places(group: Group) -> list[tuple[int | None, str]]:
    return [(row.order, row.contender) for row in group.rows]


def rows(group: Group) -> dict[str, Row]:
    return {row.contender: row for row in group.rows}


def test_complete_contenders_come_first_then_lucky_survivors_then_those_without_a_score():
    group = only(rank(BOARD))
    assert places(group) == [
        (1, "001-b"),
        (2, "000-a"),  # 12 and 12: equal scores share the better place
        (2, "003-d"),
        (4, "005-f"),
        (5, "006-g"),  # 5.5 and 6 would win, if they had not lost replicas
        (6, "002-c"),
        (None, "004-e"),
        (None, "007-h"),
    ]
    marks = {name: row.mark for name, row in rows(group).items() if row.mark}
    assert marks == {"006-g": "2 of 3 failed", "002-c": "1 of 3 failed"}


def test_a_place_that_is_no_rank_is_shown_in_brackets():
    assert [row.place for row in only(rank(BOARD)).rows] == ["1", "2", "2", "(4)", "(5)", "(6)", "-", "-"]


def test_fewer_than_three_seeds_are_marked_and_take_no_rank():
    found = rows(only(rank(BOARD)))
    assert {name: row.rank for name, row in found.items() if row.rank} == {"001-b": 1, "000-a": 2, "003-d": 2}
    assert {name: row.unranked for name, row in found.items() if not row.rank} == {
        "005-f": "1 seed, and a rank takes 3",
        "006-g": "1 seed, and a rank takes 3",
        "002-c": "2 seeds, and a rank takes 3",
        "004-e": "no final score",
        "007-h": "no final score",
    }


def test_who_takes_a_rank_comes_before_a_luckier_single_seed():
    assert places(only(rank([contender("000-a", [9]), contender("001-b", [10, 12, 14])]))) == [
        (1, "001-b"),
        (2, "000-a"),
    ]


def test_a_lost_replica_never_helps_whatever_the_others_scored():
    whole = [contender(f"00{i}-x", [10 + i, 12 + i, 14 + i, 12 + i]) for i in range(4)]
    torn = contender("009-z", [0, 0.1, 0.2, failed(3)])
    found = rows(only(rank([torn, contender("008-y", [50]), *whole])))["009-z"]
    # Behind the four, and behind the single seed that at least lost nothing.
    assert (found.rank, found.rank_low, found.rank_high, found.mark) == (6, 6, 6, "1 of 4 failed")
    kept = rows(only(rank([contender("009-z", [0, 0.1, 0.2, 0]), contender("008-y", [50]), *whole])))["009-z"]
    assert (kept.rank, kept.rank_low) == (1, 1)


def test_once_some_are_confirmed_the_selected_take_no_rank_and_the_optimism_is_told():
    board = [
        contender("000-a", [10, 11, 12]),
        contender("001-b", [8, 9, 10]),
        contender("002-a", [13, 14, 15], confirms="000-a"),
        contender("003-b", [15, 16, 20], confirms="001-b"),
        contender("004-d", [15, 16, 14], confirms="default"),
    ]
    group = only(rank(board))
    assert ranks(group) == [(1, "002-a"), (2, "004-d"), (3, "003-b"), (None, "001-b"), (None, "000-a")]
    found = rows(group)
    assert {row.unranked for row in group.rows if not row.rank} == {"selected, not confirmed"}
    assert (found["002-a"].optimism, found["003-b"].optimism) == (11 - 14, 9 - 17)
    assert found["004-d"].optimism is None
    assert [name for name, row in found.items() if row.pareto] == ["002-a"]  # the selected are luckier, not better


def test_the_front_of_quality_against_cost_is_that_of_the_definition():
    def costing(name: str, value: float, seconds: float, parameters: int | None) -> ContenderRecord:
        scores = {"fd_lenet": score(value)}
        return contender(name, [replica(seed, scores, seconds=seconds, parameters=parameters) for seed in range(3)])

    board = [
        costing("000-a", 10, 30, 500),
        costing("001-b", 20, 10, 500),
        costing("002-c", 20, 20, None),  # as good as 001-b, and dearer
        costing("003-d", 30, 20, 100),
        costing("004-e", 40, 5, 200),
        contender("005-f", [replica(seed, {"fd_lenet": score(1)}, seconds=1) for seed in range(2)] + [failed(2)]),
    ]
    found = rows(only(rank(board)))
    assert {name for name, row in found.items() if "seconds" in row.pareto} == {"000-a", "001-b", "004-e"}
    assert {name for name, row in found.items() if "parameters" in row.pareto} == {"000-a", "003-d"}
    assert {name for name, row in found.items() if "images" in row.pareto} == {"000-a"}
    assert not any("device_seconds" in row.pareto for row in found.values())  # nobody recorded them


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
    assert row.observed == ["collapsed observed in 2 of 3"]


def test_a_baseline_is_shown_last_and_takes_no_rank():
    group = only(rank([contender("000-0", [1, 1, 1], variant="gmm", baseline=True), *BOARD]))
    assert places(group)[0] == (1, "001-b")
    assert places(group)[-1] == (None, "000-0")
    assert rows(group)["000-0"].unranked == "baseline"
    assert rows(group)["000-0"].scores["fd_lenet"].value == 1


def test_a_pruned_contender_is_listed_with_its_last_tick():
    row = rows(only(rank(BOARD)))["004-e"]
    assert (row.rank, row.scores, row.last, row.status, row.mark) == (None, {}, {"fd_lenet": 50.5}, "pruned", None)


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_a_replica_that_may_still_come_has_not_failed(status):
    waiting = contender("000-a", [3, replica(1, {}, status=status)], status=status)
    group = only(rank([waiting, contender("001-b", [9, 9])]))
    assert places(group) == [(1, "001-b"), (2, "000-a")]
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
    assert places(group) == [(1, "001-b"), (1, "003-d"), (3, "002-c"), (4, "000-a")]


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
    assert sorted(places(group) for group in groups) == [[(1, "001-b")], [(1, "002-c"), (2, "000-a")]]
    key = next(iter(change))
    assert {json.dumps(getattr(group, key), sort_keys=True) for group in groups} == {
        json.dumps(each, sort_keys=True) for each in ((PROTOCOL if key == "protocol" else BUDGET), change[key])
    }


def test_equal_protocols_are_one_whatever_the_order_of_their_keys():
    turned = contender("001-b", [2], protocol=dict(reversed(PROTOCOL.items())))
    assert places(only(rank([contender("000-a", [3]), turned]))) == [(1, "001-b"), (2, "000-a")]


def test_experiments_of_one_protocol_are_ranked_together():
    mine, yours = contender("000-a", [3]), contender("000-a", [2], experiment="others")
    assert [(row.order, row.experiment) for row in only(rank([mine, yours])).rows] == [(1, "others"), (2, "digits")]


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
    assert places(only(rank(board, metric="fd"))) == [(1, "001-b"), (2, "000-a")]


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


@pytest.mark.parametrize("metric", ["spread", "spread_lenet", "class_spread_lenet"])
def test_a_ratio_that_is_right_at_1_ranks_nobody(both, metric):
    with pytest.raises(MetricsError, match="is right at 1, so more is not better; rank by another"):
        rank(both, metric=metric)


def test_a_score_that_one_replica_lacks_is_no_score_of_the_contender():
    half = contender("000-a", [replica(0, {"fd_lenet": score(1), "is_lenet": score(9)}), 3])
    row = rows(only(rank([half])))["000-a"]
    assert row.scores == {"fd_lenet": summary([score(1), score(3)])}


def test_nothing_recorded_is_no_group():
    assert rank([]) == []
    assert rank([], metric="fd") == []
    assert as_json([]) == {"groups": [], "foreign": []}
    assert flat([]) == []


def test_the_json_has_the_keys_of_the_design_and_no_number_that_json_does_not_know():
    (group,) = json.loads(json.dumps(as_json(rank(BOARD)), allow_nan=False))["groups"]
    assert group.keys() >= {"protocol", "budget_class", "metric", "rows"}
    designed = "rank rank_low rank_high contender variant replicas scores steps images seconds status reason run_ids"
    assert all({*designed.split()} <= row.keys() for row in group["rows"])
    assert group["rows"][0]["scores"]["fd_lenet"] == {"value": 11, "low": 11, "high": 11, "higher_is_better": False}


def test_flat_rows_have_all_columns_whatever_was_scored(both):
    told = flat(rank([*BOARD, *both]))
    assert len({tuple(row) for row in told}) == 1
    assert len(told) == len(BOARD) + len(both)
    unscored = next(row for row in told if row["contender"] == "004-e")
    assert (unscored["rank"], unscored["fd_lenet"], unscored["is_lenet_low"]) == (None, None, None)


def test_who_was_kept_by_an_audit_takes_no_place_however_good_it_ended():
    kept = contender("b", [1.0, 1.0, 1.0], audited="asha at 9 images: not in the best 1/3 of 3")
    (group,) = rank([kept, contender("a", [5.0, 5.1, 5.2]), contender("c", [7.0, 7.1, 7.2])])
    shown = [(row.contender, row.rank, row.order, row.unranked) for row in group.rows]
    assert shown == [("a", 1, 1, None), ("c", 2, 2, None), ("b", None, None, "audited")]
