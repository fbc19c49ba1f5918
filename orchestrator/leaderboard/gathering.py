"""From a contender's record to its row: its replicas become one score, one cost and one remark."""

import math
from collections.abc import Sequence
from statistics import fmean

from orchestrator.leaderboard.means import summary
from orchestrator.leaderboard.rows import Row
from orchestrator.records import ContenderRecord, ReplicaRecord


def gathered(record: ContenderRecord, metric: str) -> Row:
    """Return the row of a contender judged by `metric`; its place is not known yet."""
    replicas = sorted(record.replicas, key=lambda replica: replica.seed)
    complete = [replica for replica in replicas if replica.final]
    keys = [key for key in complete[0].final if all(key in replica.final for replica in complete)] if complete else []
    last = {key for replica in replicas for key in replica.last}
    return Row(
        rank=None,
        rank_low=None,
        rank_high=None,
        order=None,
        unranked=None,
        contender=record.contender,
        experiment=record.experiment,
        attempt=record.attempt,
        variant=record.variant,
        config=record.params,
        replicas=len(replicas),
        complete=len(complete),
        confirmed=record.confirms is not None,
        confirms=record.confirms,
        optimism=None,
        baseline=record.baseline,
        audited=record.audited,
        mark=_mark(replicas),
        alarms=_alarms(replicas),
        values=[replica.final[metric].value for replica in complete if metric in replica.final],
        scores={key: summary([replica.final[key] for replica in complete]) for key in keys},
        last={key: fmean(replica.last[key] for replica in replicas if key in replica.last) for key in sorted(last)},
        steps=max((replica.step for replica in replicas), default=0),
        images=max((replica.images for replica in replicas), default=0),
        images_of_all=sum(replica.images for replica in replicas),
        seconds=math.fsum(replica.seconds for replica in replicas),
        device_seconds=_added_up([replica.device_seconds for replica in replicas]),
        parameters=max((replica.parameters for replica in replicas if replica.parameters is not None), default=None),
        pareto=[],
        status=record.status,
        reason=record.reason,
        run_ids=[record.run_id, *(replica.run_id for replica in replicas)],
        tags=record.tags,
        metrics=record.metrics,
    )


def _added_up(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return math.fsum(known) if known and len(known) == len(costs) else None


def _mark(replicas: Sequence[ReplicaRecord]) -> str | None:
    """Say how many replicas a score leaves out, and whether they may still come."""
    missing = [replica.status for replica in replicas if not replica.final]
    if not missing or len(missing) == len(replicas):
        return None
    waiting = [status for status in missing if status in ("running", "interrupted")]
    return f"{len(missing)} of {len(replicas)} {waiting[0] if waiting else 'failed'}"


def _alarms(replicas: Sequence[ReplicaRecord]) -> dict[str, str]:
    observed: dict[str, list[str]] = {}
    for replica in replicas:
        for rule, told in replica.fired.items():
            if told.partition(": ")[2] not in (replica.reason or ""):
                observed.setdefault(rule, []).append(told)
    return {rule: f"{len(told)} of {len(replicas)} at {told[0]}" for rule, told in sorted(observed.items())}
