"""The page about loops of one's own, run as it stands: a script, a search on Ray, and somebody else's trainer."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from arena import document, final_scores, ganarena, journal, kill, recorded, start, wait_for

from orchestrator.home import Home
from orchestrator.leaderboard import Group, Row
from orchestrator.review.store import groups

PAGE = Path(__file__).parents[2] / "docs" / "own_loop.md"


def block(heading: str, language: str) -> str:
    """Return the first block of code under a heading of the page."""
    section = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)[1]


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "script.py"
    file.write_text(script)
    environment = os.environ | {"GANARENA_HOME": str(folder / "home")}
    return subprocess.run(
        [sys.executable, str(file)], capture_output=True, text=True, check=False, cwd=folder, env=environment
    )


def only_row(home: Path) -> tuple[Group, Row]:
    """Return the leaderboard of a home that holds one contender."""
    (group,) = groups(Home.at(home))
    (row,) = group.rows
    return group, row


@pytest.mark.slow
def test_the_script_of_the_page_is_scored_recorded_and_ranked(tmp_path):
    script = block("In a script or a notebook", "python")
    added = [line for line in script.splitlines() if line.endswith("#")]
    assert len(added) <= 5
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("the budget of 200 steps is spent")
    _, row = only_row(tmp_path / "home")
    assert (row.variant, row.status, row.steps) == ("own loop", "finished", 200)
    kinds, series = recorded(tmp_path / "home")
    assert kinds == {("search", "FINISHED"): 1, ("contender", "FINISHED"): 1, ("replica", "FINISHED"): 1}
    assert series == [(50, 100, 150, 200)]


OPEN = """
import torch
from orchestrator import watch

loop = watch("open", data="ring8", evaluation={"samples": 100, "metrics": ["modes"]}, every=10)
for step in range(1, 21):
    loop.tick(step, lambda n: torch.randn(n, 2))
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("end", "stands"),
    [
        ("", ("finished", None)),
        ("raise ValueError('no more')", ("failed", "ValueError: no more")),
    ],
)
def test_a_program_that_ends_takes_its_watch_along(tmp_path, end, stands):
    run(OPEN + end, tmp_path)
    home = tmp_path / "home"
    group, row = only_row(home)
    assert (row.status, row.reason) == stands
    if row.status == "finished":
        assert group.budget_class == {"unit": "steps", "amount": 20, "training": "train", "checkpoint": "final"}
        assert row.scores.keys() == {"modes", "modes_1pct"}
    kinds, series = recorded(home)
    assert series == [(10, 20)]
    assert all(status != "RUNNING" for _, status in kinds)


@pytest.fixture
def searched(tmp_path):
    """The search of the page, in a folder with its module."""
    (tmp_path / "my_gan.py").write_text(block("Under `ganarena search`", "python"))
    file = tmp_path / "my_search.yaml"
    file.write_text(block("Under `ganarena search`", "yaml"))
    return file


@pytest.mark.long
def test_the_search_of_the_page_prunes_is_killed_and_goes_on(searched, tmp_path):
    home = tmp_path / "home"
    refused = ganarena("search", searched, home=home)
    assert refused.returncode == 2
    assert "--trust-code" in refused.stderr
    assert not home.exists()
    driver = start("search", searched, "--trust-code", home=home)
    wait_for(driver, home, ticks=4)
    kill(driver)
    told = journal(home)
    done = document(ganarena("search", searched, "--trust-code", "--resume", "--json", home=home))
    assert (done["contenders"], done["failed"]) == (4, 0)
    assert done["finished"] + done["pruned"] == 4
    assert done["finished"] >= 1
    assert journal(home)[: len(told)] == told
    kinds, series = recorded(home)
    assert kinds["replica", "FINISHED"] == 3 * done["finished"]
    assert all(steps == (20, 40, 60)[: len(steps)] for steps in series)
    (group,) = groups(Home.at(home))
    assert group.rows[0].variant == "my_gan:train"
    assert set(group.rows[0].config) >= {"lr", "width"}


@pytest.fixture
def theirs(tmp_path):
    """The search of the page for somebody else's trainer, in a folder with the module that the page's diff leads to."""
    diff = block("Somebody else's trainer", "diff").splitlines()
    module = [line[1:] for line in diff if not line.startswith("-")]
    before = [line[1:] for line in diff if not line.startswith("+")]
    added = [line for line in diff if line.startswith("+") and line != "+"]
    assert len(added) <= 5
    compile("\n".join(before), "before", "exec")
    (tmp_path / "their_gan.py").write_text("\n".join(module))
    file = tmp_path / "torchgan.yaml"
    file.write_text(block("Somebody else's trainer", "yaml"))
    return file


@pytest.mark.slow
def test_somebody_elses_trainer_is_searched_watched_and_ranked(theirs, tmp_path):
    home = tmp_path / "home"
    done = document(ganarena("search", theirs, "--trust-code", "--json", home=home))
    assert (done["finished"], done["failed"]) == (4, 0)
    (group,) = groups(Home.at(home))
    assert [row.rank for row in group.rows] == [1, 2, 3, 4]
    assert {(row.variant, row.replicas) for row in group.rows} == {("their_gan:train", 3)}
    assert any("collapsed" in row.alarms for row in group.rows)
    kinds, series = recorded(home, metric="fd_lenet")
    assert kinds["replica", "FINISHED"] == 12
    assert series == 12 * [(20, 40, 60)]


@pytest.mark.long
def test_somebody_elses_search_is_killed_and_goes_on_to_the_same_scores(theirs, tmp_path):
    undisturbed, home = tmp_path / "undisturbed", tmp_path / "home"
    document(ganarena("search", theirs, "--trust-code", "--json", home=undisturbed))
    driver = start("search", theirs, "--trust-code", home=home)
    wait_for(driver, home, ticks=4)
    kill(driver)
    told = journal(home)
    done = document(ganarena("search", theirs, "--trust-code", "--resume", "--json", home=home))
    assert (done["finished"], done["failed"]) == (4, 0)
    assert journal(home)[: len(told)] == told
    assert final_scores(home) == final_scores(undisturbed)
    kinds, series = recorded(home, metric="fd_lenet")
    assert kinds["replica", "FINISHED"] == 12
    assert series == 12 * [(20, 40, 60)]
