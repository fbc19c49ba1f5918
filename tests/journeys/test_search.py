"""A search from the command line: its document, its leaderboard, its promises about repeating and losing."""

import json
import os
import signal
from pathlib import Path

import psutil
import pytest
from arena import RING, document, final_scores, ganarena, journal, kill, recorded, start, wait_for

KEYS = ["experiment", "contenders", "finished", "stopped", "pruned", "failed", "wall_seconds", "utilisation", "best"]
ALL_FINISHED = {("search", "FINISHED"): 1, ("contender", "FINISHED"): 4, ("replica", "FINISHED"): 8}


def test_search_prints_one_document_with_the_designed_keys(ring):
    found = document(ring.done)
    assert list(found) == KEYS
    assert (found["contenders"], found["finished"], found["failed"]) == (4, 4, 0)
    assert 0 < found["utilisation"] <= 1
    assert set(found["best"]) == {"run_id", "variant", "config", "scores"}
    assert set(found["best"]["scores"]["modes"]) == {"value", "low", "high", "higher_is_better"}


def test_mlflow_holds_one_run_per_replica_and_each_step_once(ring):
    document(ring.done)
    kinds, series = recorded(ring.home)
    assert kinds == ALL_FINISHED
    assert series == [(20, 40, 60)] * 8


def test_leaderboard_ranks_every_contender_and_asking_again_changes_nothing(ring):
    first = ganarena("leaderboard", "--json", home=ring.home)
    (group,) = document(first)["groups"]
    assert [row["order"] for row in group["rows"]] == [1, 2, 3, 4]
    assert {row["unranked"] for row in group["rows"]} == {"2 seeds, and a rank takes 3"}
    values = [row["scores"]["fd_identity"]["value"] for row in group["rows"]]
    assert values == sorted(values)
    assert ganarena("leaderboard", "--json", home=ring.home).stdout == first.stdout


def test_a_quiet_search_says_its_result_and_not_what_to_type_next(ring):
    quiet, told = (ganarena("search", ring.file, "--resume", *words, home=ring.home).stdout for words in (("-q",), ()))
    assert "next:" in told
    assert "fd_identity" in quiet
    assert "next:" not in quiet


def test_two_contenders_are_held_against_each_other(ring):
    document(ring.done)
    found = document(ganarena("compare", "ring/0", "ring/1", "--json", home=ring.home))
    assert {"runs", "differences", "verdict"} <= set(found)
    assert {each["name"] for each in found["differences"]} <= {"generator_lr", "batch"}
    assert [len(run["curves"]["fd_identity"]) for run in found["runs"]] == [3, 3]
    (pair,) = found["verdict"]["pairs"]
    assert pair["low"] < pair["difference"] < pair["high"]
    assert Path(found["picture"]).stat().st_size > 10_000


def test_a_name_with_contenders_is_refused_and_resume_prints_the_result(ring):
    refused = ganarena("search", ring.file, home=ring.home)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    assert "--again" in refused.stderr
    again = document(ganarena("search", ring.file, "--resume", "--json", home=ring.home))
    assert again == json.loads(ring.done.stdout)


def test_resume_refuses_a_changed_file_with_the_difference(ring):
    refused = ganarena("search", ring.file, "--resume", "--set", "seeds=[0, 2]", home=ring.home)
    assert refused.returncode == 2
    assert "seeds was [0, 1] and is [0, 2]" in refused.stderr


def test_a_recorded_generator_draws_the_same_samples_for_the_same_seed(ring, tmp_path):
    import numpy as np

    run = document(ring.done)["best"]["run_id"]
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for file in files:
        drawn = document(ganarena("sample", run, "-n", 50, "-o", file, "--json", home=ring.home))
        assert drawn == {"run_id": run, "file": str(file)}
    first, second = (np.load(file)["samples"] for file in files)
    assert first.shape == (50, 2)
    assert (first == second).all()


@pytest.mark.long  # the first disaster of test_chaos.py kills a driver too, and compares every bit
def test_killed_with_its_driver_a_search_resumes_to_the_same_scores(ring, ring_file, tmp_path):
    home = tmp_path / "home"
    driver = start("search", ring_file, home=home)
    wait_for(driver, home, ticks=4)
    kill(driver)
    resumed = document(ganarena("search", ring_file, "--resume", "--json", home=home))
    assert resumed["finished"] == 4
    assert final_scores(home) == final_scores(ring.home)
    kinds, series = recorded(home)
    assert kinds == ALL_FINISHED
    assert series == [(20, 40, 60)] * 8


@pytest.mark.long
def test_a_lost_worker_costs_no_contender_and_no_bit(ring, ring_file, tmp_path):
    home = tmp_path / "home"
    driver = start("search", ring_file, home=home)
    wait_for(driver, home, ticks=2)
    workers = [
        child
        for child in psutil.Process(driver.pid).children(recursive=True)
        if child.cmdline()[:1] and child.cmdline()[0].startswith("ray::ImplicitFunc")  # Ray's name for a trial's actor
    ]
    assert workers
    os.kill(workers[0].pid, signal.SIGKILL)
    assert driver.wait(timeout=240) == 0
    assert final_scores(home) == final_scores(ring.home)
    kinds, series = recorded(home)
    assert kinds == ALL_FINISHED
    assert series == [(20, 40, 60)] * 8
    assert [event["status"] for event in journal(home) if event["kind"] == "end"] == ["finished"] * 4


@pytest.mark.long  # test_chaos.py holds a search against another one of the same file, bit for bit
def test_the_same_file_twice_gives_the_same_bits(ring, ring_file, tmp_path):
    home = tmp_path / "home"
    document(ganarena("search", ring_file, "--json", home=home))
    assert final_scores(home) == final_scores(ring.home)


@pytest.mark.long
def test_a_grid_twice_gives_the_same_bits(tmp_path):
    grid = tmp_path / "grid.yaml"
    law = "generator_lr: {choice: [1e-4, 1e-3]}"
    grid.write_text(
        RING.replace("generator_lr: {loguniform: [1e-4, 1e-3]}", law)
        .replace("sampler: random", "sampler: grid")
        .replace("contenders: 4, ", "")
    )
    homes = tmp_path / "first", tmp_path / "second"
    for home in homes:
        assert document(ganarena("search", grid, "--json", home=home))["finished"] == 4
    first, second = map(final_scores, homes)
    assert first == second
    assert len(first) == 8


@pytest.mark.long
def test_a_killed_search_that_prunes_loses_nothing_and_doubles_nothing(tmp_path):
    file, home = tmp_path / "halving.yaml", tmp_path / "home"
    file.write_text(RING.replace("scheduler: none", "scheduler: asha, grace: 20, reduction: 2"))
    driver = start("search", file, home=home)
    wait_for(driver, home, ticks=5)
    kill(driver)
    told = journal(home)
    resumed = document(ganarena("search", file, "--resume", "--json", home=home))
    assert resumed["finished"] + resumed["pruned"] == 4
    assert resumed["finished"] >= 1
    assert journal(home)[: len(told)] == told
    ends = [event for event in journal(home) if event["kind"] == "end"]
    assert len({event["contender"] for event in ends}) == len(ends) == 4
    assert all("not in the best 1/2" in event["reason"] for event in ends if event["status"] == "pruned")
    kinds, series = recorded(home)
    assert kinds["replica", "FINISHED"] == 2 * resumed["finished"]
    assert all(steps == (20, 40, 60)[: len(steps)] for steps in series)
    assert len(series) == 8
