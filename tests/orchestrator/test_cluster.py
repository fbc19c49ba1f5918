"""Ray as we start it: workers that have imported what a trial needs before there is one."""

from importlib.util import find_spec

from orchestrator.search.cluster import AHEAD
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
