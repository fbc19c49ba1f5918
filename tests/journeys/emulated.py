"""A Ray cluster emulated on this machine, and the accidents that happen to it."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import psutil

QUICK = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 500, "health_check_failure_threshold": 6}
"""A lost node is noticed within seconds, and not within half a minute."""
FRUGAL = {"prestart_worker_first_driver": False, "worker_niceness": 0}
"""Trials bring an environment of their own, so no worker that began before them is ever used; and they do not yield to
whatever else this machine does, as Ray's workers would."""
LITTLE = {"object_store_memory": 100 * 2**20, "include_log_monitor": False}
TRIAL = "ray::ImplicitFunc"
"""What Ray calls the process of a trial."""


class Emulated:
    """A head without processors, on which only drivers run, and nodes that work, may be lost, and are replaced."""

    def __init__(self, nodes: int, **resources: float) -> None:
        from ray.cluster_utils import Cluster

        self.resources = resources
        head = {"num_cpus": 0, "num_gpus": 0, "include_dashboard": False, "_system_config": QUICK | FRUGAL}
        self.cluster = Cluster(initialize_head=True, head_node_args=head | LITTLE)
        self.cluster._shutdown_at_exit = False  # what it means takes the main thread; nodes end with their head
        self.nodes: list[Any] = []
        self.joining = ThreadPoolExecutor(1)
        self.joined = [self.joining.submit(self.add_node) for _ in range(nodes)]

    @property
    def address(self) -> str:
        """Where `--address` finds it."""
        return str(self.cluster.address)

    def add_node(self) -> None:
        """Let one more node join."""
        self.nodes.append(self.cluster.add_node(wait=False, **self.resources, **LITTLE))

    def trials(self) -> list[psutil.Process]:
        """Return the processes in which trials run."""
        found = []
        for node in self.nodes:
            try:
                children = psutil.Process(raylet_of(node)).children(recursive=True)
                found += [child for child in children if child.cmdline()[:1] and child.cmdline()[0].startswith(TRIAL)]
            except psutil.NoSuchProcess:
                continue  # it ended while we looked
        return found

    def lose_a_worker(self, stream: Random) -> None:
        """Kill the process of a trial."""
        kill(stream.choice(self.trials()).pid)

    def lose_a_raylet(self, stream: Random) -> None:
        """Kill what makes a node a part of the cluster, and let another node join."""
        kill(raylet_of(self._lost(stream)))

    def lose_a_node(self, stream: Random) -> None:
        """Kill everything that runs on a node, and let another join."""
        self.cluster.remove_node(self._lost(stream), allow_graceful=False)

    def end(self) -> None:
        """End all that was started, once every node that should have joined has."""
        try:
            self.wait()
        finally:
            self.joining.shutdown()
            self.cluster.shutdown()

    def wait(self) -> None:
        """Wait until every node has joined."""
        for each in self.joined:
            each.result()

    def _lost(self, stream: Random) -> Any:
        """Choose the node to be lost; another one begins to join meanwhile."""
        self.joined.append(self.joining.submit(self.add_node))
        return self.nodes.pop(stream.randrange(len(self.nodes)))


@contextmanager
def emulated(nodes: int, **resources: float) -> Iterator[Emulated]:
    """Give a cluster, and end all that it has started."""
    cluster = Emulated(nodes, **resources)
    try:
        cluster.wait()
        yield cluster
    finally:
        cluster.end()


def raylet_of(node: Any) -> int:
    """Return the process of a node's raylet."""
    return int(node.all_processes["raylet"][0].process.pid)


def kill(process: int) -> None:
    """Kill -9, whatever is left of it."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
