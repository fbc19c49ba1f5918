"""Filters and sorts show fewer rows in another order, and change no rank."""

from collections import Counter

import pytest

from orchestrator.errors import RequestError
from orchestrator.leaderboard import rank
from orchestrator.leaderboard.selecting import arrange, on_front, select, without_lost
from orchestrator.records import ContenderRecord, ReplicaRecord, ScoreRecord


def contender(index: int, value: float | None, *, seconds: float, **changes: object) -> ContenderRecord:
    score = None if value is None else {"fd": ScoreRecord(value=value, low=None, high=None, higher_is_better=False)}
    replica = ReplicaRecord(
        run_id=f"r{index}", seed=0, status="finished", reason=None, step=5, images=80, seconds=seconds,
        final=score or {}, last={"fd": 99.0},
    )  # fmt: skip
    whole = {
        "run_id": f"c{index}", "experiment": "e", "attempt": 1, "contender": f"00{index}-x", "variant": "gan",
        "status": "finished", "reason": None, "objective": "fd", "protocol": {}, "budget_class": {}, "params": {},
        "replicas": [replica],
    }  # fmt: skip
    return ContenderRecord(**(whole | changes))


GROUPS = rank(
    [
        contender(0, 1.0, seconds=9, params={"generator_lr": "0.0005", "ema_half_life": "None"}),
        contender(1, 2.0, seconds=5, params={"generator_lr": "1e-05", "ema_half_life": "500"}, variant="r1gan"),
        contender(2, 3.0, seconds=7, params={"generator_lr": "0.01"}, tags={"arena.sampler": "grid", "owner": "ann"}),
        contender(3, None, seconds=1, status="pruned", params={"generator_lr": "0.002"}),
        contender(4, None, seconds=2, status="running"),
    ]
)


def shown(groups) -> list[str]:
    return [row.contender[:3] for group in groups for row in group.rows]


@pytest.mark.parametrize(
    ("where", "left"),
    [
        (["generator_lr<1e-3"], ["000", "001"]),
        (["generator_lr <= 0.0005"], ["000", "001"]),
        (["generator_lr>1e-3"], ["002", "003"]),
        (["generator_lr=5e-4"], ["000"]),  # numbers are equal however they are written
        (["generator_lr==5e-4"], ["000"]),
        (["variant=r1gan"], ["001"]),
        (["variant!=r1gan"], ["000", "002", "003", "004"]),
        (["fd<2.5", "seconds<6"], ["001"]),
        (["ema_half_life<1000"], ["001"]),  # None is no number, and what is not there fulfils nothing
        (["ema_half_life=None"], ["000"]),
        (["owner=ann"], ["002"]),
        (["sampler=grid"], ["002"]),
        (["status=pruned"], ["003"]),
    ],
    ids=str,
)
def test_conditions_on_params_tags_scores_and_columns(where, left):
    assert shown(select(GROUPS, where)) == left


def test_an_unknown_name_is_told_with_the_nearest_and_the_most_useful_ones():
    with pytest.raises(RequestError) as refused:
        arrange(GROUPS, "speed")
    assert str(refused.value) == (
        "--sort 'speed': nothing recorded has this name; there are fd, generator_lr, rank, order, experiment, attempt,"
        " contender, variant, replicas, seconds, device_seconds, images, and any other score, param or tag"
    )


def test_fewer_rows_hide_no_searched_parameter():
    for fewer in (select(GROUPS, ["variant=r1gan"]), on_front(GROUPS, "seconds")):
        assert [group.searched for group in fewer] == [["generator_lr"]]


def test_fewer_rows_change_no_rank():
    (group,) = select(GROUPS, ["variant=r1gan"])
    assert group.rows[0] == GROUPS[0].rows[1]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("generator_lr", "expected NAME, one of"),
        ("<3", "expected NAME, one of"),
        ("generator_rl<3", r"nothing recorded has this name \(did you mean 'generator_lr'\?\)"),
        ("generator_lr<abc", "expected a finite number after <, found 'abc'; words are compared by = and != only"),
        ("generator_lr>=nan", "expected a finite number after >=, found 'nan'"),
        ("generator_lr<1e999", "expected a finite number after <, found '1e999'"),
        ("generator_lr>-inf", "expected a finite number after >, found '-inf'"),
        (5, "expected a condition, such as 'generator_lr<1e-3', found 5"),
        ("variant<z", "expected a finite number after <, found 'z'"),
        ("variant<3", "variant holds words, for example 'gan', which have no order; use = or !="),
    ],
)
def test_a_condition_that_means_nothing_is_refused(where, said):
    with pytest.raises(RequestError, match=said):
        select(GROUPS, [where])


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("seconds", ["003", "004", "001", "002", "000"]),
        ("-seconds", ["000", "002", "001", "004", "003"]),
        ("generator_lr", ["001", "000", "003", "002", "004"]),  # what has none comes last
        ("-generator_lr", ["002", "003", "000", "001", "004"]),
        ("variant", ["000", "002", "003", "004", "001"]),
    ],
)
def test_rows_are_sorted_by_anything_they_have(name, order):
    assert shown(arrange(GROUPS, name)) == order


def test_only_asked_statuses_are_shown():
    assert shown(select(GROUPS, (), ["pruned", "running"])) == ["003", "004"]


def test_a_table_leaves_out_and_counts_what_ended_without_a_score():
    left, hidden = without_lost(GROUPS)
    assert shown(left) == ["000", "001", "002", "004"]
    assert hidden == Counter(pruned=1)


def test_the_front_is_shown_from_the_cheapest_to_the_best():
    assert shown(on_front(GROUPS, "seconds")) == ["001", "000"]
