"""Several processes that train one contender are one process that trains it: the same weights, the same diagnostics."""

import json
import subprocess
import sys

import pytest
import torch

from gans import Budget, ConfigError, Engine, data, train
from gans.replicas import Stack

CASES = {"dcgan": "digits", "wgan_gp": "ring8", "pacgan": "ring8", "bigan": "ring8", "sgan": "digits"}
"""Batch norm in both players; a penalty with draws of its own; packs; a companion; labels."""

MEMBER = """
import json, os, sys
import torch
from torch import distributed
from gans import Engine, data, variant
from gans.replicas import Stack

rank, folder, cases = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
torch.set_num_threads(1)
distributed.init_process_group("gloo", init_method=f"file://{folder}/group", rank=rank, world_size=2)
for name, source in cases.items():
    made = variant(name, {"width": 4, "batch": 8, "latent": 4})
    stack = Stack([made], data.load(source), (3,), dtype=torch.float64, engine=Engine(processes=2))
    stack.run(4)
    torch.save({"state": stack.state, "said": stack.diagnostics(0)}, f"{folder}/{name}-{rank}.pt")
distributed.barrier()
os._exit(0)  # as companions are let go: all is saved, and nothing rests on how torch takes its threads down
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What each of two processes came to."""
    there = tmp_path_factory.mktemp("team")
    command = [sys.executable, "-X", "faulthandler", "-c", MEMBER]
    members = [
        subprocess.Popen([*command, str(rank), str(there), json.dumps(CASES)], stderr=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    said = [member.communicate(timeout=600)[1] for member in members]
    assert [member.returncode for member in members] == [0, 0], "\n".join(said)
    return there


@pytest.mark.parametrize("name", CASES)
def test_two_processes_that_share_every_batch_equal_one(name, folder, world):
    ours, theirs = (torch.load(folder / f"{name}-{rank}.pt") for rank in (0, 1))
    alone = Stack([world.small(name)], data.load(CASES[name]), (3,), dtype=torch.float64)
    alone.run(4)
    start = Stack([world.small(name)], data.load(CASES[name]), (3,), dtype=torch.float64).state
    for part, rows in alone.state.items():
        assert torch.equal(ours["state"][part], theirs["state"][part])
        torch.testing.assert_close(ours["state"][part], rows, rtol=0, atol=1e-9)
    assert not torch.allclose(alone.state["generator.weights"], start["generator.weights"])
    assert ours["said"] == theirs["said"] == pytest.approx(alone.diagnostics(0), abs=1e-8)


def test_a_team_that_has_not_met_is_refused(world):
    with pytest.raises(ConfigError, match="processes is 2, but none has been formed; let each of 2 processes call"):
        train(world.small("gan"), world.data["points"], Budget(steps=1, tick=1), engine=Engine(processes=2))
    with pytest.raises(ConfigError, match="a batch of 8 cannot be cut into 3 parts"):
        train(world.small("gan"), world.data["points"], Budget(steps=1, tick=1), engine=Engine(processes=3))
