"""Searches that prune, audit and breed, from the command line."""

from pathlib import Path
from typing import Any

import pytest
from arena import RING, document, ganarena, journal, kill, start, wait_for

POPULATION = """
name: population
variant: r1gan
data: {name: ring8}
budget: {steps: 60, tick: 10}
evaluation: {samples: 200, metrics: [fd, modes]}
hyperparameters: {batch: 32, width: 16}
space:
  generator_lr: {loguniform: [1e-5, 1e-2]}
  penalty.weight: {loguniform: [0.1, 10]}
search: {contenders: 4, scheduler: pbt, population: {every: 20, quantile: 0.5}}
"""


def written(home: Path, kind: str) -> list[dict[str, Any]]:
    return [event for event in journal(home) if event["kind"] == kind]


def runs(home: Path) -> dict[str, Any]:
    """Return the runs of all contenders, by name, with the store that they are in."""
    from orchestrator.home import Home
    from orchestrator.recording.client import client, search

    store = client(Home.at(home))
    found = search(
        store, [each.experiment_id for each in store.search_experiments()], "tags.`arena.kind` = 'contender'"
    )
    return {run.data.tags["arena.contender"]: run for run in found} | {"store": store}


@pytest.mark.long
def test_a_killed_population_goes_on_from_the_copies_that_it_had_made(tmp_path):
    from orchestrator.config import SearchExperiment, load
    from orchestrator.space import Contender
    from orchestrator.trial import Brief, pursue

    file, home = tmp_path / "population.yaml", tmp_path / "home"
    file.write_text(POPULATION)
    driver = start("search", file, home=home)
    wait_for(driver, home, ticks=10)  # all have come to the first mark, and two go on as copies
    kill(driver)
    before = journal(home)
    assert document(ganarena("search", file, "--resume", "--json", home=home))["finished"] == 4
    assert journal(home)[: len(before)] == before
    assert [event["round"] for event in written(home, "round")] == [1, 2]
    clones = written(home, "cloned")
    assert {clone["step"] for clone in clones} <= {20, 40}
    assert len(clones) >= 2

    ticks = {(tick["contender"], tick["step"]): tick for tick in written(home, "tick")}
    assert len(ticks) == len(written(home, "tick")) == 4 * 6
    experiment = load(file)
    assert isinstance(experiment, SearchExperiment)
    brief = Brief(
        evaluation=experiment.evaluation,
        budget=experiment.budget,
        seeds=experiment.seeds,
        stop=experiment.stop,
        objective=experiment.objective,
        cache=None,
    )
    recorded = runs(home)
    for clone in clones:
        name, step = clone["contender"], clone["step"]
        again: list[dict[str, Any]] = []
        copy = Contender.named(name, journal(home)[0]["contenders"][name])
        resume = Path(clone["checkpoint"])
        if not resume.exists():
            continue  # it has made room for later ones
        pursue(copy, brief, lambda event, _, told=again: told.append(event), resume=resume, cloned=clone)
        assert again[0]["objective"] == ticks[name, step + 10]["objective"]
        run = recorded[name]
        assert run.data.tags["arena.lineage"].endswith(f"@{max(c['step'] for c in clones if c['contender'] == name)}")
        for key, value in clone["now"].items():
            series = recorded["store"].get_metric_history(run.info.run_id, f"hyperparameter/{key}")
            assert (step, value) in {(point.step, point.value) for point in series}
            assert [point.step for point in series] == sorted({point.step for point in series})
            assert float(run.data.params[key]) == series[0].value


@pytest.mark.long
def test_who_is_pruned_and_who_is_audited_is_recorded_with_the_reason(tmp_path):
    file, home = tmp_path / "pruning.yaml", tmp_path / "home"
    asked = "contenders: 8, scheduler: hyperband, reduction: 2, grace: 20, audit: 0.5, parallel: 2"
    file.write_text(RING.replace("contenders: 4, sampler: random, scheduler: none", asked))
    found = document(ganarena("search", file, "--json", home=home))
    assert found["finished"] + found["pruned"] == 8
    assert found["regret"]["share"] is None
    audited = {event["contender"]: event for event in written(home, "audited")}
    pruned = {event["contender"]: event["reason"] for event in written(home, "end") if event["status"] == "pruned"}
    assert not audited.keys() & pruned.keys()
    assert audited.keys() | pruned.keys()
    assert all(reason.startswith("hyperband") for reason in pruned.values())
    (group,) = document(ganarena("leaderboard", "--json", home=home))["groups"]
    rows = {row["contender"]: row for row in group["rows"]}
    for name, event in audited.items():
        assert (rows[name]["rank"], rows[name]["audited"], rows[name]["status"]) == (None, event["reason"], "finished")
        assert rows[name]["steps"] == 60
