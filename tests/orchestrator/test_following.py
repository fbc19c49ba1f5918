"""Following a search from a second terminal: what its journal says, as it is written."""

import io
import time

import pytest
from rich.console import Console

from orchestrator import following
from orchestrator.following import Watched, follow
from orchestrator.home import Home
from orchestrator.recording.journal import Journal
from tests.benchmarks.synthetic_store import Synthetic

STORY = Synthetic(contenders=2, replicas=1, ticks=2)


@pytest.fixture
def journal(tmp_path):
    journal = Journal(Home(tmp_path).experiment(STORY.name) / "attempt-001" / "journal.jsonl")
    yield journal
    journal.close()


def rendered(watched: Watched) -> str:
    watched.advance()
    console = Console(file=io.StringIO(), width=160)
    console.print(watched.render())
    return console.file.getvalue()


def test_what_is_written_meanwhile_is_shown_and_a_line_cut_short_waits(tmp_path, journal):
    watched = Watched(Home(tmp_path), plain=False)
    assert "preparing data" in rendered(watched)
    told = list(STORY.events())
    journal.append(told[0])
    journal.append(told[1])
    assert "1/2" in rendered(watched)
    with journal.path.open("ab") as file:
        file.write(b'{"kind": "ti')
        file.flush()
        assert "1/2" in rendered(watched)
        file.truncate(journal.path.stat().st_size - len(b'{"kind": "ti'))
    for event in told[2:]:
        journal.append(event)
    assert "nothing is running" in rendered(watched)  # it is complete


def test_a_named_experiment_is_shown_when_it_is_complete_as_well(tmp_path, journal):
    for event in STORY.events():
        journal.append(event)
    shown = rendered(Watched(Home(tmp_path), [STORY.name], plain=False))
    assert "synthetic · attempt 1" in shown
    assert "2/2 contenders" in shown
    assert "nothing is running" in rendered(Watched(Home(tmp_path), plain=False))


def test_where_no_terminal_is_every_event_is_told_in_one_line_and_ctrl_c_is_no_failure(
    tmp_path, journal, monkeypatch, capsys
):
    told = list(STORY.events())
    for event in told[:4]:
        journal.append(event)

    def seen_enough(_: float) -> None:
        if journal.state.closed:
            raise KeyboardInterrupt
        for event in told[4:]:
            journal.append(event)

    monkeypatch.setattr(following, "time", type(time)("time"))
    following.time.sleep = seen_enough
    follow(Home(tmp_path))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["tick"] * 4 + ["finished"] * 2
    assert "2/2 contenders" in lines[-1]


@pytest.mark.parametrize(
    ("words", "said"), [(("--json",), "give one of them"), (("nobody",), "no experiment 'nobody'")]
)
def test_what_cannot_be_watched_is_a_wrong_request(ganarena, words, said):
    answer = ganarena("runs", "--watch", *words)
    assert answer.status == 2
    assert said in answer.err
