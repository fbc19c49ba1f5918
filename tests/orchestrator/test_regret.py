"""Regret of pruning: worked out by hand, and held against a truth that a simulation knows."""

import json

import numpy as np
import pytest

from orchestrator.recording.journal import State
from orchestrator.search.regret import estimate, regret


def attempt(
    finished: dict[str, float | None], audited: dict[str, float | None], pruned: int, **changes: object
) -> State:
    """An attempt whose contenders ended with these objectives on `select`."""
    names = [*finished, *audited, *(f"pruned-{index}" for index in range(pruned))]
    told = {"objective": "fd", "directions": {"fd": False}, "experiment": {"search": {"audit": 0.5}}} | changes
    state = State()
    state.apply({"kind": "attempt", "contenders": {name: {"variant": "gan"} for name in names}, **told})
    for name, objective in (finished | audited).items():
        replica = {"seed": 0, "status": "finished", "reason": None}
        state.apply({"kind": "tick", "contender": name, "objective": objective, "replicas": [replica]})
    for name in audited:
        state.apply({"kind": "audited", "contender": name, "at": 1, "probability": 0.5, "reason": "asha"})
    for name in names[len(finished) + len(audited) :]:
        state.apply({"kind": "end", "contender": name, "status": "pruned", "reason": "asha"})
    return state


def test_the_share_and_the_mean_shortfall_are_those_of_the_audited():
    audited = {f"a{index}": 20.0 for index in range(16)} | {"b0": 9.0, "b1": 7.0, "b2": 8.0, "b3": None}
    found = regret(attempt({"winner": 10.0, "second": 11.0}, audited, pruned=20))
    assert (found.selected, found.pruned, found.audited) == ("winner", 40, 20)
    assert found.share.value == 3 / 20
    assert found.shortfall.value == pytest.approx((1 + 3 + 2) / 20)
    assert found.share.low <= 3 / 20 <= found.share.high
    assert found.shortfall.low < found.shortfall.value < found.shortfall.high
    assert json.loads(json.dumps(found.as_json()))["share"]["value"] == 3 / 20


def test_where_higher_is_better_a_shortfall_is_what_was_missed_above():
    audited = {f"a{index}": 1.0 for index in range(19)} | {"b": 7.0}
    found = regret(attempt({"winner": 5.0, "worse": 4.0}, audited, pruned=0, directions={"fd": True}))
    assert found.selected == "winner"
    assert found.shortfall.value == pytest.approx(2 / 20)


def test_who_was_audited_is_never_the_selected_one_nor_is_a_baseline():
    state = attempt({"gmm": 0.1, "fair": 9.0, "lost": None}, {"kept": 1.0}, pruned=3)
    state.attempt["contenders"]["gmm"] = {"variant": "gmm"}
    state.attempt["experiment"]["baselines"] = ["gmm"]
    assert regret(state).selected == "fair"


def test_below_twenty_audited_nothing_is_estimated():
    found = regret(attempt({"winner": 10.0}, {f"a{index}": 5.0 for index in range(19)}, pruned=9))
    assert (found.share, found.shortfall) == (None, None)
    assert found.said == "regret of pruning: not estimable (19 audited, and it takes 20)"


def test_without_a_survivor_nothing_is_estimated():
    found = regret(attempt({}, {f"a{index}": 5.0 for index in range(30)}, pruned=9))
    assert found.said == "regret of pruning: not estimable (nobody was selected)"


def test_without_an_audit_there_is_nothing_to_say():
    assert regret(attempt({"winner": 1.0}, {}, pruned=3, experiment={"search": {}})) is None


def test_the_share_is_known_for_sure_once_all_are_audited():
    share, _ = estimate([0.0] * 18 + [1.0] * 6, pruned=24)
    assert (share.low, share.value, share.high) == (0.25, 0.25, 0.25)


def test_the_interval_of_the_share_is_that_of_a_table():
    # 0 of 20 of 40: the chance to miss all of K is C(40 - K, 20) / C(40, 20), above 2.5 % up to K = 4.
    share, shortfall = estimate([0.0] * 20, pruned=40)
    assert (share.low, share.high) == (0.0, 4 / 40)
    assert (shortfall.value, shortfall.low, shortfall.high) == (0.0, None, None)


def covered(share: float, law: str, repeats: int) -> tuple[float, float]:
    """Return how often the intervals hold the truth over audits of 100 pruned contenders, each kept with 0.4."""
    stream = np.random.default_rng(7)
    held, known = np.zeros(2), 0
    for _ in range(repeats):
        gains = np.zeros(100)
        better = round(share * 100)
        gains[:better] = {"exponential": stream.exponential, "uniform": stream.uniform}[law](size=better)
        audited = gains[stream.random(100) < 0.4]
        if len(audited) < 20:
            continue
        found, shortfall = estimate(audited.tolist(), 100)
        held[0] += found.low <= share <= found.high
        if shortfall.low is not None:
            known += 1
            held[1] += shortfall.low <= gains.mean() <= shortfall.high
    return held[0] / repeats, held[1] / known


def test_both_intervals_hold_the_truth():
    assert min(covered(0.3, "exponential", 150)) >= 0.94


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.05, 0.15, 0.5, 0.9])
@pytest.mark.parametrize("law", ["exponential", "uniform"])
def test_both_intervals_hold_the_truth_whatever_the_truth_is(share, law):
    assert min(covered(share, law, 400)) >= 0.94
