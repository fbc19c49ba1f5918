"""Cleaning: what nobody needs goes, what somebody may need stays, and nothing goes while somebody writes."""

import json

import pytest

from orchestrator import cleaning
from orchestrator.home import Home
from orchestrator.recording.reading import read
from orchestrator.recording.recorder import Recorder
from tests.benchmarks.synthetic_store import Synthetic

STORY = Synthetic(contenders=3, replicas=1, ticks=2)


@pytest.fixture
def recorded(home: Home) -> Home:
    """A finished attempt, with two checkpoints of ten bytes for each of three contenders."""
    _record(home, STORY)
    return home


def _record(home: Home, story: Synthetic, *, events: int | None = None) -> None:
    folder = home.experiment(story.name) / f"attempt-{story.attempt:03d}"
    recorder = Recorder(home, folder)
    for event in list(story.events())[:events]:
        recorder.append(event)
        if event["kind"] == "tick":
            checkpoint = folder / event["contender"] / f"step-{event['step']}"
            checkpoint.mkdir(parents=True)
            (checkpoint / "training").write_text("0123456789")
    assert recorder.close(timeout=60)


def left(home: Home) -> set[str]:
    return {f"{file.parts[-4]}/{file.parts[-3][:3]}/{file.parts[-2]}" for file in home.path.rglob("training")}


def best_and_worst(home: Home) -> tuple[str, str]:
    ranked = sorted(read(home), key=lambda record: record.replicas[0].final["fd_lenet"].value)
    return ranked[0].run_id, ranked[-1].run_id


def index(home: Home, run_id: str) -> str:
    return next(record.contender[:3] for record in read(home) if record.run_id == run_id)


def test_of_a_finished_attempt_the_last_checkpoint_of_the_best_stays(recorded, ganarena):
    best, _ = best_and_worst(recorded)
    listed = ganarena("clean", STORY.name, "--checkpoints", "--yes", "--json", "--home", recorded.path).document
    assert [(part["kind"], part["files"], part["bytes"], part["freed"]) for part in listed] == [
        ("checkpoints", 5, 50, True)
    ]
    assert left(recorded) == {f"attempt-001/{index(recorded, best)}/step-32"}
    assert not [folder for folder in recorded.path.rglob("step-*") if not any(folder.iterdir())]


def test_a_pinned_contender_keeps_its_last_checkpoint_until_it_is_unpinned(recorded, ganarena):
    best, worst = best_and_worst(recorded)
    at = ("--home", recorded.path)
    assert ganarena("clean", STORY.name, "--pin", worst, *at).status == 0
    ganarena("clean", STORY.name, "--checkpoints", "--yes", *at)
    assert left(recorded) == {f"attempt-001/{index(recorded, run)}/step-32" for run in (best, worst)}
    ganarena("clean", STORY.name, "--unpin", worst, "--checkpoints", "--yes", *at)
    assert left(recorded) == {f"attempt-001/{index(recorded, best)}/step-32"}


def test_pinning_says_what_it_has_changed_and_what_it_has_not(recorded, ganarena):
    _, worst = best_and_worst(recorded)
    at = ("--home", recorded.path)
    assert ganarena("clean", "--unpin", worst, "--unpin", worst[:8], *at).out == f"{worst} was not pinned\n"
    assert ganarena("clean", "--pin", worst, "--dry-run", *at).out == f"{worst} would be pinned\n"
    assert ganarena("clean", "--pin", worst, *at).out == f"{worst} is now pinned\n"
    assert ganarena("clean", "--pin", worst, *at).out == f"{worst} was pinned already\n"
    assert ganarena("clean", "--unpin", worst, *at).out == f"{worst} is now unpinned\n"


def test_nothing_is_pinned_by_a_request_that_is_refused_or_only_tried(recorded, ganarena):
    _, worst = best_and_worst(recorded)
    pinned = "--checkpoints", "--pin", worst
    at = ("--home", recorded.path)
    for words in (("synthetik", *pinned, "--yes"), (STORY.name, *pinned), (STORY.name, *pinned, "--pin", "nothing")):
        assert ganarena("clean", *words, *at).status == 2
    tried, pin = ganarena("clean", STORY.name, *pinned, "--dry-run", "--json", *at).document
    assert (tried["files"], len(tried["kept"])) == (4, 2)
    assert (pin["run_id"], pin["pinned"], pin["done"]) == (worst, True, False)
    assert not [record for record in read(recorded) if record.pinned]


def test_an_attempt_that_can_be_resumed_keeps_every_last_checkpoint(home):
    _record(home, STORY, events=6)  # the beginning, three first ticks, two second ones
    cleaning.checkpoints(home, STORY.name).free()
    assert left(home) == {"attempt-001/000/step-32", "attempt-001/001/step-32", "attempt-001/002/step-16"}


def test_what_a_new_copy_goes_on_from_stays_though_its_original_has_gone_on(home):
    first, second, _ = STORY.configurations
    _record(home, STORY, events=4)  # the beginning, three first ticks
    folder = home.experiment(STORY.name) / "attempt-001"
    recorder = Recorder(home, folder)
    tick = STORY.tick(first, 1)
    copy = {"kind": "cloned", "contender": second, "from": first, "step": 16, "checkpoint": tick["checkpoint"]}
    recorder.append(copy | {"was": {}, "now": {}, "seconds": [1.0], "lineage": [f"{first}@16"]})
    recorder.append(STORY.tick(first, 2))
    assert recorder.close(timeout=60)
    (folder / first / "step-32").mkdir()
    (folder / first / "step-32" / "training").write_text("0123456789")
    part = cleaning.checkpoints(home, STORY.name)
    assert f"attempt-001 {second}: its copy goes on from here" in part.kept
    part.free()
    assert left(home) == {
        f"attempt-001/{kept}" for kept in ("000/step-16", "000/step-32", "001/step-16", "002/step-16")
    }


def test_nothing_goes_unasked_or_when_it_is_only_tried(recorded, ganarena):
    before = left(recorded)
    unasked = ganarena("clean", STORY.name, "--checkpoints", "--home", recorded.path)
    assert (unasked.status, unasked.out.splitlines()[0]) == (2, "checkpoints: 50 bytes in 5 files to free")
    assert "say --yes" in unasked.err
    tried = ganarena("clean", STORY.name, "--checkpoints", "--dry-run", "--json", "--home", recorded.path).document
    assert [part["freed"] for part in tried] == [False]
    assert left(recorded) == before


@pytest.mark.parametrize("options", [(STORY.name, "--checkpoints"), ("--cache",)])
def test_nothing_goes_while_a_writer_holds_the_name(recorded, ganarena, options):
    before = left(recorded)
    with recorded.writing(STORY.name):
        refused = ganarena("clean", *options, "--yes", "--home", recorded.path)
    assert refused.status == 2
    assert "is being written by process" in refused.err
    assert left(recorded) == before


def test_a_writer_of_another_name_keeps_the_cache_and_not_these_checkpoints(recorded, ganarena):
    (recorded.cache / "references").mkdir(parents=True)
    (recorded.cache / "references" / "r.safetensors").write_text("1234")
    with recorded.writing("another"):
        refused = ganarena("clean", "--cache", "--yes", "--home", recorded.path)
        assert refused.status == 2
        assert ganarena("clean", STORY.name, "--checkpoints", "--yes", "--home", recorded.path).status == 0
    freed = json.loads(ganarena("clean", "--cache", "--yes", "--json", "--home", recorded.path).out)
    assert [(part["kind"], part["bytes"]) for part in freed] == [("cache", 4)]
    assert not any(recorded.cache.rglob("*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("clean",), "say what to free"),
        (("clean", "--checkpoints"), "--checkpoints needs the NAME"),
        (("clean", "synthetik", "--checkpoints"), "no experiment 'synthetik'"),
        (("clean", STORY.name, "--cache"), "--cache frees what every experiment of the home shares; give it alone"),
        (("clean", STORY.name, "--checkpoints", "--cache"), "give it alone, without synthetic"),
        (("clean", "--pin", "synthetic/0", "--unpin", "synthetic/000"), "give it to one of --pin and --unpin"),
        (("clean", STORY.name, "--pin", "nothing"), "no run 'nothing'"),
    ],
)
def test_what_cannot_be_cleaned_is_a_wrong_request(recorded, ganarena, words, said):
    answer = ganarena(*words, "--home", recorded.path)
    assert answer.status == 2
    assert said in answer.err
