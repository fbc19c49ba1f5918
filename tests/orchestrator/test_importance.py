"""Importance: what decides is found, what does not is not, and too little is called too little."""

import sys

import numpy as np
import pytest

from orchestrator.leaderboard.importance import importance

NAMES = ["generator_lr", "variant", "batch", "penalty.weight"]


def drawn(count: int) -> tuple[list[dict[str, str]], list[float]]:
    """A score that follows the rate strongly, the variant less, and the others not at all."""
    stream = np.random.default_rng(0)
    configurations, scores = [], []
    for _ in range(count):
        rate, variant = 10 ** stream.uniform(-5, -2), str(stream.choice(["dcgan", "r1gan"]))
        weight = {"penalty.weight": str(stream.uniform(1, 10))} if variant == "r1gan" else {}
        batch = str(stream.choice([32, 64]))
        configurations.append({"generator_lr": str(rate), "variant": variant, "batch": batch} | weight)
        scores.append(10.0 ** abs(np.log10(rate) + 3.5) * (3 if variant == "dcgan" else 1) + stream.normal())
    return configurations, scores


def test_what_decides_comes_first_and_what_does_not_is_near_nothing(monkeypatch):
    monkeypatch.setattr(sys.modules[importance.__module__], "TREES", 30)
    found = importance(*drawn(40), NAMES)
    assert [each.parameter for each in found.importances][:2] == ["generator_lr", "variant"]
    values = {each.parameter: each.value for each in found.importances}
    assert values["generator_lr"] > 2 * values["variant"] > 0
    assert max(abs(values["batch"]), abs(values["penalty.weight"])) < 0.1
    assert 0.5 < found.explained < 1


def test_too_few_contenders_are_not_estimable():
    found = importance(*drawn(19), NAMES)
    assert (found.reason, found.explained, found.importances) == (
        "not estimable: 19 contenders with a score, and it takes 20",
        None,
        (),
    )


@pytest.mark.slow
def test_scores_that_nothing_predicts_are_not_estimable():
    configurations, _ = drawn(40)
    found = importance(configurations, np.random.default_rng(1).normal(size=40).tolist(), NAMES)
    assert "does not predict" in found.reason
    assert not found.importances


def test_a_search_of_nothing_is_not_estimable():
    assert importance([{"batch": "64"}] * 30, [1.0] * 30, ["batch"]).reason == "not estimable: nothing was searched"
