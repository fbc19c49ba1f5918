"""Somebody's own training function as a trial: its seeds take turns, are looked at together, and end one by one."""

import shutil
import sys
import threading

import pytest
import torch

from orchestrator.code import TRAINERS
from orchestrator.config import Budget, Evaluation
from orchestrator.errors import RequestError, WorkError
from orchestrator.space import Contender
from orchestrator.trial import Brief, pursue

NAME = "somewhere:train"
KEPT = ("kind", "step", "objective", "spent", "budget_class", "seeds", "replicas")


@pytest.fixture
def trial(monkeypatch):
    """Let a function train one contender as a trial would; return what was reported."""

    def run(train, *, seeds=(0, 1, 2), resume=None, keep=None, told=len) -> list[dict]:
        monkeypatch.setitem(TRAINERS, NAME, train)
        budget = {"steps": 30, "tick": 10}
        spec = {"hyperparameters": {"shift": 0.5}, "data": {"name": "ring8"}, "budget": budget}
        asked = {"evaluation": Evaluation(samples=100), "stop": ("diverged",), "objective": "fd", "cache": None}
        seen = []

        def report(event, folder):
            if keep is not None and not seen:
                shutil.copytree(folder, keep)
            replicas = [{key: value for key, value in each.items() if key != "seconds"} for each in event["replicas"]]
            seen.append({key: value for key, value in (event | {"replicas": replicas}).items() if key in KEPT})
            told(event)

        brief = Brief(**asked, budget=Budget(**budget), seeds=seeds, trainer=NAME)
        pursue(Contender(index=0, variant=NAME, **spec), brief, report, resume=resume)
        return seen

    return run


def walks(config, watch, until=1000):
    """A walk whose steps are drawn from the global stream, as many a loop draws."""
    place = torch.zeros(2)
    if watch.folder:
        place = torch.load(watch.folder / "place.pt", weights_only=True)
    for step in range(watch.step + 1, until):
        place = place + 0.01 * torch.randn(2) * config["shift"]
        reason = watch.tick(
            step,
            lambda n, place=place: place + torch.randn(n, 2),
            save=lambda folder, place=place: torch.save(place, folder / "place.pt"),
        )
        if reason:
            return


def statuses(event: dict) -> list[str]:
    return [replica["status"] for replica in event["replicas"]]


def test_all_seeds_are_looked_at_together_and_end_with_the_budget(trial):
    told = trial(walks)
    assert [(event["kind"], event["step"], event["spent"]) for event in told] == [
        ("tick", 10, 10),
        ("tick", 20, 20),
        ("tick", 30, 30),
    ]
    assert all([replica["step"] for replica in event["replicas"]] == [event["step"]] * 3 for event in told)
    assert statuses(told[0]) == ["running"] * 3
    assert statuses(told[-1]) == ["finished"] * 3
    assert all(replica["final"]["scores"].keys() == {"fd_identity"} for replica in told[-1]["replicas"])
    assert told[-1]["budget_class"] == {"unit": "steps", "amount": 30, "training": "train", "checkpoint": "final"}


def test_a_seed_among_others_draws_what_it_draws_alone(trial):
    together, alone = trial(walks), trial(walks, seeds=(1,))
    assert [event["replicas"][1] for event in together] == [event["replicas"][0] for event in alone]
    first, second, _ = (replica["scores"]["fd_identity"]["value"] for replica in together[0]["replicas"])
    assert first != second


def test_a_trial_moves_no_global_stream_and_leaves_no_thread(trial):
    before, threads = torch.random.get_rng_state(), threading.active_count()
    trial(walks)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert threading.active_count() == threads


def test_a_loop_that_saves_goes_on_from_its_checkpoint(trial, tmp_path):
    still = Still()
    whole = trial(still, keep=tmp_path / "saved")
    still.began.clear()
    assert trial(still, resume=tmp_path / "saved") == whole[1:]
    assert still.began == [10, 10, 10]


class Still:
    """A loop that draws nothing, so that a resumed one can equal the whole one."""

    def __init__(self) -> None:
        self.began: list[int] = []

    def __call__(self, _config, watch):
        at = float((watch.folder / "at").read_text()) if watch.folder else 0.0
        self.began.append(watch.step)
        for step in range(watch.step + 1, 1000):
            at += 0.1
            if watch.tick(
                step, lambda n, at=at: at + torch.randn(n, 2), save=lambda to, at=at: (to / "at").write_text(str(at))
            ):
                return


def test_a_loop_that_ends_early_is_scored_and_the_others_go_on(trial):
    told = trial(lambda config, watch: walks(config, watch, until=26 if watch.seed == 1 else 1000))
    assert [(event["kind"], event["step"]) for event in told] == [
        ("tick", 10),
        ("tick", 20),
        ("tick", 30),
        ("final", 30),
    ]
    assert told[-1]["seeds"] == [1]
    assert statuses(told[-1]) == ["finished"] * 3
    reasons = [replica["reason"] for replica in told[-1]["replicas"]]
    assert reasons == [None, "its loop ended after 25 of 30 steps", None]
    assert all(replica["final"] for replica in told[-1]["replicas"])


def test_a_loop_of_one_seed_that_ends_between_ticks_is_looked_at_where_it_ended(trial):
    told = trial(lambda config, watch: walks(config, watch, until=26), seeds=(0,))
    assert [(event["kind"], event["step"]) for event in told] == [("tick", 10), ("tick", 20), ("tick", 25)]
    assert told[-1]["replicas"][0]["reason"] == "its loop ended after 25 of 30 steps"
    assert told[-1]["budget_class"]["amount"] == 30


def test_a_loop_that_diverges_stops_alone(trial):
    def breaks(config, watch):
        for step in range(1, 1000):
            if watch.tick(step, lambda n, step=step: torch.randn(n, 2) / (watch.seed != 1 or step < 20)):
                return

    *_, last = trial(breaks)
    assert statuses(last) == ["finished", "stopped", "finished"]
    assert last["replicas"][1]["reason"].startswith("diverged at step 20: 100 of 100 samples are not finite")
    assert last["budget_class"]["checkpoint"] == "final"


@pytest.mark.parametrize(
    ("train", "error", "sentence"),
    [
        (lambda *_: None, WorkError, "returned before its first tick"),
        (lambda config, _: config["lr"], KeyError, "lr"),
        (
            lambda _, watch: [watch.tick(step + 2 * watch.seed, torch.randn) for step in (9, 19)],
            RequestError,
            "seed 0 at step 19 and seed 1 at step 11",
        ),
    ],
)
def test_a_loop_that_cannot_be_followed_fails_its_trial_and_leaves_no_thread(trial, train, error, sentence):
    threads = threading.active_count()
    with pytest.raises(error, match=sentence):
        trial(train)
    assert threading.active_count() == threads


def test_a_trial_that_is_told_to_leave_takes_its_threads_along(trial):
    threads, calls = threading.active_count(), []

    def leaves(config, watch):
        try:
            walks(config, watch)
        finally:
            calls.append(watch.seed)

    with pytest.raises(SystemExit):  # as Ray ends a trial that it prunes
        trial(leaves, told=lambda _: sys.exit(0))
    assert threading.active_count() == threads
    assert calls == [0, 1, 2]


def test_a_loop_that_goes_on_after_its_end_is_not_looked_at_again(trial):
    said = []

    def deaf(config, watch):
        said.extend(watch.tick(step, lambda n: torch.randn(n, 2)) for step in range(1, 41))

    assert [event["step"] for event in trial(deaf, seeds=(0,))] == [10, 20, 30]
    assert said == [None] * 29 + ["the budget of 30 steps is spent"] * 11
