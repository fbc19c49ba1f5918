"""Frames of what is recorded, and the example of the documentation as it stands there."""

import re
from pathlib import Path

import pytest

from orchestrator import compare, curves, leaderboard, load_generator, runs
from orchestrator.errors import RequestError
from orchestrator.recording.writing import Writer
from tests.benchmarks.synthetic_store import Synthetic

GUIDE = Path(__file__).parents[2] / "docs" / "review.md"


@pytest.fixture
def recorded(home):
    """A search of three contenders with three replicas each."""
    events = list(Synthetic(contenders=3, replicas=3, ticks=2).events())
    Writer(home, events[0]).apply((event, home.path / "nothing") for event in events)
    return home


def test_runs_are_a_row_for_each_replica_and_contenders_a_row_each(recorded):
    seeds, board = runs(home=recorded.path), leaderboard(home=recorded.path)
    assert len(seeds) == 9
    assert set(seeds["seed"]) == {0, 1, 2}
    assert (seeds["status"] == "finished").all()
    assert seeds["batch"].eq(64).all()  # a number, and not MLflow's text
    assert board["rank"].tolist() == [1, 2, 3]
    means = seeds.groupby("contender")["fd_lenet"].mean()
    assert board["fd_lenet"].tolist() == pytest.approx(means[board["contender"]].tolist())
    least = board["generator_lr"].min()
    assert len(leaderboard(home=recorded.path, where=[f"generator_lr<={least}"])) == 1
    assert leaderboard(home=recorded.path, sort="-generator_lr")["generator_lr"].is_monotonic_decreasing


@pytest.mark.parametrize(
    ("door", "given", "named", "said"),
    [
        (leaderboard, (5,), {}, "expected the name of an experiment, found 5"),
        (runs, (None,), {}, "expected the name of an experiment, found None"),
        (curves, (["a"],), {}, "expected the name of an experiment, found ['a']"),
        (leaderboard, (), {"sort": 5}, "expected the name of a column, such as 'seconds', found 5"),
        (leaderboard, (), {"metric": 5}, "expected the name of a metric, such as 'fd', found 5"),
        (
            leaderboard,
            (),
            {"where": "a<5"},
            "expected a list of conditions, such as ['generator_lr<1e-3'], found 'a",
        ),
        (leaderboard, (), {"where": [5]}, "expected a condition, such as 'generator_lr<1e-3', found 5"),
        (compare, (1, 2), {}, "expected a run: an id, the beginning of one, or EXPERIMENT/INDEX, found 1"),
        (compare, ("a", "b"), {"metric": 5}, "expected the name of a metric, such as 'fd', found 5"),
        (load_generator, (5,), {}, "expected a run: an id, the beginning of one, or EXPERIMENT/INDEX, found 5"),
    ],
)
def test_what_is_no_name_is_refused_whether_or_not_anything_is_recorded(tmp_path, door, given, named, said):
    with pytest.raises(RequestError) as error:
        door(*given, home=tmp_path / "nowhere", **named)
    assert str(error.value).startswith(said)
    assert not list(tmp_path.iterdir())


def test_nothing_recorded_is_an_empty_frame(tmp_path):
    assert runs(home=tmp_path / "nowhere").empty
    assert leaderboard(home=tmp_path / "nowhere").empty


def test_the_example_of_the_guide_runs_as_it_stands(recorded, monkeypatch, capsys):
    monkeypatch.setenv("GANARENA_HOME", str(recorded.path))
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    exec(example, {})  # noqa: S102
    assert "fd_lenet" in capsys.readouterr().out
