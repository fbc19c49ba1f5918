"""A search whose packs do not fit into memory goes on in smaller ones, and says so."""

import json

import pytest
from arena import document, ganarena, journal, recorded

HUNGRY = '''
"""A GAN that trains for a while, and then has memory for two replicas at once and no more."""

from dataclasses import dataclass, replace
from itertools import count

import gans
import torch
from gans.losses import NonSaturating

steps = count(1)


@dataclass(frozen=True)
class Hungry(NonSaturating):
    def discriminator(self, real, fake):
        if next(steps) > 30 and len(real) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().discriminator(real, fake)


def hungry():
    """A GAN that is hungry."""
    return replace(gans.variant("gan"), name="hungry", loss=Hungry())
'''
SEARCH = """
name: crowded
variant: hungry:hungry
data: {name: ring8}
budget: {steps: 60, tick: 20}
evaluation: {samples: 500, metrics: [fd, modes]}
space: {generator_lr: {loguniform: [1e-4, 1e-3]}}
search: {contenders: 4, pack: 4}
"""
TOLD = {
    "together": 2,
    "reason": "memory did not suffice (OutOfMemoryError: CUDA out of memory); goes on with 2 replicas at once",
}


@pytest.mark.long
def test_a_pack_that_memory_does_not_suffice_for_goes_on_from_its_last_tick_in_smaller_ones(tmp_path):
    file, home = tmp_path / "crowded.yaml", tmp_path / "home"
    file.write_text(SEARCH)
    file.with_name("hungry.py").write_text(HUNGRY)
    done = document(ganarena("search", file, "--trust-code", "--json", home=home))
    assert (done["finished"], done["failed"]) == (4, 0)
    told = journal(home)
    members = {event["contender"] for event in told if event["kind"] == "end"}
    crowded = [event for event in told if event["kind"] == "crowded"]
    assert {event["contender"]: {key: event[key] for key in TOLD} for event in crowded} == dict.fromkeys(members, TOLD)
    assert len(crowded) == len(members) == 4
    at_once = {name: [] for name in members}
    for event in told:
        if event["kind"] == "tick":
            at_once[event["contender"]].append((event["step"], event["replicas_at_once"]))
    assert all(ticks == [(20, 4), (40, 2), (60, 2)] for ticks in at_once.values())
    (decisions,) = home.glob("tune/*/attempt-001/decisions.jsonl")
    lines = [json.loads(line) for line in decisions.read_text().splitlines()]
    assert [line["reason"] for line in lines if line["kind"] == "crowded"] == [TOLD["reason"]] * 4
    _, series = recorded(home)
    assert series == [(20, 40, 60)] * 4
