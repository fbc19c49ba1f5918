"""Confirmation, on journals made by hand: who is trained again, and how lucky the selection was."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from orchestrator.config.models import SearchExperiment
from orchestrator.recording.journal import Event, State
from orchestrator.search.confirmation import DEFAULT, choose, results, selected
from orchestrator.space import contenders, default

EXPERIMENT = SearchExperiment.model_validate(
    {
        "name": "x",
        "data": "ring8",
        "budget": {"steps": 20, "tick": 10},
        "seeds": [0, 1],
        "hyperparameters": {"batch": 16},
        "baselines": ["gmm"],
        "space": {"variant": {"choice": ["gan", "wgan"]}, "latent": {"choice": [2, 3, 4]}},
        "search": {"sampler": "grid", "confirm": {"top": 2, "seeds": [10, 11, 12]}},
    }
)
DRAWN = {contender.name: contender.configuration for contender in contenders(EXPERIMENT)}
A, B, C, D, E, F, BASELINE = DRAWN
"""Three of `gan`, three of `wgan`, and the baseline."""


def state(scores: Mapping[str, Sequence[float | None]], *, higher: bool = False, **classes: str) -> State:
    """A search that is over, with these final scores a replica; `classes` names other budget classes than `final`."""
    told = State()
    experiment = EXPERIMENT.model_dump(mode="json", exclude_none=True)
    attempt = {"kind": "attempt", "experiment": experiment, "contenders": DRAWN, "objective": "fd_identity"}
    attempt |= {"confirm": True}
    told.apply(attempt | {"directions": {"fd_identity": not higher}})
    tell(told, scores, higher=higher, **classes)
    return told


def tell(told: State, scores: Mapping[str, Sequence[float | None]], *, higher: bool = False, **classes: str) -> None:
    for name, values in scores.items():
        told.apply(tick(name, values, higher=higher, checkpoint=classes.get(name, "final")))
        told.apply({"kind": "end", "contender": name, "status": "finished", "reason": None})


def tick(name: str, values: Sequence[float | None], *, higher: bool, checkpoint: str) -> Event:
    replicas = [{"status": "finished", "reason": None, "final": final(value, higher=higher)} for value in values]
    meaning = {"protocol": {"dataset": {"name": "ring8"}}, "budget_class": {"checkpoint": checkpoint}}
    return {"kind": "tick", "contender": name, "step": 20, "objective": None, "replicas": replicas, **meaning}


def final(value: float | None, *, higher: bool) -> dict[str, Any] | None:
    if value is None:
        return None
    score = {"value": value, "low": None, "high": None, "higher_is_better": higher}
    return {"scores": {"fd_identity": score}, "floors": {}}


SCORES = {A: [5, 7], B: [4, 4], C: [1, None], D: [3, 6], E: [9, 9], F: [8, 8], BASELINE: [0.1, 0.1]}


@pytest.mark.parametrize(
    ("top", "best"),
    [
        (1, [B]),
        (2, [B, D]),  # not C, the lucky survivor, and not the baseline
        (3, [B, D, A]),
        (100, [B, D, A, F, E]),
    ],
)
def test_the_best_complete_contenders_are_selected_by_their_mean_final_score(top, best):
    assert selected(state(SCORES), top) == best


def test_where_higher_is_better_the_highest_are_selected():
    assert selected(state(SCORES, higher=True), 2) == [E, F]


def test_only_those_that_may_be_ranked_together_are_selected_from_the_largest_group():
    stopped_early = dict.fromkeys((B, D), "stopped")
    assert selected(state(SCORES, **stopped_early), 3) == [A, F, E]


def test_contenders_that_are_equal_are_confirmed_once():
    told = state(SCORES)
    told.configurations[D] = told.configurations[B]
    assert selected(told, 2) == [B, A]


def test_a_contender_that_only_an_audit_kept_is_not_selected():
    told = state(SCORES)
    told.apply({"kind": "audited", "contender": B, "at": 10, "probability": 0.5, "reason": "asha"})
    assert selected(told, 1) == [D]


def test_equal_scores_are_selected_in_the_order_of_their_names():
    assert selected(state({F: [1], A: [1], D: [1]}), 2) == [A, D]


def test_the_best_and_the_defaults_of_the_best_variant_are_trained_again_under_names_of_their_own():
    event = choose(EXPERIMENT, state(SCORES))
    assert list(event["confirms"].values()) == [B, D, DEFAULT]
    assert [name.split("-")[0] for name in event["contenders"]] == ["007", "008", "009"]
    first, second, usual = event["contenders"].values()
    assert (first, second) == (DRAWN[B], DRAWN[D])
    assert usual == default(EXPERIMENT, "gan").configuration
    assert (usual["hyperparameters"]["batch"], usual["variant"]) == (16, "gan")
    assert event["seeds"] == [10, 11, 12]


def test_defaults_that_were_selected_are_not_trained_twice():
    told = state(SCORES)
    told.configurations[D] = default(EXPERIMENT, "gan").configuration
    assert list(choose(EXPERIMENT, told)["confirms"].values()) == [B, D]


def test_without_a_final_score_nothing_is_confirmed_and_the_search_is_over():
    told = state({name: [None, None] for name in DRAWN})
    assert told.searched
    assert not told.done
    told.apply(choose(EXPERIMENT, told))
    assert told.done
    assert results(told) == {"confirmed": [], "optimism": None}


def test_the_choice_is_made_once_and_the_search_is_done_when_all_of_them_have_ended():
    told = state(SCORES)
    event = choose(EXPERIMENT, told)
    assert told.accepts(event)
    told.apply(event)
    assert not told.accepts(event)
    assert told.left == list(event["contenders"])
    assert (told.searched, told.unconfirmed, told.done) == (True, False, False)
    tell(told, {name: [1, 1, 1] for name in told.left})
    assert told.done
    assert told.counts()["finished"] == len(DRAWN)


def test_optimism_is_the_selected_less_the_confirmed_score_and_none_where_they_may_not_be_compared():
    told = state(SCORES)
    told.apply(choose(EXPERIMENT, told))
    first, second, usual = told.confirms
    tell(told, {first: [6, 7, 8], second: [5, 5, 5], usual: [9, 9, 9]}, **{second: "stopped"})
    found = results(told)
    assert [row["optimism"] for row in found["confirmed"]] == [4 - 7, None, None]
    assert [row["confirms"] for row in found["confirmed"]] == [B, D, DEFAULT]
    assert [(row["selected"] or {}).get("value") for row in found["confirmed"]] == [4, 4.5, None]
    assert [row["score"]["value"] for row in found["confirmed"]] == [7, 5, 9]
    assert found["optimism"] == -3


def test_a_repetition_that_lost_a_replica_tells_no_optimism():
    told = state(SCORES)
    told.apply(choose(EXPERIMENT, told))
    first, second, _ = told.confirms
    tell(told, {first: [1, None, 1], second: [5.5, 5.5, 5.5]})
    found = results(told)
    assert [row["optimism"] for row in found["confirmed"]] == [None, -1, None]
    assert found["optimism"] == -1
