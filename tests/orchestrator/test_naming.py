"""Wherever a run is asked for it is named alike, and one that is not there is refused by the same sentence."""

from typing import Any

import pytest

from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.recording.reading import read
from orchestrator.recording.writing import Writer
from orchestrator.review.naming import run_id
from tests.benchmarks.synthetic_store import Synthetic


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, empty_store: Any) -> Home:
    """A recorded search of two contenders, without generators."""
    home = Home(tmp_path_factory.mktemp("naming"))
    (home.path / "mlflow.db").write_bytes(empty_store.read_bytes())
    events = list(Synthetic(contenders=2, replicas=1, ticks=1).events())
    Writer(home, events[0]).apply((event, home.path / "nothing") for event in events)
    return home


COMMANDS = {
    "sample": ("sample", "RUN", "-o", "new.png"),
    "export": ("export", "RUN", "-o", "new.pt2"),
    "compare": ("compare", "RUN", "synthetic/0"),
    "pin": ("clean", "--pin", "RUN"),
    "unpin": ("clean", "--unpin", "RUN"),
    "train": ("train", "--from", "RUN", "--images", "5000"),
}
MISSING = {
    "synthetic/99": "no run 'synthetic/99': the latest attempt of synthetic has contenders 0 to 1",
    "synthetik/0": "no run 'synthetik/0': no experiment is called 'synthetik' (did you mean 'synthetic'?);"
    " `ganarena runs` lists all",
    "abc": "no run 'abc'; `ganarena runs` lists them: give an id, at least 4 signs of its beginning, or"
    " EXPERIMENT/INDEX",
    "": "no run ''; `ganarena runs` lists them: give an id, at least 4 signs of its beginning, or EXPERIMENT/INDEX",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_a_run_that_is_not_there_by_the_same_sentence(ganarena, recorded, tmp_path, command):
    for asked, sentence in MISSING.items():
        words = [asked if word == "RUN" else word for word in COMMANDS[command]]
        answer = ganarena(*words, "--home", recorded.path)
        assert (answer.status, answer.out, answer.err) == (2, "", f"ganarena: {sentence}\n")
    assert not list(tmp_path.iterdir())


def test_every_command_finds_a_run_by_its_place(ganarena, recorded, monkeypatch):
    first, second = (record.run_id for record in read(recorded))
    monkeypatch.setenv("GANARENA_HOME", str(recorded.path))
    pinned = ganarena("clean", "--pin", "synthetic/0", "--json").document
    assert pinned == [{"kind": "pin", "run_id": first, "pinned": True, "was": False, "done": True}]
    assert [record.pinned for record in read(recorded)] == [True, False]
    runs = ganarena("compare", "synthetic/0", second[:6], "--json").document["runs"]
    assert [run["run_id"] for run in runs] == [first, second]
    for command in ("sample", "export"):
        told = ganarena(*[word.replace("RUN", "synthetic/1") for word in COMMANDS[command]]).err
        assert f"run {second} recorded no generator" in told
    # Nobody trained it here, so its journal is missed, which is looked for once the run is found.
    assert "journal.jsonl is gone" in ganarena("train", "--from", "synthetic/1", "--images", "5000").err


def test_where_nothing_is_recorded_nothing_is_found(tmp_path):
    with pytest.raises(RequestError, match="nothing is recorded in"):
        run_id(Home(tmp_path), "0" * 32)
