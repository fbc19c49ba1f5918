"""A whole board worked out by hand, and what the command shows of one."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.cli.boards import best_tables, leaderboard_tables
from orchestrator.home import Home
from orchestrator.leaderboard import rank
from orchestrator.leaderboard.draws import best_by_budget
from orchestrator.recording.writing import Writer
from orchestrator.records import ContenderRecord, ReplicaRecord, ScoreRecord
from tests.benchmarks.synthetic_store import Synthetic

HALF = 4.302652730 / 3**0.5
"""Half the interval of three seeds of variance 1: Student's t of 2 degrees of freedom, from a table."""

FIXTURE = {"a": (10.0, 10), "b": (18.0, 3), "c": (26.7, 2), "d": (26.9, 7)}
"""The mean of three seeds that lie 1 apart, and the seconds of each."""


def record(index: int, name: str, mean: float, seconds: float) -> ContenderRecord:
    replicas = [
        ReplicaRecord(
            run_id=f"{name}{seed}", seed=seed, status="finished", reason=None, step=10, images=100, seconds=seconds,
            device_seconds=2 * seconds, last={},
            final={"fd": ScoreRecord(value=mean + seed - 1, low=None, high=None, higher_is_better=False)},
        )
        for seed in range(3)
    ]  # fmt: skip
    return ContenderRecord(
        run_id=name, experiment="by hand", attempt=1, contender=f"{index:03d}-{name}", variant="gan", params={},
        status="finished", reason=None, objective="fd", protocol={"generated": 9}, budget_class={"amount": 9},
        replicas=replicas, tags={"arena.sampler": "random", "arena.scheduler": "none"},
    )  # fmt: skip


def test_a_group_that_was_never_judged_has_no_title_of_nones():
    judged = record(0, "a", 10.0, 10)
    for protocol, title in ((None, "not judged: no tick so far"), ({"generated": 9}, "9 samples")):
        heading, *_ = leaderboard_tables(rank([replace(judged, protocol=protocol)]))
        assert title in str(heading)


def test_ranks_ranges_intervals_fronts_and_the_expected_best_are_those_worked_out_by_hand():
    (group,) = rank([record(index, name, *told) for index, (name, told) in enumerate(FIXTURE.items())])
    found = {row.contender[4:]: row for row in group.rows}
    # Gaps of 16.9, 16.7, 8.9, 8.7 and 8.0 pass Holm's thresholds of 8.888, 8.505, 8.104, 7.681 and 7.234.
    assert {name: (row.rank, row.rank_low, row.rank_high) for name, row in found.items()} == {
        "a": (1, 1, 1),
        "b": (2, 2, 2),
        "c": (3, 3, 4),
        "d": (4, 3, 4),
    }
    for name, (mean, _) in FIXTURE.items():
        score = found[name].scores["fd"]
        assert (score.value, score.low, score.high) == pytest.approx((mean, mean - HALF, mean + HALF), abs=1e-8)
    # d is both worse and dearer than c; each of the others is either better or cheaper than all.
    assert [name for name, row in found.items() if "seconds" in row.pareto] == ["a", "b", "c"]
    assert [name for name, row in found.items() if "images" in row.pareto] == ["a"]
    (curve,) = best_by_budget(group)
    one, two = curve["points"]
    # The mean of four; and of six pairs the best is a in three, b in two, c in one.
    assert (one["expected"], two["expected"]) == pytest.approx(((10 + 18 + 26.7 + 26.9) / 4, (30 + 36 + 26.7) / 6))
    assert (one["median"], two["median"], two["low"], two["high"]) == pytest.approx((18, 10, None, 26.9))
    # Three seeds of 22 / 4 seconds on two devices, and of 100 images; a pair costs twice that.
    assert one["costs"] == {"device_seconds": pytest.approx(33), "images": 300}
    assert two["costs"] == {"device_seconds": pytest.approx(66), "images": 600}


def test_draws_that_still_go_on_leave_the_expected_best_open():
    board = [record(index, name, *told) for index, (name, told) in enumerate(FIXTURE.items())]
    running = ContenderRecord(**{**vars(board[0]), "run_id": "e", "contender": "004-e", "status": "running"})
    (curve,) = best_by_budget(rank([*board, running])[0])
    assert (curve["reason"], curve["points"]) == ("not estimable yet: 1 of 5 contenders go on", [])


@pytest.mark.parametrize("tags", [{}, {"arena.sampler": "tpe"}, {"arena.sampler": "random", "arena.scheduler": "pbt"}])
def test_what_was_not_drawn_at_random_has_no_expected_best(tags):
    board = [record(index, name, *told) for index, (name, told) in enumerate(FIXTURE.items())]
    assert best_by_budget(rank([ContenderRecord(**{**vars(each), "tags": tags}) for each in board])[0]) == []


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, empty_store: Any) -> Home:
    """A recorded search of four contenders with three replicas each."""
    home = Home(tmp_path_factory.mktemp("board"))
    (home.path / "mlflow.db").write_bytes(empty_store.read_bytes())
    events = list(Synthetic(contenders=4, replicas=3, ticks=1).events())
    Writer(home, events[0]).apply((event, home.path / "nothing") for event in events)
    return home


def test_the_command_filters_sorts_and_tells_what_the_search_tells(ganarena, recorded):
    home = "--home", recorded.path
    document = ganarena("leaderboard", "--json", "--importance", *home).document
    (group,) = document["groups"]
    assert [row["rank"] for row in group["rows"]] == [1, 2, 3, 4]
    assert all(row["rank_low"] <= row["rank"] <= row["rank_high"] for row in group["rows"])
    (curve,) = group["expected_best"]
    assert [point["draws"] for point in curve["points"]] == [1, 2]
    assert "4 contenders with a score, and it takes 20" in group["importance"][0]["reason"]
    variant = group["rows"][0]["variant"]
    told = ganarena("leaderboard", "--where", f"variant={variant}", "--sort", "-generator_lr", "--format", "csv", *home)
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert {row["variant"] for row in rows} == {variant}
    rates = [float(row["generator_lr"]) for row in rows]
    assert rates == sorted(rates, reverse=True)
    shown = ganarena("leaderboard", "--pareto", "images", "--expected-best", "--importance", *home).out
    for sentence in ("range: the ranks that the seeds leave open", "the best to expect", "not estimable: 4 contenders"):
        assert sentence in shown
    assert "generator_lr" in shown  # though only one contender of its variant is on the front


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--status", "gone"), "--status gone: expected all, or some of running"),
        (("--format", "csv", "--importance"), "--format csv holds the rows alone"),
        (("--format", "md", "--json"), "--json and --format md ask for two documents; leave one of them out"),
        (("--sort", "fd_lenat"), "did you mean 'fd_lenet'?"),
        (("--sort", ""), "--sort '': nothing recorded has this name; there are fd_lenet,"),
        (("--metric", "fid"), "no final score 'fid' is recorded"),
        (("--metric", ""), "no final score '' is recorded; there are coverage_lenet, fd_lenet, is_lenet"),
        (("--where", "fd_lenet<abc"), "expected a finite number after <, found 'abc'"),
    ],
)
def test_a_wrong_request_is_one_sentence(ganarena, recorded, options, said):
    refused = ganarena("leaderboard", *options, "--home", recorded.path)
    assert refused.status == 2
    assert said in refused.err


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(1.0, 2.0, "1 to 2"), (None, 2.0, "at most 2"), (1.0, None, "at least 1"), (None, None, "too few draws to tell")],
)
def test_a_band_that_the_draws_do_not_bound_says_so(low, high, told):
    point = {"draws": 1, "costs": {}, "scored": 1.0, "expected": 1.5, "median": 1.5, "low": low, "high": high}
    _, table = best_tables([{"experiment": "e", "attempt": 1, "draws": 2, "reason": None, "points": [point]}])
    assert list(table.columns[-1].cells) == [told]
