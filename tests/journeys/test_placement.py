"""Trials on emulated nodes that claim GPUs: each sees only its own share, and nothing is given twice."""

from collections import defaultdict

import pytest
from arena import document, ganarena, journal
from emulated import emulated

GPUS = """
name: gpus
variant: gan
data: {name: ring8}
budget: {steps: 120, tick: 40}
evaluation: {samples: 500, metrics: [fd]}
space: {generator_lr: {loguniform: [1e-4, 1e-3]}}
search: {contenders: 6, parallel: 3}
"""
NODES, CPUS, DEVICES = 2, 2, 4
pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def cluster():
    """Two nodes that claim four GPUs each, and processors for two trials: a third one goes to the other node."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("CUDA_VISIBLE_DEVICES", raising=False)  # Ray would see that there is none
        with emulated(nodes=NODES, num_cpus=CPUS, num_gpus=DEVICES) as found:
            yield found


@pytest.mark.parametrize(("gpus", "pack"), [pytest.param(2, 1, marks=pytest.mark.slow), (0.5, 1), (1, 2), (0.5, 2)])
def test_each_trial_sees_its_own_gpus_and_none_is_given_away_twice(cluster, tmp_path, gpus, pack):
    file, home = tmp_path / "gpus.yaml", tmp_path / "home"
    file.write_text(GPUS)
    asked = ("--set", f"resources.gpus={gpus}", "--set", f"search.pack={pack}")
    done = document(ganarena("search", file, "--address", cluster.address, "--json", *asked, home=home))
    assert done["finished"] == 6
    trials = spans(journal(home))
    assert len(trials) == 6 / pack
    assert len({node for node, *_ in trials}) == NODES
    assert most_at_once(trials) > 1, "they came one after the other, and had nothing to share"
    shares = defaultdict(list)
    for node, devices, began, ended in trials:
        assert len(set(devices)) == max(1, gpus)
        assert set(devices) <= set("0123")
        for device in devices:
            shares[node, device].append((node, devices, began, ended))
    for place, holders in shares.items():
        assert most_at_once(holders) * min(1, gpus) <= 1, f"{place} is oversubscribed"


def spans(events):
    """Return the node and the devices that each trial saw, and when it began and ended; a pack is one trial."""
    ends = {}
    for event in events:
        if event["kind"] == "tick":
            ends[event["placed"]["node"], event["placed"]["gpus"], event["began"]] = event["time"]
    return [(node, devices.split(","), began, ended) for (node, devices, began), ended in ends.items()]


def most_at_once(trials):
    """Return how many of these trained at the same time."""
    return max(sum(began <= moment < ended for *_, began, ended in trials) for *_, moment, _ in trials)


@pytest.mark.slow
def test_a_request_that_no_node_can_meet_is_refused_at_once(cluster, tmp_path):
    file, home = tmp_path / "gpus.yaml", tmp_path / "home"
    file.write_text(GPUS)
    refused = ganarena("search", file, "--address", cluster.address, "--set", "resources.gpus=5", home=home)
    assert refused.returncode == 2
    assert f"one trial asks for 5, but no node of the cluster at {cluster.address} has more than 4" in refused.stderr
    assert not home.exists()
