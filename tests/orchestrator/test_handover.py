"""A worker that dies while it is handed from one trial to the next costs the next one nothing."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from orchestrator.search.cluster import joined


def fragile(grave: Path):
    """Return a trainable of one step whose worker dies, once, when it is handed on; it is pickled by value."""
    from ray import tune

    class Fragile(tune.Trainable):
        def step(self):
            return {"done": True}

        def reset_config(self, _):
            if not grave.exists():
                grave.touch()
                os._exit(1)
            return True

        def save_checkpoint(self, folder):
            pass

        def load_checkpoint(self, folder):
            pass

    return Fragile


def errors(folder: Path, retrying) -> int:
    """Return how many of three trials on one worker after the other have failed."""
    from ray import tune

    folder.mkdir()
    tuner = tune.Tuner(
        tune.with_resources(fragile(folder / "grave"), {"cpu": 1}),
        param_space={"trial": tune.grid_search([0, 1, 2])},
        tune_config=tune.TuneConfig(max_concurrent_trials=1, reuse_actors=True),
        run_config=tune.RunConfig(
            storage_path=str(folder), verbose=0, failure_config=tune.FailureConfig(max_failures=3)
        ),
    )
    with retrying:
        return tuner.fit().num_errors


@pytest.mark.long
def test_a_trial_that_is_given_a_dying_worker_is_tried_again(tmp_path):
    from orchestrator.search.handover import retried

    with joined(None):
        assert errors(tmp_path / "ours", retried()) == 0
        assert errors(tmp_path / "rays", nullcontext()) == 1, "Ray has mended its fault: orchestrator/search/handover"
    assert (tmp_path / "ours" / "grave").exists()
