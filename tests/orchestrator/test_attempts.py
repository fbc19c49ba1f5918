"""Which attempt a command goes on with, and when it refuses to."""

import fcntl
import json
import os

import pytest

from orchestrator.config.loop import LoopExperiment
from orchestrator.config.models import SearchExperiment
from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.search import search
from orchestrator.search.attempts import choose_attempt
from orchestrator.study import study

ASKED = {"name": "x", "variant": "gan", "data": "ring8", "budget": {"steps": 2, "tick": 1}}
ASKED |= {"space": {"batch": {"choice": [8, 16]}}, "search": {"contenders": 2, "metric": ["fd", "seconds"]}}


@pytest.fixture
def resumed(tmp_path):
    """Go on with an attempt whose record was changed, for the file as it is."""

    def resume(change):
        experiment = SearchExperiment.model_validate(ASKED)
        recorded = experiment.model_dump(mode="json", exclude_none=True)
        change(recorded)
        folder = Home(tmp_path).next_attempt("x")
        folder.mkdir(parents=True)
        (folder / "journal.jsonl").write_text(json.dumps({"kind": "attempt", "experiment": recorded}) + "\n")
        return choose_attempt(experiment, Home(tmp_path), resume=True, again=False) == folder

    return resume


def test_a_key_that_is_newer_than_the_record_had_its_default_then(resumed):
    assert resumed(lambda _: None)
    assert resumed(lambda recorded: recorded["search"].pop("audit"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda recorded: recorded.update(seeds=[7]), r"seeds was \[7\] and is \[0\]"),
        (lambda recorded: recorded["search"].update(audit=0.5), r"search\.audit was 0\.5 and is 0\.0"),
        (lambda recorded: recorded["search"].update(gone=1), r"search\.gone was 1 and is None"),
    ],
)
def test_what_was_asked_otherwise_is_refused_with_the_difference(resumed, change, told):
    with pytest.raises(RequestError, match=told):
        resumed(change)


@pytest.mark.parametrize(
    ("writer", "said"),
    [
        ("4711", "'x' is being written by process 4711; wait for it, stop it, or use another name"),
        (str(os.getpid()), "'x' is recorded already: --resume goes on with it, --again makes a new attempt"),
        (None, "'x' is recorded already: --resume goes on with it, --again makes a new attempt"),
    ],
    ids=["another process", "this process", "nobody"],
)
def test_who_comes_second_is_told_who_is_at_it_and_offered_no_new_attempt(tmp_path, writer, said):
    experiment, home = SearchExperiment.model_validate(ASKED), Home(tmp_path)
    folder = home.next_attempt("x")
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").touch()
    with (folder.parent / "lock").open("w") as lock:
        lock.write(writer or "4711")  # of one that has left, too, the number stands there
        lock.flush()
        if writer:
            fcntl.flock(lock, fcntl.LOCK_EX)
        for _ in range(2):  # who asks takes nothing
            with pytest.raises(RequestError) as error:
                choose_attempt(experiment, home, resume=False, again=False)
            assert str(error.value).startswith(said)


def test_a_loop_goes_on_from_a_record_that_lacks_a_newer_key():
    asked = {"name": "x", "variant": "mine", "data": {"name": "ring8"}, "config": {"lr": 0.1}, "seed": 3}
    experiment = LoopExperiment.model_validate(asked | {"budget": {"steps": 60, "tick": 20}})
    recorded = experiment.as_recorded()
    older = {key: value for key, value in recorded.items() if key != "generator"}
    assert experiment.as_read_today(recorded) == experiment.as_read_today(older) == recorded
    unread = older | {"gone": 1}
    assert experiment.as_read_today(unread) == unread


@pytest.mark.parametrize("begin", [search, study])
def test_from_python_the_ways_on_are_arguments(tmp_path, begin):
    asked = dict(ASKED)
    if begin is study:
        asked = {"name": "x", "budget": ASKED["budget"], "study": {"variants": ["gan"], "data": ["ring8"]}}
    folder = Home(tmp_path).next_attempt("x")
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").touch()
    file = tmp_path / "x.yaml"
    file.write_text(json.dumps(asked))
    with pytest.raises(RequestError, match="resume=True goes on with it, again=True makes a new attempt"):
        begin(file, tmp_path)
