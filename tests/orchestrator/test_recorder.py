"""From events to MLflow: everything once, whatever is away or dies."""

import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from orchestrator import pictures
from orchestrator.errors import WorkError
from orchestrator.home import Home
from orchestrator.recording import recorder as recording
from orchestrator.recording import showcase, writing
from orchestrator.recording.artifacts import artifact, recorded_run
from orchestrator.recording.client import client, search
from orchestrator.recording.database import Database
from orchestrator.recording.files import files
from orchestrator.recording.journal import Event, Journal
from orchestrator.recording.layout import SHOWN
from orchestrator.recording.reading import read
from orchestrator.recording.recorder import Outbox, Recorder, flush
from orchestrator.recording.showcase import Showcase
from tests.benchmarks.synthetic_store import Synthetic

NAME = "000-abc"


def attempt() -> Event:
    experiment = {"name": "tiny", "seeds": [0], "evaluation": {}, "resources": {"cpus": 2, "gpus": 0}}
    experiment |= {"search": {"sampler": "random", "scheduler": "none"}}
    configuration = {
        "variant": "gan",
        "hyperparameters": {"batch": 16},
        "data": {"name": "ring8"},
        "budget": {"steps": 2},
    }
    return {
        "kind": "attempt",
        "attempt": 1,
        "folder": "tiny",
        "experiment": experiment,
        "contenders": {NAME: configuration},
        "objective": "fd_identity",
        "directions": {"fd_identity": False},
        "ticks": 2,
        "environment": {"device": "cpu"},
    }


def tick(step: int, value: float, *, last: bool = False) -> Event:
    score = {"value": value, "low": value - 1, "high": value + 1, "higher_is_better": False}
    replica = {
        "seed": 0,
        "status": "finished" if last else "running",
        "reason": None,
        "step": step,
        "images": step * 16,
    }
    replica |= {"seconds": 1.0, "scores": {"fd_identity": score}, "floors": {}, "diagnostics": {"generator_loss": 0.5}}
    replica |= {"fired": {}, "final": {"scores": {"fd_identity": score}, "floors": {}} if last else None}
    told = {"kind": "tick", "contender": NAME, "step": step, "images": step * 16, "spent": step, "objective": value}
    told |= {
        "parameters": 77,
        "protocol": {"dataset": {"name": "ring8"}},
        "budget_class": {"unit": "steps", "checkpoint": "final"},
    }
    return told | {"replicas": [replica], "began": 0.0, "busy": 1.0, "launch": 0.0, "checkpoint": "none"}


def end(tick_: Event | None) -> Event:
    return {"kind": "end", "contender": NAME, "status": "finished", "reason": None, "summary": {}, "tick": tick_}


def story() -> Iterator[Event]:
    yield attempt()
    yield tick(1, 5.0)
    yield tick(2, 4.0, last=True)
    yield end(tick(2, 4.0, last=True))
    yield {"kind": "close", "status": "finished", "reason": "1 finished"}


def folder(home: Home) -> Path:
    return home.path / "tune" / "tiny" / "attempt-001"


def recorded(home: Home) -> tuple[list[str], list[list[tuple[int, float]]]]:
    """Return the kinds of runs, and each replica's series."""
    store = client(home)
    runs = list(search(store, [each.experiment_id for each in store.search_experiments()]))
    kinds = sorted(run.data.tags["arena.kind"] for run in runs if "arena.kind" in run.data.tags)
    replicas = [run.info.run_id for run in runs if run.data.tags.get("arena.kind") == "replica"]
    history = [store.get_metric_history(run_id, "fd_identity") for run_id in replicas]
    return kinds, [[(point.step, point.value) for point in series] for series in history]


ONCE = (["contender", "replica", "search"], [[(1, 5.0), (2, 4.0)]])


def test_a_story_told_once_is_recorded_once_and_leaves_no_outbox(home):
    recorder = Recorder(home, folder(home))
    for event in story():
        recorder.append(event)
    assert recorder.close(timeout=60)
    assert recorded(home) == ONCE
    assert not Outbox.waiting(home)


def drawn_story() -> Iterator[Event]:
    """The same, but the contender is drawn during the search."""
    begun, *rest = story()
    yield begun | {"contenders": {}, "draws": 1}
    yield {"kind": "drawn", "contender": NAME, "configuration": begun["contenders"][NAME], "suggestion": {}, "seen": {}}
    yield from rest


@pytest.mark.parametrize("telling", [story, drawn_story])
def test_a_recorder_that_dies_between_any_two_events_loses_and_doubles_nothing(home, telling):
    told = list(telling())
    for event in told:
        recorder = Recorder(home, folder(home))  # a new process, as far as the files can tell
        recorder.append(event)
        assert recorder.close(timeout=60)
    assert recorded(home) == ONCE


def test_an_event_sent_but_not_noted_as_sent_changes_nothing_when_sent_again(home):
    recorder = Recorder(home, folder(home))
    for event in list(story())[:-1]:
        recorder.append(event)
    assert recorder.close(timeout=60)
    (folder(home) / "sent.json").unlink()  # as if the process had died before noting that anything was sent
    Outbox(home, folder(home)).open()
    flush(home)
    assert recorded(home) == ONCE
    assert not Outbox.waiting(home)


def test_what_was_sent_is_not_sent_again_by_whoever_goes_on(home, monkeypatch):
    recorder = Recorder(home, folder(home))
    for event in list(story())[:-1]:
        recorder.append(event)
    assert recorder.close(timeout=60)
    sent = []
    monkeypatch.setattr(writing.Writer, "apply", lambda _, told: sent.extend(event["kind"] for event, _ in told))
    recorder = Recorder(home, folder(home))
    recorder.append(list(story())[-1])
    assert recorder.close(timeout=60)
    assert sent == ["close"]


@pytest.mark.parametrize("left", [0, 100])
def test_a_journal_that_has_lost_what_is_recorded_is_refused_as_it_is(home, left):
    recorder = Recorder(home, folder(home))
    for event in list(story())[:-1]:
        recorder.append(event)
    assert recorder.close(timeout=60)
    path = recorder.journal.path
    path.write_bytes(lost := path.read_bytes()[:left])
    with pytest.raises(WorkError, match=rf"are recorded, but it holds {left}; restore the file, or use --again"):
        Recorder(home, folder(home))
    assert path.read_bytes() == lost


def test_two_never_send_the_same_records_at_once(home, monkeypatch):
    monkeypatch.setattr(recording, "OTHERS_SECONDS", 0.0)
    recorder = Recorder(home, folder(home))
    recorder.append(attempt())
    with pytest.raises(recording.RequestError, match="another command is still sending"):
        Recorder(home, folder(home))
    flush(home)
    assert Outbox.waiting(home)
    assert recorder.close(timeout=60)


def test_an_outbox_whose_attempt_is_gone_is_left_alone(home, caplog):
    Outbox(home, folder(home)).open()
    flush(home)
    assert len(Outbox.waiting(home)) == 1
    assert "which is gone" in caplog.text


def test_an_outbox_that_somebody_empties_while_it_is_looked_for_waits_no_more(home, monkeypatch):
    for number in (1, 2):
        Outbox(home, home.path / "tune" / "tiny" / f"attempt-{number:03d}").open()
    read_text = Path.read_text

    def emptied(mark: Path) -> str:
        if "001" in mark.parent.name:
            mark.unlink()
        return read_text(mark)

    monkeypatch.setattr(Path, "read_text", emptied)
    assert [outbox.folder.name for outbox in Outbox.waiting(home)] == ["attempt-002"]


def with_files(told: Iterator[Event], parent: Path) -> Iterator[tuple[Event, Path | None]]:
    """The story of two seeds, each with a picture at every tick and a generator at the end."""
    for event in told:
        if event["kind"] != "tick":
            yield event, None
            continue
        (first,) = event["replicas"]
        came = parent / f"files-{event['step']}"
        came.mkdir()
        for seed in (0, 1):
            pictures.save(torch.zeros(4, 2), came / f"samples_{seed}.png")
            if first["final"]:
                (came / f"generator_{seed}").mkdir()
                (came / f"generator_{seed}" / "weights").write_text("w")
        yield event | {"replicas": [first, first | {"seed": 1}]}, came


send, known_tables = Outbox.send, Database.of


class Faulty:
    """A store that does as it is told and fails to say so: the first time at call `number`, then never again."""

    def __init__(self, store: Any, calls: SimpleNamespace) -> None:
        self.store, self.calls = store, calls

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.store, name)
        if not name.startswith(("log_", "create_", "set_", "update_", "write", "keep")):
            return method

        def called(*arguments: Any, **named: Any) -> Any:
            answer = method(*arguments, **named)
            self.calls.made += 1
            if self.calls.made == self.calls.fails_at:
                raise ConnectionError("the answer was lost")
            return answer

        return called


def told_with(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, fails_at: int, at_once: int, known: bool
) -> int:
    """Tell a story whose sending begins when all of it is told; return the number of calls that it took."""
    calls, all_told = SimpleNamespace(made=0, fails_at=fails_at), threading.Event()
    monkeypatch.setattr(recording, "AT_ONCE", at_once)
    monkeypatch.setattr(Outbox, "send", lambda outbox: send(outbox) if all_told.wait(60) else ())
    for module in (writing, showcase):
        monkeypatch.setattr(module, "client", lambda home: Faulty(client(home), calls))
    monkeypatch.setattr(writing, "files", lambda home, address: Faulty(files(home, address), calls))
    tables = known_tables(home) if known else None
    monkeypatch.setattr(Database, "of", lambda _: tables and Faulty(tables, calls))
    monkeypatch.setattr(recording, "RETRY_SECONDS", (0.0,))
    recorder = Recorder(home, folder(home))
    for event, came in with_files(story(), tmp_path):
        recorder.append(event, came)
    all_told.set()
    assert recorder.close(timeout=60)
    return calls.made


def everything(home: Home) -> list[Any]:
    """All that the store holds of each run: description, numbers, status, and the names of its files."""
    store = client(home)
    found = []
    for run in search(store, [each.experiment_id for each in store.search_experiments()]):
        images = [part.path.rpartition("+timestamp")[0] for part in store.list_artifacts(run.info.run_id, "images")]
        listed = [part.path for part in store.list_artifacts(run.info.run_id)]
        tags = {key: value for key, value in run.data.tags.items() if key.startswith(("arena.", SHOWN))}
        found.append((run.info.run_name, run.info.status, tags, run.data.params, run.data.metrics, images, listed))
    return sorted(found, key=lambda each: each[0])


def shown(home: Home) -> tuple[list[str | None], list[tuple[str, list[str], int]]]:
    """What stands around the runs: descriptions of experiments, and the registry."""
    store = client(home)
    described = [each.tags.get("mlflow.note.content") for each in store.search_experiments()]
    models = [(each.name, sorted(each.aliases), len(each.latest_versions)) for each in store.search_registered_models()]
    return described, models


@pytest.mark.parametrize(
    ("every", "at_once", "known"),
    [
        pytest.param(8, 1, True, id="one by one"),
        pytest.param(8, 32, True, id="many at once"),
        pytest.param(8, 32, False, id="through MLflow"),
        pytest.param(1, 1, True, id="each of them", marks=pytest.mark.long),
    ],
)
def test_whichever_answer_of_the_store_is_lost_everything_is_recorded_once(
    home, empty_store, monkeypatch, tmp_path, every, at_once, known
):
    told = partial(told_with, monkeypatch=monkeypatch, at_once=at_once, known=known)
    calls = told(home, tmp_path=tmp_path, fails_at=0)
    undisturbed, around = everything(home), shown(home)
    assert around[1] == [("tiny", ["selected"], 1)]
    assert len(undisturbed) == 4
    assert [len(images) for *_, images, _ in undisturbed] == [0, 0, 4, 4]  # a picture and its thumbnail at each tick
    assert [SHOWN in tags for _, _, tags, *_ in undisturbed] == [False, False, True, True]
    for number in range(every // 2 + 1, calls + 1, every):
        other = Home(tmp_path / f"home-{number}")
        other.path.mkdir()
        shutil.copy(empty_store, other.path / "mlflow.db")
        parent = tmp_path / f"files-of-{number}"
        parent.mkdir()
        assert told(other, tmp_path=parent, fails_at=number) >= calls
        assert everything(other) == undisturbed, f"after the answer to call {number} was lost"
        assert shown(other) == around, f"after the answer to call {number} was lost"


def test_a_run_that_was_interrupted_and_goes_on_is_running_again(home):
    told = list(story())
    recorder = Recorder(home, folder(home))
    for event in (told[0], told[1], end(told[1]) | {"status": "interrupted"}, told[-1] | {"status": "interrupted"}):
        recorder.append(event)
    assert recorder.close(timeout=60)
    assert [each[1] for each in everything(home)] == ["KILLED"] * 3
    recorder = Recorder(home, folder(home))
    recorder.append(tick(2, 4.0))
    assert recorder.close(timeout=60)
    assert [each[1] for each in everything(home)] == ["RUNNING"] * 3
    assert {each[2]["arena.status"] for each in everything(home)} == {"running"}


def test_with_the_store_away_the_records_wait_and_the_next_command_sends_them(home, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # the discard port: nobody answers
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    recorder = Recorder(home, folder(home))
    for event in story():
        recorder.append(event)
    assert not recorder.close(timeout=1)
    assert "the next command sends them" in caplog.text
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert len(Outbox.waiting(home)) == 1
    flush(home)
    assert recorded(home) == ONCE
    assert not Outbox.waiting(home)


def test_what_was_recorded_reads_back(home):
    recorder = Recorder(home, folder(home))
    for event in story():
        recorder.append(event)
    recorder.close(timeout=60)
    (record,) = read(home)
    (replica,) = record.replicas
    assert (record.contender, record.variant, record.status, record.params["batch"]) == (NAME, "gan", "finished", "16")
    assert (replica.seed, replica.step, replica.images) == (0, 2, 32)
    assert (replica.final["fd_identity"].value, replica.final["fd_identity"].low) == (4.0, 3.0)
    assert (replica.seconds, replica.device_seconds, replica.parameters) == (1.0, 2.0, 77)  # two CPUs for a second
    assert (record.tags["arena.sampler"], record.metrics["images"]) == ("random", 32)


def test_what_one_contender_s_scores_are_about_to_mean_is_said_of_no_other(home):
    search = Synthetic(contenders=3, replicas=1, ticks=1)
    events = list(search.events())
    writing.Writer(home, events[0]).apply((event, home.path / "nothing") for event in events)
    before = {record.contender: record.budget_class for record in read(home)}
    assert len(before) == 3
    for record in read(home):
        document = artifact(home, recorded_run(home, record.run_id), "budget_class.json")
        was, stopped = document.read_text(), record.budget_class | {"checkpoint": "stopped"}
        document.write_text(json.dumps(stopped))  # as a writer does that has not yet come to the tag
        now = {each.contender: each.budget_class for each in read(home)}
        assert now | {record.contender: None} == before | {record.contender: None}
        document.write_text(was)


def test_a_contender_that_failed_before_its_first_tick_is_recorded_with_its_reason(home):
    recorder = Recorder(home, folder(home))
    recorder.append(attempt())
    recorder.append(end(None) | {"status": "failed", "reason": "ValueError: no"})
    assert recorder.close(60)
    (record,) = read(home)
    assert (record.contender, record.status, record.reason) == (NAME, "failed", "ValueError: no")
    assert record.protocol is None
    assert record.params["batch"] == "16"
    assert not record.replicas


def test_what_cannot_be_shown_holds_up_no_record(home, monkeypatch, caplog):
    def fails(*_):
        raise ValueError("too long")

    monkeypatch.setattr(Showcase, "after", fails)
    recorder = Recorder(home, folder(home))
    for event in story():
        recorder.append(event)
    assert recorder.close(timeout=60)
    assert recorded(home) == ONCE
    assert "not up to date: ValueError: too long" in caplog.text


def test_files_of_an_event_that_was_told_before_are_not_kept_again(home, monkeypatch, tmp_path):
    kept = []
    monkeypatch.setattr(Outbox, "keep", lambda _, event, __: kept.append(event["step"]))
    recorder = Recorder(home, folder(home))
    recorder.append(attempt())
    assert [recorder.append(tick(step, 5.0), tmp_path) for step in (1, 1, 2)] == [True, False, True]
    assert recorder.close(timeout=60)
    assert kept == [1, 2]


def test_what_the_store_refuses_holds_up_nothing_that_was_told_before(home, monkeypatch, caplog):
    journal = Journal(folder(home) / "journal.jsonl")
    for event in story():
        journal.append({"time": 1.0} | event)
    journal.close()
    apply = writing.Writer.apply

    def refuses(writer: writing.Writer, told: Any) -> None:
        events = list(told)
        if any(event["kind"] == "close" for event, _ in events):
            raise ValueError("no")
        apply(writer, events)

    monkeypatch.setattr(writing.Writer, "apply", refuses)
    Outbox(home, folder(home)).open()
    flush(home)
    assert "wait in" in caplog.text
    assert recorded(home) == ONCE
    (record,) = read(home)
    assert record.status == "finished"
    assert len(Outbox.waiting(home)) == 1


def test_a_contender_that_was_deleted_while_it_trained_is_begun_anew(home):
    told = list(story())
    recorder = Recorder(home, folder(home))
    recorder.append(told[0])
    recorder.append(told[1])
    assert recorder.close(timeout=60)
    store = client(home)
    for run in search(store, [each.experiment_id for each in store.search_experiments()]):
        store.delete_run(run.info.run_id)
    recorder = Recorder(home, folder(home))
    recorder.append(tick(2, 4.0))
    assert recorder.close(timeout=60)
    assert sorted(each[1] for each in everything(home)) == ["RUNNING"] * 3
