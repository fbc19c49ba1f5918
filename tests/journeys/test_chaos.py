"""Searches on an emulated cluster whose workers, raylets, nodes and drivers are killed at random times.

`python -m pytest -m chaos` runs ten disasters of each kind. What was survived is kept in the cache of pytest: the same
command goes on with what is left, and `--cache-clear` begins anew. The first of each kind is also run as a slow test.
"""

import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import pytest
from arena import document, ganarena, journal, kill, recorded, start, wait_for
from emulated import emulated

from orchestrator.config import load
from orchestrator.home import Home
from orchestrator.leaderboard import rank
from orchestrator.recording.decisions import DECISIONS, read, replay
from orchestrator.recording.reading import read as stored
from orchestrator.search.planning import make_plan
from orchestrator.space import Contender
from orchestrator.trial import Brief, pursue

SPACE = """
name: chaos
data: {name: ring8}
budget: {steps: 300, tick: 50}
seeds: [0]
evaluation: {samples: 500, metrics: [fd, modes]}
space:
  variant: {choice: [gan, lsgan]}
  generator_lr: {loguniform: [1e-4, 1e-2]}
search: {contenders: 16, KIND}
"""
STEPS = tuple(range(50, 301, 50))
PATIENCE = 600.0
ACCIDENTS = ("worker", "worker", "raylet", "node", "driver")

pytestmark = pytest.mark.chaos
disasters = pytest.mark.parametrize("seed", [pytest.param(0, marks=pytest.mark.slow), *range(1, 10)])


@dataclass(frozen=True)
class Asked:
    """A search: its file, and a home of its own."""

    file: Path
    home: Path

    @classmethod
    def of(cls, folder: Path, kind: str) -> "Asked":
        """Write the file."""
        file = folder / "chaos.yaml"
        file.write_text(SPACE.replace("KIND", kind))
        return cls(file, folder / "home")

    @property
    def ticks(self) -> int:
        """How many ticks its journal holds."""
        return sum(event["kind"] == "tick" for event in journal(self.home))

    def board(self):
        """Return its leaderboard without what only the store and the clock know."""
        rows = [row for group in rank(stored(Home.at(self.home))) for row in group.rows]
        return [(row.rank, row.contender, row.status, row.reason, row.scores, row.steps) for row in rows]


@pytest.fixture
def remember(request):
    """Skip what was survived before, where that is asked for; return what to call when it is."""
    if request.config.option.markexpr != "chaos":
        return lambda: None
    survived = request.config.cache.get("chaos/survived", [])
    if request.node.name in survived:
        pytest.skip("survived before")
    return lambda: request.config.cache.set("chaos/survived", [*survived, request.node.name])


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """Return the leaderboard of the search to which nothing happens; it is run once, if anybody asks."""

    @cache
    def board():
        asked = Asked.of(tmp_path_factory.mktemp("undisturbed"), "sampler: random")
        document(ganarena("search", asked.file, "--json", home=asked.home))
        return asked.board()

    return board


def survive(asked: Asked, seed: int) -> None:
    """Run a search on three nodes through one accident after the other, in an order and at times that a seed draws."""
    stream = Random(seed)
    accidents = stream.sample(ACCIDENTS, len(ACCIDENTS))
    with emulated(nodes=3, num_cpus=1) as cluster:
        there = ("--address", cluster.address)
        driver = start("search", asked.file, *there, home=asked.home)
        try:
            for accident in accidents:
                # Counted from the accident before: what it hit has begun to train again.
                wait_for(driver, asked.home, ticks=asked.ticks + stream.randrange(1, 5), timeout=PATIENCE)
                time.sleep(stream.random() / 4)
                assert driver.poll() is None, f"ended before it lost a {accident}"
                if accident == "driver":
                    kill(driver)
                    driver = start("search", asked.file, "--resume", *there, home=asked.home)
                else:
                    getattr(cluster, f"lose_a_{accident}")(stream)
            assert driver.wait(timeout=PATIENCE) == 0
        finally:
            kill(driver)


def assert_recorded_once(asked: Asked) -> None:
    """MLflow holds a run for each contender and replica, none of them running, and each step once."""
    kinds, series = recorded(asked.home)
    count = Counter(kind for kind, _ in kinds.elements())
    assert count == {"search": 1, "contender": 16, "replica": 16}
    assert not [kind for kind, status in kinds if status == "RUNNING"]
    assert all(steps == STEPS[: len(steps)] for steps in series)


@disasters
def test_whatever_is_killed_the_leaderboard_is_that_of_the_undisturbed_search(seed, undisturbed, tmp_path, remember):
    asked = Asked.of(tmp_path, "sampler: random")
    survive(asked, seed)
    assert_recorded_once(asked)
    assert asked.board() == undisturbed()
    assert len(undisturbed()) == 16
    remember()


@disasters
def test_whatever_is_killed_an_adaptive_search_loses_no_contender_and_scores_as_solo_runs_do(seed, tmp_path, remember):
    asked = Asked.of(tmp_path, "sampler: tpe, scheduler: asha, reduction: 2")
    survive(asked, seed)
    assert_recorded_once(asked)
    told = journal(asked.home)
    drawn = {event["contender"]: event["configuration"] for event in told if event["kind"] == "drawn"}
    ends = {event["contender"]: event for event in told if event["kind"] == "end"}
    assert len(drawn) == 16
    assert drawn.keys() == ends.keys()
    assert {end["status"] for end in ends.values()} <= {"finished", "pruned"}
    plan = make_plan(load(asked.file), Home.at(asked.home), "cpu", write=False)
    for name, end in ends.items():
        if end["status"] == "finished":
            assert end["tick"]["replicas"][0]["final"] == solo(Contender.named(name, drawn[name]), plan, asked.home)
    (attempt,) = asked.home.glob("tune/*/attempt-001")
    assert bare(replay(read(attempt / DECISIONS))) == bare(stored(Home.at(asked.home)))
    remember()


def solo(contender, plan, home):
    """Return the final scores of a contender that trains alone, without Ray."""
    events = []
    pursue(contender, Brief.of(plan, Home.at(home)), lambda event, _: events.append(event))
    return events[-1]["replicas"][0]["final"]


def bare(records):
    """The leaderboard, as far as decisions tell it."""
    return [(row.rank, row.contender, row.status, row.scores) for group in rank(records) for row in group.rows]
