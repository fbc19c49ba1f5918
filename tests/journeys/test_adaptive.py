"""A search whose contenders are drawn as results come and pruned as they train, killed in the middle and resumed."""

import pytest
from arena import board, document, ganarena, journal, kill, recorded, start, wait_for

from orchestrator.config import load
from orchestrator.home import Home
from orchestrator.recording.decisions import DECISIONS, read, replay
from orchestrator.recording.reading import read as stored
from orchestrator.search.adaptive import Tpe
from orchestrator.search.planning import make_plan
from orchestrator.space import Contender
from orchestrator.trial import Brief, pursue

ADAPTIVE = """
name: adaptive
data: {name: ring8}
budget: {steps: 60, tick: 20}
seeds: [0, 1]
evaluation: {samples: 500, metrics: [fd, modes]}
space:
  variant: {choice: [gan, wgan_gp]}
  generator_lr: {loguniform: [1e-4, 1e-2]}
  penalty.weight: {loguniform: [0.1, 10], when: {variant: wgan_gp}}
  batch: {choice: [32, 64]}
search: {contenders: 14, sampler: tpe, scheduler: asha, grace: 20, reduction: 2}
"""


@pytest.mark.long
def test_a_killed_adaptive_search_loses_no_contender_draws_none_twice_and_knows_all_that_it_saw(tmp_path):
    file, home = tmp_path / "adaptive.yaml", tmp_path / "home"
    file.write_text(ADAPTIVE)
    driver = start("search", file, home=home)
    wait_for(driver, home, ticks=16)
    kill(driver)
    told = journal(home)
    assert sum(event["kind"] == "drawn" for event in told) < 14
    resumed = document(ganarena("search", file, "--resume", "--json", home=home))
    after = journal(home)
    assert after[: len(told)] == told
    drawn = [event["contender"] for event in after if event["kind"] == "drawn"]
    assert [name[:3] for name in drawn] == [f"{index:03d}" for index in range(14)]
    ends = [event["contender"] for event in after if event["kind"] == "end"]
    assert sorted(ends) == sorted(drawn)
    assert resumed["contenders"] == resumed["finished"] + resumed["pruned"] == 14
    assert resumed["pruned"] >= 1
    kinds, series = recorded(home)
    assert {kind for kind, status in kinds if status == "RUNNING"} == set()
    assert all(steps == (20, 40, 60)[: len(steps)] for steps in series)
    assert len(series) == 28
    (attempt,) = home.glob("tune/*/attempt-001")
    lines = read(attempt / DECISIONS)
    assert board(replay(lines)) == board(stored(Home.at(home)))
    sampler = Tpe(load(file), (False,))
    for line in lines:
        if line["kind"] == "suggested":
            assert line["seen"] == sampler.seen
            assert line["suggestion"] == sampler.suggest()[1]
        sampler.take(line)
    assert_scores_of_the_best_are_those_of_its_solo_run(load(file), home, after)


def assert_scores_of_the_best_are_those_of_its_solo_run(experiment, home, told):
    finished = [event for event in told if event["kind"] == "end" and event["status"] == "finished"]
    best = min(finished, key=lambda event: event["tick"]["objective"])
    (configuration,) = (
        event["configuration"] for event in told if event["kind"] == "drawn" and event["contender"] == best["contender"]
    )
    plan = make_plan(experiment, Home.at(home), "cpu", write=False)
    solo = []
    pursue(
        Contender.named(best["contender"], configuration),
        Brief.of(plan, Home.at(home)),
        lambda event, _: solo.append(event),
    )
    for replica, alone in zip(best["tick"]["replicas"], solo[-1]["replicas"], strict=True):
        assert replica["final"] == alone["final"]
        assert replica["scores"] == alone["scores"]
