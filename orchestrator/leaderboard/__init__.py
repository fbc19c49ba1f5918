"""The leaderboard: contenders ranked by final scores, only against those of equal protocol and budget class."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, stdev
from typing import Any

from orchestrator.errors import RequestError, did_you_mean
from orchestrator.leaderboard.pareto import pareto
from orchestrator.records import COSTS, ContenderRecord, ForeignRecord, ReplicaRecord, ScoreRecord, plain
from orchestrator.space import canonical, digest

SETTINGS = ("variant", "seeds", "data.", "budget.")
"""How the params begin that are not hyperparameters."""
FEWEST_SEEDS = 3
"""A mean of fewer takes no rank: its spread is all but unknown."""
UNKNOWN = "unranked: protocol unknown"
"""What is said of runs that something else recorded."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One contender: its place, its score, and what it cost."""

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    """The ranks that its seeds cannot rule out, for all rows of the group at once with 95 % confidence."""
    order: int | None
    """Its place among the scored ones; those that take a rank come first."""
    unranked: str | None
    """Why it takes no rank."""
    contender: str
    experiment: str
    attempt: int
    variant: str
    config: Mapping[str, str]
    replicas: int
    complete: int
    confirmed: bool
    """Was it trained on new seeds, after a contender had been selected?"""
    confirms: str | None
    """The selected contender that it repeats."""
    optimism: float | None
    """The score that its contender was selected with, less the one that it confirmed."""
    baseline: bool
    """Was it fitted without a game? Then it stands apart."""
    audited: str | None
    """Why it would have been pruned, had it not been kept by an audit; it stands apart as well."""
    mark: str | None
    """What a reader must know of the row's score: it is that of the lucky survivors."""
    alarms: Mapping[str, str]
    """Rules that fired and did not stop it: how many replicas, and what the first was told."""
    values: Sequence[float]
    """The final scores of its seeds, by the metric of the group."""
    scores: Mapping[str, ScoreRecord]
    last: Mapping[str, float]
    steps: int
    images: int
    images_of_all: int
    """Of all replicas together; `images` are those of one."""
    seconds: float
    device_seconds: float | None
    parameters: int | None
    pareto: Sequence[str]
    """The costs at which nobody is both better and cheaper."""
    status: str
    reason: str | None
    run_ids: Sequence[str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]

    @property
    def lost(self) -> bool:
        """Does its score leave out a replica?"""
        return self.complete < self.replicas


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


def half_width(values: Sequence[float], level: float = 0.95) -> float | None:
    """Return the half width of the interval of a mean; None for a single value."""
    if len(values) < 2:
        return None
    from scipy.special import stdtrit

    return float(stdtrit(len(values) - 1, (1 + level) / 2)) * stdev(values) / math.sqrt(len(values))


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
    wanted = [metric, key_of(metric, first.protocol)] if metric else [member.objective for member in members]
    chosen = next((key for key in wanted if key in directions), metric or first.objective or "")
    higher = directions.get(chosen, False)
    confirming = any(member.confirms for member in members)
    rows = [_row(member, chosen) for member in members]
    rows = [replace(row, unranked=_unranked(row, chosen, confirming)) for row in rows]
    # Sorting is stable: of equal rows the first by name comes first.
    rows.sort(key=lambda row: _order(row, chosen, higher, confirming))
    return Group(
        protocol=first.protocol or {},
        budget_class=first.budget_class or {},
        metric=chosen,
        higher_is_better=higher,
        rows=_on_fronts(_with_optimism(_ranked(rows, chosen, higher), chosen), chosen, higher),
    )


def key_of(family: str, protocol: Mapping[str, Any] | None) -> str:
    """Return the key of a family's main score in the feature space of this protocol."""
    from metrics import METRICS, key

    extractor = ((protocol or {}).get("extractor") or {}).get("name", "")
    return key(family, extractor) if family in METRICS else family


def _row(record: ContenderRecord, metric: str) -> Row:
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


def _unranked(row: Row, metric: str, confirming: bool) -> str | None:
    """Say why a row takes no rank, if it does not."""
    if row.baseline:
        return "baseline"
    if row.audited:
        return "audited"  # its search had dropped it, and may not select what only the audit kept
    if metric not in row.scores:
        return "no final score"
    if confirming and not row.confirmed:
        return "selected, not confirmed"
    if row.complete < FEWEST_SEEDS:
        return f"{row.complete} seed{'' if row.complete == 1 else 's'}, and a rank takes {FEWEST_SEEDS}"
    return None


def _order(row: Row, metric: str, higher: bool, confirming: bool) -> tuple[bool, bool, bool, bool, bool, bool, float]:
    """Confirmed before selected, complete before those with a lost replica, ranked before those of few seeds."""
    score = row.scores.get(metric)
    if score is None:
        return row.baseline, True, False, False, False, False, 0.0
    apart = confirming and not row.confirmed
    value = -score.value if higher else score.value
    return row.baseline, False, bool(row.audited), apart, row.lost, row.unranked is not None, value


def _ranked(rows: Sequence[Row], metric: str, higher: bool) -> list[Row]:
    """Give ranks with their sets: tested among the complete, while those with a lost replica stand behind by rule."""
    from orchestrator.leaderboard.ranking import rank_sets

    placed = _placed(rows, metric)
    torn = [row.rank for row in placed if row.rank and row.lost]
    behind = (min(torn), min(torn) + len(torn) - 1) if torn else (0, 0)
    tested = rank_sets([row.values for row in placed if row.rank and not row.lost], higher_is_better=higher)
    sets = iter([*tested, *(behind for _ in torn)])
    found = [(row, next(sets) if row.rank else (None, None)) for row in placed]
    return [replace(row, rank_low=low, rank_high=high) for row, (low, high) in found]


def _placed(rows: Sequence[Row], metric: str) -> list[Row]:
    """Give places from 1 to the scored rows, which are the ranks of those that take one; equal scores share."""
    placed: list[Row] = []
    for place, row in enumerate(rows, start=1):
        if row.baseline or row.audited or metric not in row.scores:
            placed.append(row)
            continue
        before = placed[-1] if placed else None
        same = before and _standing(before, metric) == _standing(row, metric)
        order = before.order if before and same else place
        placed.append(replace(row, order=order, rank=None if row.unranked else order))
    return placed


def _standing(row: Row, metric: str) -> tuple[float, bool, bool, bool]:
    return row.scores[metric].value, row.lost, row.confirmed, row.unranked is None


def _with_optimism(rows: Sequence[Row], metric: str) -> list[Row]:
    """Tell of each confirmed row how much better or worse its contender looked when it was selected."""
    selected = {
        (row.experiment, row.attempt, row.contender): row.scores[metric].value for row in rows if metric in row.scores
    }
    told = []
    for row in rows:
        before = selected.get((row.experiment, row.attempt, row.confirms or ""))
        known = before is not None and metric in row.scores
        told.append(replace(row, optimism=before - row.scores[metric].value) if known and before is not None else row)
    return told


def _on_fronts(rows: Sequence[Row], metric: str, higher: bool) -> list[Row]:
    """Tell of each row at which costs nobody is both better and cheaper, among those whose scores may be compared."""
    confirming = any(row.confirmed for row in rows)
    fair = [i for i, row in enumerate(rows) if row.order and not row.lost and row.confirmed == confirming]
    fronts = {}
    for cost in COSTS:
        spent = {i: getattr(rows[i], cost) for i in fair}
        points = {i: (rows[i].scores[metric].value, paid) for i, paid in spent.items() if paid is not None}
        fronts[cost] = set(pareto(points, (higher, False)))
    return [replace(row, pareto=[cost for cost in COSTS if i in fronts[cost]]) for i, row in enumerate(rows)]


def searched(rows: Iterable[Row]) -> list[str]:
    """Return the hyperparameters that differ between contenders of one variant."""
    seen: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        for name, value in row.config.items():
            if not name.startswith(SETTINGS):
                seen.setdefault((name, row.variant), set()).add(value)
    return list(dict.fromkeys(name for (name, _), values in seen.items() if len(values) > 1))


def flat(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Return one flat row a contender, for CSV, Markdown and frames; every row has every column."""
    params = dict.fromkeys(name for group in groups for row in group.rows for name in row.config)
    names = [name for name in params if not name.startswith(SETTINGS)]
    keys = list(dict.fromkeys(key for group in groups for row in group.rows for key in row.scores))
    rows = []
    for group in groups:
        for row in group.rows:
            flat_row: dict[str, Any] = {"rank": row.rank, "rank_low": row.rank_low, "rank_high": row.rank_high}
            flat_row |= {"order": row.order, "unranked": row.unranked}
            flat_row |= {"experiment": row.experiment, "attempt": row.attempt, "contender": row.contender}
            flat_row |= {"variant": row.variant, "replicas": row.replicas, "metric": group.metric}
            for key in keys:
                score = row.scores.get(key)
                flat_row |= {
                    key: score and score.value,
                    f"{key}_low": score and score.low,
                    f"{key}_high": score and score.high,
                }
            flat_row |= {cost: getattr(row, cost) for cost in COSTS}
            flat_row |= {name: plain(row.config[name]) if name in row.config else None for name in names}
            flat_row |= {"status": row.status, "reason": row.reason, "run_id": row.run_ids[0]}
            flat_row |= {"protocol": digest(group.protocol), "budget_class": digest(group.budget_class)}
            rows.append(flat_row)
    return rows


def as_json(groups: Sequence[Group], foreign: Sequence[ForeignRecord] = ()) -> dict[str, Any]:
    """Return the document of `ganarena leaderboard --json`; `foreign` are runs that something else recorded."""
    return {
        "groups": [
            {
                "protocol": dict(group.protocol),
                "budget_class": dict(group.budget_class),
                "metric": group.metric,
                "rows": [_told(row) for row in group.rows],
            }
            for group in groups
        ],
        "foreign": [asdict(run) | {"unranked": UNKNOWN} for run in foreign],
    }


def _told(row: Row) -> dict[str, Any]:
    told = {key: value for key, value in asdict(row).items() if key not in ("tags", "metrics")}
    return told | {"config": {name: plain(value) for name, value in row.config.items()}}
