"""What is due of a run is written in one call, and its tags after all else."""

from typing import Any

import pytest
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from orchestrator.home import Home
from orchestrator.recording.batch import Batch
from orchestrator.recording.client import client
from orchestrator.recording.database import Database
from orchestrator.recording.writing import Writer
from tests.benchmarks.synthetic_store import Synthetic


class Listening:
    """A client that notes what is written, and writes nothing."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, set[str]]] = []

    def log_batch(self, run_id: str, **told: Any) -> None:
        self.calls.append((run_id, {kind for kind, found in told.items() if found}))


def point(step: int) -> Metric:
    return Metric("fd", 1.0, step, step)


def test_events_of_one_run_become_one_call_and_the_last_word_of_a_tag_counts():
    batch = Batch(heard := Listening())
    batch.add("a", params={"batch": "8"}, tags={"status": "running"})
    batch.add("b", metrics=[point(1)])
    batch.add("a", metrics=[point(1), point(2)], tags={"status": "finished"})
    assert batch.due["a"].tags == {"status": "finished"}
    batch.send()
    batch.send()  # nothing is left
    assert heard.calls == [("b", {"metrics"}), ("a", {"params", "metrics", "tags"})]


@pytest.mark.parametrize(
    ("params", "points", "calls"),
    [(100, 899, 1), (101, 1, 2), (1, 999, 2)],  # and one tag
)
def test_what_mlflow_would_cut_up_is_written_with_its_tags_apart_and_last(params, points, calls):
    batch = Batch(heard := Listening())
    batch.add("a", params={f"p{n}": "1" for n in range(params)}, metrics=[point(n) for n in range(points)])
    batch.add("a", tags={"described": "yes"})
    batch.send()
    assert len(heard.calls) == calls
    assert "tags" in heard.calls[-1][1]


@pytest.mark.parametrize("broken", ["_log_params", "_log_metrics"])
def test_mlflow_writes_tags_after_all_else_of_a_call(home, monkeypatch, broken):
    store = client(home)
    run_id = store.create_run(store.create_experiment("x")).info.run_id
    batch = Batch(store)
    batch.add(run_id, params={"batch": "8"}, metrics=[point(1)], tags={"described": "yes"})

    def fails(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(SqlAlchemyStore, broken, fails)
        with pytest.raises(MlflowException):
            batch.send()
    assert "described" not in store.get_run(run_id).data.tags
    batch.send()
    assert store.get_run(run_id).data.tags["described"] == "yes"


@pytest.fixture
def through_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tables of no database be known."""
    monkeypatch.setattr(Database, "of", lambda _: None)


@pytest.mark.usefixtures("through_mlflow")
def test_a_search_ends_after_its_contenders_and_they_after_their_replicas(home: Home, monkeypatch):
    story = list(Synthetic(contenders=2, replicas=2, ticks=1).events())
    writer, heard = Writer(home, story[0]), Listening()
    monkeypatch.setattr(writer.client, "log_batch", heard.log_batch)
    writer.apply((event, home.path / "nothing") for event in story)
    identities = {run_id: identity for identity, run_id in writer.runs.items()}
    written = [identities[run_id] for run_id, _ in heard.calls]
    assert len(written) == len(set(written)) == 7
    for contender in story[0]["contenders"]:
        assert max(written.index((contender, seed)) for seed in (0, 1)) < written.index((contender, None))
    assert written[-1] == ("", None)


@pytest.mark.usefixtures("through_mlflow")
def test_a_backlog_takes_a_call_a_run_however_many_events_it_holds(home: Home, monkeypatch):
    story = list(Synthetic(contenders=1, replicas=3, ticks=20).events())
    writer = Writer(home, story[0])
    writer.apply((event, home.path / "nothing") for event in story[:2])
    heard, log_batch = Listening(), writer.client.log_batch

    def listened(run_id: str, **told: Any) -> None:
        heard.log_batch(run_id, **told)
        log_batch(run_id, **told)

    monkeypatch.setattr(writer.client, "log_batch", listened)
    writer.apply((event, home.path / "nothing") for event in story[2:-2])
    written = [run_id for run_id, _ in heard.calls]
    assert sorted(written) == sorted(run_id for (contender, _), run_id in writer.runs.items() if contender)
    history = client(home).get_metric_history(writer.runs[next(iter(story[0]["contenders"])), 0], "fd_lenet")
    assert [each.step for each in history] == [16 * tick for tick in range(1, 21)]
