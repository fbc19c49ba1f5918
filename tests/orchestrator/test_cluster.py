"""Ray as we start it: workers that have imported what a trial needs before there is one."""

import os
import signal
import subprocess
from importlib.util import find_spec

import pytest

from orchestrator.errors import RequestError, WorkError
from orchestrator.search import cluster
from orchestrator.search.cluster import AHEAD, joined
from orchestrator.search.launching import on_workers_started_ahead


def test_what_workers_import_ahead_exists():
    for module in AHEAD["RAY_preload_python_modules"].split(","):
        assert find_spec(module), module


def test_trials_ask_for_no_environment_that_a_worker_started_ahead_has_not():
    from ray.tune.execution.class_cache import _ActorClassCache

    def environment(trainable):
        return _ActorClassCache().get(trainable)._default_options["runtime_env"].get("env_vars")

    with on_workers_started_ahead():
        assert not environment(type("Trainable", (), {}))
    assert environment(type("Trainable", (), {})), "Ray's own is back"


@pytest.fixture
def no_ray(monkeypatch):
    """Let Ray start and stop at once, without a process."""
    monkeypatch.setattr(cluster.ray, "init", lambda **_: None)
    monkeypatch.setattr(cluster.ray, "shutdown", lambda: None)


@pytest.mark.usefixtures("no_ray")
def test_a_process_that_leaves_ray_is_as_it_was_before():
    before, handler = dict(os.environ), signal.getsignal(signal.SIGTERM)
    with joined(None, ahead=True):
        assert AHEAD.keys() <= os.environ.keys()
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    assert (dict(os.environ), signal.getsignal(signal.SIGTERM)) == (before, handler)


@pytest.mark.usefixtures("no_ray")
@pytest.mark.parametrize(
    ("address", "error", "told"),
    [
        (None, WorkError, "Ray did not start on this machine: Exception: why; --resume goes on"),
        ("auto", RequestError, "--address auto: no Ray cluster answers there"),
    ],
)
def test_ray_that_does_not_come_is_told_with_its_reason(monkeypatch, address, error, told):
    def fails(**_):
        tried.append(address)
        raise Exception("why")

    tried = []
    monkeypatch.setattr(cluster.ray, "init", fails)
    with pytest.raises(error, match=told), joined(address):
        pass
    assert len(tried) == (1 if address else cluster.STARTS)


@pytest.mark.usefixtures("no_ray")
def test_ray_that_was_too_slow_is_started_anew_and_leaves_nobody_behind(monkeypatch):
    def slow_at_first(**_):
        started.append(subprocess.Popen(["sleep", "600"]))
        if len(started) == 1:
            raise Exception("slow")

    ours, started = subprocess.Popen(["sleep", "600"]), []
    monkeypatch.setattr(cluster.ray, "init", slow_at_first)
    try:
        with joined(None):
            assert started[0].wait(timeout=10) == -signal.SIGKILL
            assert [process.poll() for process in (ours, started[1])] == [None, None]
    finally:
        for process in (ours, *started):
            process.kill()
            process.wait()
