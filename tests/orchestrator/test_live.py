"""The live view: what it shows of a large search, and what it says in one line."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator import search, study
from orchestrator.errors import Interrupted
from orchestrator.live import SHOWN, View, sparkline
from orchestrator.recording.journal import State
from orchestrator.search import conducting

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def attempt(count: int) -> State:
    state = State()
    contenders = {f"{index:03d}": {"variant": "gan"} for index in range(count)}
    directions = {"fd": False}
    told = {"contenders": contenders, "ticks": 4, "objective": "fd", "directions": directions}
    state.apply(told | {"kind": "attempt", "experiment": {"baselines": ["gmm"]}})
    return state


def tick(state: State, name: str, objective: float | None, status: str = "running", reason: str | None = None) -> dict:
    event = {"kind": "tick", "contender": name, "step": 10, "objective": objective, "began": 0.0}
    event |= {"replicas": [{"status": status, "reason": reason}]}
    state.apply(event)
    return event


def rendered(view: View) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(view.render())
    return console.file.getvalue()


@pytest.mark.parametrize("running", [0, 1, SHOWN - 1, SHOWN, SHOWN + 4])
def test_of_many_contenders_those_at_work_are_shown_and_the_last_that_ended(running):
    state, view = attempt(200), View()
    for index in range(150):
        event = tick(state, f"{index:03d}", 1.0, "running" if index < running else "finished")
    view.announce(event, state)
    lines = rendered(view).splitlines()[1:-1]
    assert len(lines) == max(SHOWN, running)
    assert sum("running" in line for line in lines) == running
    if running < SHOWN:
        assert lines[-1].split()[0] == "149"


def test_one_line_says_how_far_it_is_and_who_leads():
    state, view = attempt(3), View()
    view.announce(tick(state, "000", 5.0), state)
    view.announce(tick(state, "001", 2.0, "stopped", "not finite"), state)
    view.announce(tick(state, "002", None), state)
    assert view.headline().startswith("1/3 contenders · 1 stopped · best fd 2 (001) · about ")
    assert "stopped  not finite" in rendered(view)


def test_a_baseline_never_leads():
    state, view = attempt(2), View()
    state.attempt["contenders"]["000"]["variant"] = "gmm"
    tick(state, "000", 1.0)
    view.announce(tick(state, "001", 5.0), state)
    assert view.best() == ("001", 5.0)


def test_who_goes_on_for_an_audit_alone_never_leads():
    state, view = attempt(2), View()
    tick(state, "000", 1.0)
    event = {"kind": "audited", "contender": "000", "at": 10, "probability": 0.2, "reason": "asha at 10 steps"}
    state.apply(event)
    view.announce(tick(state, "001", 5.0), state)
    assert view.best() == ("001", 5.0)


def test_plain_lines_tell_of_copies_and_of_audits():
    view = View()
    view.lines = io.StringIO()
    clone = {"kind": "cloned", "contender": "003", "from": "001", "step": 4000, "now": {"generator_lr": 0.00123456}}
    view.announce(clone, attempt(4))
    view.announce(
        {"kind": "audited", "contender": "002", "reason": "asha at 10 steps: not in the best 1/3"}, attempt(4)
    )
    assert view.lines.getvalue().splitlines() == [
        "003 goes on as a copy of 001 at step 4,000: generator_lr 0.001235",
        "002 goes on as an audit: asha at 10 steps: not in the best 1/3",
    ]


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize(("door", "file"), [(search, "demo.yaml"), (study, "study_ring.yaml")])
def test_from_python_a_search_tells_how_it_goes_unless_it_is_quiet(monkeypatch, capsys, tmp_path, door, file, quiet):
    def conduct(experiment, home, *, announce, **how):
        state = attempt(1)
        announce(tick(state, "000", 5.0), state)
        raise Interrupted(f"{how}")

    monkeypatch.setattr(conducting, "conduct", conduct)
    with pytest.raises(Interrupted, match="'again': True, 'device': 'cpu'"):
        door(EXPERIMENTS / file, tmp_path, again=True, device="cpu", quiet=quiet)
    assert capsys.readouterr() == ("", "" if quiet else "000 tick 1/4 fd 5\n")


def test_a_curve_goes_from_low_to_high_and_leaves_out_what_was_not_scored():
    assert sparkline([1.0, None, 2.0, 3.0]) == "▁▄█"
    assert sparkline([1.0]) == ""
    assert sparkline([2.0, 2.0]) == "▁▁"
