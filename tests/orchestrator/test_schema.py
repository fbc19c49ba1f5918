"""Stores of other versions of GAN Arena: older ones are read, newer ones are refused."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import torch

from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.recording.artifacts import generator
from orchestrator.recording.client import client
from orchestrator.recording.layout import PINNED, SCHEMA
from orchestrator.recording.reading import read
from orchestrator.review.store import groups
from orchestrator.review.winner import best
from orchestrator.sampling import sample

STORES = Path(__file__).parent / "stores"


@pytest.fixture
def older(home: Home) -> Home:
    """A home whose store was written as `arena.schema` 1: one contender with two replicas."""
    store = STORES / "schema-1"
    shutil.copytree(store / "artifacts", home.artifacts)
    with sqlite3.connect(home.path / "mlflow.db") as database:
        database.executescript((store / "mlflow.sql").read_text().replace("@HOME@", str(home.path)))
    return home


def test_an_older_store_is_read_and_ranked(older):
    (record,) = read(older)
    assert (record.experiment, record.status, record.pinned) == ("an older store", "finished", False)
    assert [(replica.seed, replica.step, replica.images) for replica in record.replicas] == [(0, 60, 960), (1, 60, 960)]
    found = best(groups(older))
    assert found["config"] | {"batch": 16, "width": 8, "budget.steps": 60, "data.name": "ring8"} == found["config"]
    assert found["scores"]["fd_identity"]["value"] == pytest.approx(4.009, abs=5e-4)


def test_a_generator_of_an_older_store_still_draws(older, tmp_path):
    (record,) = read(older)
    assert generator(older, record.run_id).name == "generator"
    drawn = sample(older, record.run_id, 5, tmp_path / "drawn.npy", 0)
    assert torch.isfinite(torch.from_numpy(np.load(drawn["file"]))).all()


def test_what_a_newer_version_recorded_is_refused_with_the_way_out(older):
    (record,) = read(older)
    client(older).set_tag(record.run_id, "arena.schema", str(int(SCHEMA) + 1))
    with pytest.raises(RequestError, match=r"was recorded by a newer GAN Arena .* upgrade it, or name"):
        read(older)


def test_a_pin_of_this_version_is_read_on_an_older_record(older):
    (record,) = read(older)
    client(older).set_tag(record.run_id, PINNED, "yes")
    assert read(older)[0].pinned
