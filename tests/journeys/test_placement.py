"""Trials on emulated nodes that claim GPUs: each sees only its own share, and nothing is given twice."""

import pytest
from arena import document, ganarena, journal
from emulated import emulated

GPUS = """
name: gpus
variant: gan
data: {name: ring8}
budget: {steps: 60, tick: 20}
evaluation: {samples: 100, metrics: [fd]}
space: {generator_lr: {loguniform: [1e-4, 1e-3]}}
search: {contenders: 6}
"""
pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def cluster():
    """A node that claims four GPUs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("CUDA_VISIBLE_DEVICES", raising=False)  # Ray would see that there is none
        with emulated(nodes=1, num_cpus=4, num_gpus=4) as found:
            yield found


@pytest.mark.parametrize(("cpus", "gpus"), [(1, 2), (0.5, 0.5)])
def test_each_trial_sees_its_own_gpus_and_none_is_given_away_twice(cluster, tmp_path, cpus, gpus):
    file, home = tmp_path / "gpus.yaml", tmp_path / "home"
    file.write_text(GPUS)
    resources = (f"resources.cpus={cpus}", f"resources.gpus={gpus}")
    asked = [word for change in resources for word in ("--set", change)]
    done = document(ganarena("search", file, "--address", cluster.address, "--json", *asked, home=home))
    assert done["finished"] == 6
    ticks = [event for event in journal(home) if event["kind"] == "tick"]
    seen = {event["contender"]: event["placed"]["gpus"].split(",") for event in ticks}
    assert all(len(devices) == max(1, gpus) for devices in seen.values())
    assert set().union(*seen.values()) <= set("0123")
    spans = {name: span(ticks, name) for name in seen}
    for device in "0123":
        holders = [name for name, devices in seen.items() if device in devices]
        together = max((1 + at_once(spans, name, holders) for name in holders), default=0)
        assert together * min(gpus, 1) <= 1, f"GPU {device} is oversubscribed"


def span(ticks, name):
    """When a contender began and ended."""
    mine = [event for event in ticks if event["contender"] == name]
    return min(event["began"] for event in mine), max(event["time"] for event in mine)


def at_once(spans, name, holders):
    """How many others of these train when this one begins."""
    began, _ = spans[name]
    return sum(spans[other][0] < began < spans[other][1] for other in holders if other != name)


def test_a_request_that_no_node_can_meet_is_refused_at_once(cluster, tmp_path):
    file, home = tmp_path / "gpus.yaml", tmp_path / "home"
    file.write_text(GPUS)
    refused = ganarena("search", file, "--address", cluster.address, "--set", "resources.gpus=5", home=home)
    assert refused.returncode == 2
    assert "one trial asks for 5, but no node" in refused.stderr
    assert not home.exists()
