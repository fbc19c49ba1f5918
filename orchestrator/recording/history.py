"""Learning curves out of MLflow, many runs at a time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from orchestrator.home import Home
from orchestrator.recording.source import source
from orchestrator.records import ContenderRecord, ReplicaRecord
from orchestrator.review.curves import Row, row

Series = dict[tuple[str, str], dict[int, float]]
"""Run and key -> step -> value."""


def history(home: Home, members: Sequence[ContenderRecord]) -> Iterator[Row]:
    """Yield the rows of these contenders from the series of their replicas' runs."""
    told = [(record, replica) for record in members for replica in record.replicas]
    scored = sorted({key for _, replica in told for key in (*replica.last, *replica.final)})
    ends = [f"{prefix}{key}" for key in scored for prefix in ("", "floor/")] + [
        f"{key}_{end}" for key in scored for end in ("low", "high")
    ]
    keys = ["images", "seconds", *ends, *(f"final/{key}" for key in ends)]
    series: Series = defaultdict(dict)
    for run_id, key, step, value in source(home).points([replica.run_id for _, replica in told], keys):
        series[run_id, key][step] = value
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
