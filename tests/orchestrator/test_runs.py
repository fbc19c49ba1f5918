"""`ganarena runs`: what is recorded, and whether anybody is at it."""

from orchestrator.cli.review import LEFT
from orchestrator.recording.recorder import Recorder
from tests.benchmarks.synthetic_store import Synthetic

STORY = Synthetic(contenders=2, replicas=1, ticks=2)


def test_what_is_recorded_as_running_is_left_once_nobody_writes(home, ganarena):
    def listed() -> set[tuple[str, str | None]]:
        found = ganarena("runs", "--json", "--home", home.path).document
        return {(contender["status"], contender["reason"]) for contender in found}

    with home.writing(STORY.name):
        recorder = Recorder(home, home.attempt(STORY.name, STORY.attempt))
        for event in list(STORY.events())[:3]:
            recorder.append(event)
        assert recorder.close(timeout=60)
        assert listed() == {("running", None)}
    assert listed() == {("running", LEFT)}
    assert LEFT in ganarena("runs", "--home", home.path).out


def test_what_was_begun_and_recorded_nobody_yet_is_not_nothing(home, ganarena):
    assert "nothing is recorded yet" in ganarena("runs", "--home", home.path).out
    home.attempt("begun", 1).mkdir(parents=True)
    assert "no contender is recorded yet of what was begun" in ganarena("runs", "--home", home.path).out
