"""System metrics on request: MLflow's names, told at every tick, and not a bit of training is another for them."""

import sys
import time
from types import SimpleNamespace

import pytest
import torch
from test_trial import brief, contender, events

from orchestrator.config import Experiment, SearchExperiment
from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.recording.client import client
from orchestrator.recording.writing import Writer
from orchestrator.search.attempts import changes
from orchestrator.trial import metering, pursue, pursue_pack, unpacked
from tests.benchmarks.synthetic_store import Synthetic

NAMES = {
    "cpu_utilization_percentage",
    "system_memory_usage_megabytes",
    "system_memory_usage_percentage",
    "process_cpu_utilization_percentage",
    "process_memory_usage_megabytes",
}


def asked(**changes: object) -> SearchExperiment:
    plain = {"name": "x", "variant": "gan", "data": "ring8", "budget": {"steps": 30, "tick": 10}}
    return SearchExperiment.model_validate(plain | changes)


def test_scores_are_the_same_bits_with_and_without():
    assert events(contender(0), brief(log_system_metrics=True)) == events(contender(0), brief())


@pytest.mark.parametrize("wanted", [True, False])
def test_every_tick_of_every_contender_tells_how_busy_the_machine_was_if_that_is_wanted(wanted):
    told = []
    members = [contender(0), contender(1, generator_lr=1e-3)]
    pursue(members[0], brief(log_system_metrics=wanted), lambda event, _: told.extend(unpacked(event)))
    pursue_pack(members, brief(log_system_metrics=wanted), lambda event, _: told.extend(unpacked(event)))
    assert len(told) == 9
    for tick in told:
        assert set(tick.get("system", {})) == (NAMES if wanted else set())
        assert all(value >= 0 for value in tick.get("system", {}).values())


def test_processors_are_counted_since_the_last_reading_and_all_else_is_a_mean(monkeypatch):
    counters = iter([(0.0, 5.0, 100.0, 200.0), (10.0, 10.0, 105.0, 220.0), (30.0, 50.0, 145.0, 300.0)])
    memory = iter([10.0, 30.0])
    monkeypatch.setattr(metering, "spent", lambda: next(counters))
    monkeypatch.setattr(metering, "held", lambda _: {"system_memory_usage_megabytes": next(memory)})
    meter = metering.Meter("cpu")
    meter._samples.append({"system_memory_usage_megabytes": 20.0})
    # Five of ten seconds, on a machine that was busy for five of its twenty.
    assert meter.read() == {
        "system_memory_usage_megabytes": 15.0,
        "process_cpu_utilization_percentage": 50.0,
        "cpu_utilization_percentage": 25.0,
    }
    assert meter.read() == {
        "system_memory_usage_megabytes": 30.0,
        "process_cpu_utilization_percentage": 200.0,
        "cpu_utilization_percentage": 50.0,
    }


def test_its_thread_takes_samples_until_the_end(monkeypatch):
    monkeypatch.setattr(metering, "SECONDS", 0.01)
    deadline = time.monotonic() + 20
    with metering.Meter("cpu") as meter:
        while len(meter._samples) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(meter._samples) >= 3
    assert not meter._thread.is_alive()


def test_gpus_are_numbered_as_the_trial_sees_them_and_may_be_silent(monkeypatch):
    class NVMLError(Exception):
        pass

    def busy(number: int) -> int:
        if number:
            raise NVMLError
        return 70

    def used(number: int) -> float:
        if number == 2:
            raise RuntimeError("device 2 is not visible (CUDA_VISIBLE_DEVICES=[])")
        return 2e6 * (number + 1)

    monkeypatch.setitem(sys.modules, "pynvml", SimpleNamespace(NVMLError=NVMLError))
    for name, answer in {
        "device_count": lambda: 3,
        "utilization": busy,
        "device_memory_used": used,
        "get_device_properties": lambda _: SimpleNamespace(total_memory=8e6),
    }.items():
        monkeypatch.setattr(torch.cuda, name, answer)
    told = {name: value for name, value in metering.held("cuda").items() if name.startswith("gpu")}
    assert told == {
        "gpu_0_utilization_percentage": 70.0,
        "gpu_0_memory_usage_megabytes": 2.0,
        "gpu_0_memory_usage_percentage": 25.0,
        "gpu_1_memory_usage_megabytes": 4.0,
        "gpu_1_memory_usage_percentage": 50.0,
    }


def test_where_nothing_reads_the_counters_the_request_is_refused_with_the_way_out(ganarena, tmp_path, monkeypatch):
    monkeypatch.setattr(metering, "find_spec", lambda name: None if name == "pynvml" else name)
    metering.check("cpu")
    with pytest.raises(RequestError, match="pynvml is not installed"):
        metering.check("cuda")
    monkeypatch.setattr(metering, "find_spec", lambda _: None)
    words = ("gan", "--data", "ring8", "--images", "100", "--log-system-metrics")
    answer = ganarena("train", *words)
    assert (answer.status, answer.out) == (2, "")
    assert "log_system_metrics: psutil is not installed" in answer.err
    assert "pip install 'ganarena[system]'" in answer.err
    assert not list(tmp_path.iterdir())


def test_the_contenders_run_holds_them_as_mlflow_s_own_series(home: Home):
    story = Synthetic(contenders=1, replicas=2, ticks=2)
    writer = Writer(home, story.beginning())
    (name,) = story.configurations
    for number in (1, 2, 2):  # told twice, recorded once
        tick = story.tick(name, number) | {"system": {"cpu_utilization_percentage": 40.0 + number}}
        writer.apply([(tick, home.path / "nothing")])
    series = client(home).get_metric_history(writer.runs[name, None], "system/cpu_utilization_percentage")
    assert [(point.step, point.value) for point in series] == [(16, 41.0), (32, 42.0)]
    assert "system/cpu_utilization_percentage" not in client(home).get_run(writer.runs[name, 0]).data.metrics


def test_whether_they_are_logged_may_be_another_at_every_launch():
    def recorded(experiment: Experiment) -> dict:
        return experiment.model_dump(mode="json", exclude_none=True)

    with_, without = asked(log_system_metrics=True), asked()
    assert changes(recorded(with_), without) == changes(recorded(without), with_) == []
    assert changes(recorded(with_), asked(seeds=[1])) == ["seeds was [0] and is [1]"]
