"""From a journal to a study's rows, and from rows alone to its table."""

import pytest

from orchestrator.leaderboard import half_width
from orchestrator.recording.journal import State
from orchestrator.study import COLUMNS, read, rows, table, write


def score(value: float) -> dict:
    return {"value": value, "low": None, "high": None, "higher_is_better": True}


def replica(seed: int, step: int, modes: float, *, final: float | None = None) -> dict:
    told = {"seed": seed, "step": step, "status": "running", "reason": None, "floors": {"modes": 8.0}}
    told |= {"scores": {"modes": score(modes)}, "final": None}
    if final is not None:
        told |= {"final": {"scores": {"modes": score(final)}, "floors": {"modes": 8.0}}, "status": "finished"}
    return told


@pytest.fixture
def told(tmp_path):
    """The rows of two variants, written and read again: three seeds that end, and one of two that does not."""
    experiment = {"name": "tiny", "study": {"protocol": "arena"}}
    contenders = {name: {"variant": name, "data": {"name": "ring8"}} for name in ("gan", "wgan")}
    state = State()
    state.apply({"kind": "attempt", "experiment": experiment, "contenders": contenders})
    for name, step, replicas in (
        ("gan", 10, [replica(seed, 10, 3) for seed in (0, 1, 2)]),
        ("gan", 20, [replica(seed, 20, 4, final=seed + 1) for seed in (0, 1, 2)]),
        ("wgan", 10, [replica(0, 10, 5), replica(1, 10, 6)]),
        ("wgan", 20, [replica(0, 20, 7, final=7), replica(1, 10, 6)]),  # the second stopped unscored at step 10
    ):
        state.apply(
            {"kind": "tick", "contender": name, "step": step, "images": step, "objective": 1, "replicas": replicas}
        )
    path = tmp_path / "rows.csv"
    write(rows(state), path)
    assert not path.with_name("rows.csv.new").exists()
    return read(path)


def test_there_is_a_row_for_each_replica_tick_and_metric_and_one_for_its_end(told):
    assert tuple(told[0]) == COLUMNS
    assert len([row for row in told if row["split"] == "select"]) == 3 * 2 + 2 + 1
    assert [row["value"] for row in told if row["split"] == "final"] == [1, 2, 3, 7]


def test_the_table_gives_means_over_seeds_and_says_which_are_missing(told):
    gan, wgan = table(told, {"modes": True})
    half = half_width([1, 2, 3])
    assert gan["scores"]["modes"] == {"value": 2, "low": 2 - half, "high": 2 + half, "higher_is_better": True}
    assert (gan["replicas"], gan["failed"], gan["floors"]) == (3, 0, {"modes": 8})
    assert (wgan["replicas"], wgan["failed"]) == (1, 1)
    assert wgan["scores"]["modes"]["low"] is None


def test_a_variant_of_which_no_seed_was_scored_is_still_in_the_table(told):
    (gan,) = table([row for row in told if row["variant"] == "gan" and row["split"] == "select"], {"modes": True})
    assert (gan["replicas"], gan["failed"], gan["scores"]) == (0, 3, {})
