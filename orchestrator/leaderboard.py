"""The leaderboard: contenders ranked by final scores, only against those of equal protocol and budget class."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from orchestrator.errors import RequestError, did_you_mean
from orchestrator.home import Home
from orchestrator.records import ContenderRecord, ReplicaRecord, ScoreRecord
from orchestrator.space import canonical, digest

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, kw_only=True)
class Row:
    """One contender; without a rank where it has no complete final score, and the mark says why."""

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    contender: str
    experiment: str
    attempt: int
    variant: str
    config: Mapping[str, str]
    replicas: int
    complete: int
    confirmed: bool
    """Was it trained again on new seeds after it had been selected?"""
    baseline: bool
    """Was it fitted without a game? Then it stands apart."""
    mark: str | None
    """What a reader must know of the row's score: it is that of the lucky survivors."""
    alarms: Mapping[str, str]
    """Rules that fired and did not stop it: how many replicas, and what the first was told."""
    scores: Mapping[str, ScoreRecord]
    last: Mapping[str, float]
    steps: int
    images: int
    seconds: float
    status: str
    reason: str | None
    run_ids: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows that may be compared: equal protocol, equal budget class, one metric."""

    protocol: Mapping[str, Any]
    budget_class: Mapping[str, Any]
    metric: str
    higher_is_better: bool
    rows: Sequence[Row]


def latest(records: Iterable[ContenderRecord]) -> list[ContenderRecord]:
    """Keep of each experiment its latest attempt."""
    records = list(records)
    newest = {record.experiment: 0 for record in records}
    for record in records:
        newest[record.experiment] = max(newest[record.experiment], record.attempt)
    return [record for record in records if record.attempt == newest[record.experiment]]


def leaderboard(*names: str, home: str | Path | None = None, metric: str | None = None) -> "DataFrame":
    """Return what is recorded as a frame: a row for each contender, ranked within protocol and budget class."""
    from pandas import DataFrame

    from orchestrator.review import groups

    return DataFrame(flat(groups(Home.at(home), names, metric=metric)))


def rank(records: Iterable[ContenderRecord], *, metric: str | None = None) -> list[Group]:
    """Group the contenders by protocol and budget class, and rank each group by its final scores.

    The order of the records changes nothing; `metric` is the key of a score or the name of its family.
    """
    records = sorted(records, key=_identity)
    meaning = {
        (record.experiment, record.attempt): _meaning(record) for record in records if record.protocol is not None
    }
    groups: dict[tuple[str, str], list[ContenderRecord]] = {}
    for record in records:
        # One that failed before it was judged stands with the others of its attempt.
        among = meaning.get((record.experiment, record.attempt)) if record.protocol is None else None
        groups.setdefault(among or _meaning(record), []).append(record)
    ranked = [_group(sorted(members, key=_judged), metric) for _, members in sorted(groups.items())]
    known = sorted({key for group in ranked for row in group.rows for key in row.scores})
    if metric and known and not any(group.metric in known for group in ranked):
        raise RequestError(
            f"no final score {metric!r} is recorded{did_you_mean(metric, known)}; there are {', '.join(known)}"
        )
    return ranked


def summary(scores: Sequence[ScoreRecord]) -> ScoreRecord:
    """Return the mean over replicas with Student's t interval, whose target is the mean over all seeds."""
    values = [score.value for score in scores]
    mean, half = fmean(values), half_width(values)
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return ScoreRecord(value=mean, low=low, high=high, higher_is_better=scores[0].higher_is_better)


def half_width(values: Sequence[float]) -> float | None:
    """Return the half width of the 95 % interval of a mean; None for a single value."""
    if len(values) < 2:
        return None
    from scipy.special import stdtrit

    return float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / math.sqrt(len(values))


def _meaning(record: ContenderRecord) -> tuple[str, str]:
    return canonical(record.protocol), canonical(record.budget_class)


def _judged(record: ContenderRecord) -> bool:
    """Sort those that were judged first: a group is named by its first."""
    return record.protocol is None


def _identity(record: ContenderRecord) -> tuple[str, int, str]:
    return record.experiment, record.attempt, record.contender


def _group(members: Sequence[ContenderRecord], metric: str | None) -> Group:
    first = members[0]
    scored = [final for member in members for replica in member.replicas for final in replica.final.items()]
    directions = {key: score.higher_is_better for key, score in scored}
    wanted = [metric, _key(metric, first.protocol)] if metric else [member.objective for member in members]
    chosen = next((key for key in wanted if key in directions), metric or first.objective or "")
    higher = directions.get(chosen, False)
    # Sorting is stable: of equal rows the first by name comes first.
    rows = sorted(map(_row, members), key=lambda row: _order(row, chosen, higher))
    return Group(
        protocol=first.protocol or {},
        budget_class=first.budget_class or {},
        metric=chosen,
        higher_is_better=higher,
        rows=_ranked(rows, chosen),
    )


def _key(family: str, protocol: Mapping[str, Any] | None) -> str:
    """Return the key of a family's main score in the feature space of this protocol."""
    from metrics import METRICS, key

    extractor = ((protocol or {}).get("extractor") or {}).get("name", "")
    return key(family, extractor) if family in METRICS else family


def _row(record: ContenderRecord) -> Row:
    replicas = sorted(record.replicas, key=lambda replica: replica.seed)
    complete = [replica for replica in replicas if replica.final]
    keys = [key for key in complete[0].final if all(key in replica.final for replica in complete)] if complete else []
    last = {key for replica in replicas for key in replica.last}
    return Row(
        rank=None,
        rank_low=None,
        rank_high=None,
        contender=record.contender,
        experiment=record.experiment,
        attempt=record.attempt,
        variant=record.variant,
        config=record.params,
        replicas=len(replicas),
        complete=len(complete),
        confirmed=False,
        baseline=record.baseline,
        mark=_mark(replicas),
        alarms=_alarms(replicas),
        scores={key: summary([replica.final[key] for replica in complete]) for key in keys},
        last={key: fmean(replica.last[key] for replica in replicas if key in replica.last) for key in sorted(last)},
        steps=max((replica.step for replica in replicas), default=0),
        images=max((replica.images for replica in replicas), default=0),
        seconds=math.fsum(replica.seconds for replica in replicas),
        status=record.status,
        reason=record.reason,
        run_ids=[record.run_id, *(replica.run_id for replica in replicas)],
    )


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


def _order(row: Row, metric: str, higher: bool) -> tuple[bool, bool, bool, float]:
    """Complete contenders by score, then those with a lost replica by score, then the unscored, then baselines."""
    score = row.scores.get(metric)
    value = 0.0 if score is None else (-score.value if higher else score.value)
    return row.baseline, score is None, row.mark is not None, value


def _ranked(rows: Sequence[Row], metric: str) -> list[Row]:
    """Give ranks from 1 to the scored rows; equal scores share the better rank."""
    ranked: list[Row] = []
    for place, row in enumerate(rows, start=1):
        before = ranked[-1] if ranked else None
        if metric not in row.scores or row.baseline:
            ranked.append(row)
        elif before and before.scores[metric].value == row.scores[metric].value and bool(before.mark) == bool(row.mark):
            ranked.append(replace(row, rank=before.rank))
        else:
            ranked.append(replace(row, rank=place))
    return ranked


def flat(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Return one flat row a contender, for CSV and Markdown; every row has every column."""
    keys = list(dict.fromkeys(key for group in groups for row in group.rows for key in row.scores))
    rows = []
    for group in groups:
        for row in group.rows:
            flat_row: dict[str, Any] = {"rank": row.rank, "experiment": row.experiment, "contender": row.contender}
            flat_row |= {"variant": row.variant, "replicas": row.replicas, "metric": group.metric}
            for key in keys:
                score = row.scores.get(key)
                flat_row |= {
                    key: score and score.value,
                    f"{key}_low": score and score.low,
                    f"{key}_high": score and score.high,
                }
            flat_row |= {"steps": row.steps, "images": row.images, "seconds": row.seconds}
            flat_row |= {"status": row.status, "reason": row.reason, "run_id": row.run_ids[0]}
            flat_row |= {"protocol": digest(group.protocol), "budget_class": digest(group.budget_class)}
            rows.append(flat_row)
    return rows


def as_json(groups: Sequence[Group]) -> dict[str, Any]:
    """Return the document of `ganarena leaderboard --json`."""
    return {
        "groups": [
            {
                "protocol": dict(group.protocol),
                "budget_class": dict(group.budget_class),
                "metric": group.metric,
                "rows": [asdict(row) for row in group.rows],
            }
            for group in groups
        ]
    }
