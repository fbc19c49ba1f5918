"""What fits where: a trial runs on one node, and shares of a GPU never span two."""

import pytest

from orchestrator.machine import Capacity, Node

CLUSTER = Capacity((Node(4, 0), Node(4, 0), Node(2, 4)), "the cluster at here")


@pytest.mark.parametrize(
    ("cpus", "gpus", "trials"),
    [
        (1, 0, 10),
        (3, 0, 2),  # one on each of the large nodes: what is left over cannot be joined
        (1, 1, 2),
        (0.5, 1, 4),
        (0.5, 2, 2),
        (0.1, 0.4, 8),  # two on each GPU, for none lies across two
        (0.1, 0.1, 20),
    ],
)
def test_as_many_fit_as_the_nodes_hold_one_by_one(cpus, gpus, trials):
    assert CLUSTER.holds(cpus, gpus) == trials


@pytest.mark.parametrize(
    ("cpus", "gpus", "what", "told"),
    [
        (5, 0, "cpus", "asks for 5, but no node of the cluster at here has more than 4"),
        (1, 5, "gpus", "asks for 5, but no node of the cluster at here has more than 4"),
        (3, 1, None, "asks for 3 cpus and 1 gpus, but no node of the cluster at here has as much of both"),
    ],
)
def test_what_no_node_can_meet_is_refused_even_where_all_together_could(cpus, gpus, what, told):
    refused = CLUSTER.refusal(cpus, gpus)
    assert refused is not None
    assert refused[0] == what
    assert told in refused[1]


def test_what_one_node_can_meet_is_not_refused():
    assert CLUSTER.refusal(2, 4) is None
