"""Learning curves out of MLflow, many runs at a time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from mlflow import MlflowClient
from mlflow.utils.rest_utils import http_request

from orchestrator.home import Home
from orchestrator.recording.client import client
from orchestrator.records import ContenderRecord, ReplicaRecord
from orchestrator.review.curves import Row, row

AT_ONCE = 100
"""Runs that MLflow's server answers for in one request."""
POINTS = 2500
"""Points of one series that MLflow's server gives at most; from a longer one it picks evenly."""
BULK = "/api/2.0/mlflow/metrics/get-history-bulk-interval"

Series = dict[tuple[str, str], dict[int, float]]
"""Run and key -> step -> value."""


def history(home: Home, members: Sequence[ContenderRecord]) -> Iterator[Row]:
    """Yield the rows of these contenders from the series of their replicas' runs."""
    store = client(home)
    told = [(record, replica) for record in members for replica in record.replicas]
    scored = sorted({key for _, replica in told for key in (*replica.last, *replica.final)})
    ends = [f"{prefix}{key}" for key in scored for prefix in ("", "floor/")] + [
        f"{key}_{end}" for key in scored for end in ("low", "high")
    ]
    keys = ["images", "seconds", *ends, *(f"final/{key}" for key in ends)]
    series = _series(store, [replica.run_id for _, replica in told], keys)
    for record, replica in told:
        for metric in scored:
            for split, prefix in (("select", ""), ("final", "final/")):
                yield from _rows(record, replica, series, split, prefix, metric)


def _rows(
    record: ContenderRecord, replica: ReplicaRecord, series: Series, split: str, prefix: str, metric: str
) -> Iterator[Row]:
    def points(key: str) -> dict[int, float]:
        return series.get((replica.run_id, key), {})

    low, high, floor = (points(f"{prefix}{key}") for key in (f"{metric}_low", f"{metric}_high", f"floor/{metric}"))
    for step, value in sorted(points(f"{prefix}{metric}").items()):
        times = {"images": int(points("images").get(step, 0)), "seconds": points("seconds").get(step, 0.0)}
        at = {"seed": replica.seed, "step": step} | times
        score = {"value": value, "low": low.get(step), "high": high.get(step)}
        yield row(record, replica.run_id, at, split=split, metric=metric, score=score, floor=floor.get(step))


def _series(store: MlflowClient, run_ids: Sequence[str], keys: Sequence[str]) -> Series:
    found: Series = defaultdict(dict)
    for start in range(0, len(run_ids), AT_ONCE):
        for key in keys:
            for run_id, step, value in _points(store._tracking_client.store, run_ids[start : start + AT_ONCE], key):
                found[run_id, key][step] = value
    return found


def _points(store: Any, run_ids: Sequence[str], key: str) -> Iterator[tuple[str, int, float]]:
    """Yield run, step and value of one series of many runs, from a database or from MLflow's server."""
    if hasattr(store, "get_metric_history_bulk"):
        for point in store.get_metric_history_bulk(list(run_ids), key, len(run_ids) * POINTS):
            yield point.run_id, point.step, point.value
        return
    asked = {"run_ids": list(run_ids), "metric_key": key, "max_results": POINTS}
    answer = http_request(store.get_host_creds(), BULK, "GET", params=asked)
    answer.raise_for_status()
    for point in answer.json().get("metrics", ()):
        yield point["run_id"], int(point.get("step", 0)), float(point["value"])
