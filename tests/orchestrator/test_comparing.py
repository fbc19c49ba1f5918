"""Runs beside each other: found by name, told apart, and compared only where that means something."""

from dataclasses import replace

import pytest

from metrics import MetricsError
from orchestrator.errors import RequestError
from orchestrator.leaderboard.comparing import curves, differences, labelled, verdict
from orchestrator.records import ContenderRecord, ReplicaRecord, ScoreRecord
from orchestrator.review.naming import find


def score(value: float) -> ScoreRecord:
    return ScoreRecord(value=value, low=None, high=None, higher_is_better=False)


def contender(index: int, *values: float | None, experiment: str = "digits", attempt: int = 1, **changes):
    run_id = f"{index}{experiment[0]}{attempt}c0ffee"
    replicas = [
        ReplicaRecord(
            run_id=f"{run_id[:3]}{seed}beef", seed=seed, status="finished", reason=None, step=9, images=90, seconds=1,
            final={} if value is None else {"fd": score(value)},
            last={},
        )
        for seed, value in enumerate(values)
    ]  # fmt: skip
    whole = {
        "run_id": run_id, "experiment": experiment, "attempt": attempt, "contender": f"{index:03d}-abc",
        "variant": "gan", "status": "finished", "reason": None, "objective": "fd",
        "protocol": {"extractor": {"name": "lenet"}, "generated": 100}, "budget_class": {"unit": "steps", "amount": 9},
        "params": {"variant": "gan", "batch": "64", "generator_lr": "0.001"}, "replicas": replicas,
    }  # fmt: skip
    return ContenderRecord(**(whole | changes))


RECORDS = [
    contender(0, 1, 2, 3),
    contender(1, 7, 8, 9.5),
    contender(1, 1, attempt=2),
    contender(0, 1, experiment="other"),
]


@pytest.mark.parametrize(
    ("asked", "run_id"),
    [
        ("0d1c0ffee", "0d1c0ffee"),
        ("0d1c", "0d1c0ffee"),
        ("0d12beef", "0d12beef"),
        ("0d12", "0d12beef"),
        ("digits/1", "1d2c0ffee"),  # of the latest attempt
        ("digits/001-abc", "1d2c0ffee"),
        ("other/000", "0o1c0ffee"),
    ],
)
def test_a_run_is_found_by_id_by_the_beginning_of_it_and_by_its_place(asked, run_id):
    assert find(asked, RECORDS).run_id == run_id


@pytest.mark.parametrize("asked", ["0d1", "nothing", "digits/7", "digits/0", "missing/1", ""])
def test_a_run_that_is_not_there_is_refused(asked):
    with pytest.raises(RequestError, match=f"no run '{asked}'"):
        find(asked, RECORDS)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("digits/7", "the latest attempt of digits has one contender, 1"),
        ("long/99", "the latest attempt of long has contenders 0 to 11"),
        ("digist/0", r"no experiment is called 'digist' \(did you mean 'digits'\?\)"),
    ],
)
def test_a_place_that_is_not_there_is_told_with_those_that_are(asked, told):
    with pytest.raises(RequestError, match=told):
        find(asked, [*RECORDS, *(contender(index, 1, experiment="long") for index in range(12))])


def test_a_beginning_of_several_runs_is_refused():
    with pytest.raises(RequestError, match=r"begins 2 runs \(abcd1, abcd2\)"):
        find("abcd", [contender(0, run_id="abcd1"), contender(1, run_id="abcd2")])


def sides(*records: ContenderRecord):
    return labelled([find(record.run_id, records) for record in records])


def test_runs_are_named_by_what_tells_them_apart():
    def labels(*asked: str) -> list[str]:
        return [side.label for side in labelled([find(each, RECORDS) for each in asked])]

    assert labels("0d1c", "1d1c") == ["000 gan", "001 gan"]
    assert labels("1d1c", "1d2c") == ["001 gan attempt 1", "001 gan attempt 2"]
    assert labels("0d1c", "0o1c") == ["digits/000 gan", "other/000 gan"]
    assert labels("0d10", "0d12") == ["000 gan seed 0", "000 gan seed 2"]


def test_only_what_differs_is_told():
    other = contender(1, 1, 2, 3, params={"variant": "gan", "batch": "32", "generator_lr": "0.001", "width": "8"})
    assert differences(sides(contender(0, 1, 2, 3), other)) == [
        {"name": "batch", "values": ["64", "32"]},
        {"name": "width", "values": [None, "8"]},
    ]


def test_the_verdict_says_who_is_better_and_how_sure_that_is():
    found = verdict(sides(contender(0, 1, 2, 3), contender(1, 7, 8, 9.5)))
    (pair,) = found["pairs"]
    assert (found["metric"], found["comparable"]) == ("fd", True)
    assert pair["sentence"].startswith("000 gan is better than 001 gan: a difference in fd of -6.167 ± ")
    assert pair["beats"] > 0.9
    (turned,) = verdict(sides(contender(1, 7, 8, 9.5), contender(0, 1, 2, 3)))["pairs"]
    assert turned["sentence"].startswith("000 gan is better than 001 gan")


def test_an_open_verdict_says_how_many_seeds_would_decide():
    (pair,) = verdict(sides(contender(0, 1, 2, 3), contender(1, 2, 3, 4.5)))["pairs"]
    assert pair["p"] > 0.05
    assert f"{pair['seeds_to_decide']} seeds each would decide" in pair["sentence"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"protocol": {"extractor": {"name": "pixels"}, "generated": 100}},
            "protocol.extractor.name is lenet and pixels",
        ),
        ({"budget_class": {"unit": "steps", "amount": 18}}, "budget_class.amount is 9 and 18"),
        ({"protocol": None}, "never judged"),
    ],
)
def test_scores_that_mean_different_things_are_not_compared(changes, said):
    found = verdict(sides(contender(0, 1, 2, 3), contender(1, 7, 8, 9, **changes)))
    assert (found["comparable"], found["pairs"]) == (False, [])
    assert said in found["reason"]


def test_by_a_ratio_that_is_right_at_1_nobody_is_better():
    spread = [
        replace(each, replicas=[replace(seed, final={"spread_lenet": seed.final["fd"]}) for seed in each.replicas])
        for each in (contender(0, 1, 2, 3), contender(1, 7, 8, 9))
    ]
    with pytest.raises(MetricsError, match="spread is right at 1"):
        verdict(sides(*spread), "spread_lenet")


def test_a_contender_that_lost_a_replica_wins_nothing():
    (pair,) = verdict(sides(contender(0, 1, 2, None), contender(1, 7, 8, 9)))["pairs"]
    assert (pair["p"], pair["beats"]) == (None, None)
    assert "lost 1 of 3 replicas" in pair["sentence"]


def test_a_contender_and_its_own_seed_are_not_tested():
    record = contender(0, 1, 2, 3)
    runs = [find(record.run_id, [record]), find(record.replicas[0].run_id, [record])]
    (pair,) = verdict(labelled(runs))["pairs"]
    assert "parts of one contender" in pair["sentence"]


def test_three_runs_are_three_pairs_adjusted_for_each_other():
    found = verdict(sides(contender(0, 1, 2, 3), contender(1, 4, 5, 6), contender(2, 7, 8, 9.5)))
    assert [pair["adjusted_p"] > pair["p"] for pair in found["pairs"]].count(True) >= 2


def test_a_metric_that_nobody_has_is_refused():
    with pytest.raises(RequestError, match="no final score 'fid'"):
        verdict(sides(contender(0, 1, 2, 3), contender(1, 7, 8, 9)), "fid")


def test_a_metric_may_be_named_by_its_family():
    records = contender(0, 1, 2, 3), contender(1, 7, 8, 9.5)
    renamed = [
        replace(each, replicas=[replace(seed, final={"fd_lenet": seed.final["fd"]}) for seed in each.replicas])
        for each in records
    ]
    assert verdict(sides(*renamed), "fd")["metric"] == "fd_lenet"
    assert verdict(sides(*records), "fd")["metric"] == "fd"


def test_a_curve_is_the_mean_over_the_seeds_that_are_meant():
    record = contender(0, 1, 2)
    points = [
        {"run_id": replica.run_id, "split": split, "step": step, "images": 10 * step, "metric": "fd",
         "value": value + seed}
        for seed, replica in enumerate(record.replicas)
        for split, step, value in (("select", 1, 5.0), ("select", 2, 3.0), ("final", 2, 99.0))
    ]  # fmt: skip
    both = curves(find(record.run_id, [record]), points)["fd"]
    assert [(at["images"], at["value"], at["seeds"]) for at in both] == [(10, 5.5, 2), (20, 3.5, 2)]
    alone = curves(find(record.replicas[1].run_id, [record]), points)["fd"]
    assert [at["value"] for at in alone] == [6.0, 4.0]
