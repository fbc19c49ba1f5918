"""Who is ranked against whom: contenders of equal protocol and budget class, by one metric."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.errors import RequestError, did_you_mean
from orchestrator.leaderboard.gathering import gathered
from orchestrator.leaderboard.placing import in_order
from orchestrator.leaderboard.rows import Group, searched
from orchestrator.records import ContenderRecord
from orchestrator.space import canonical


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
    if metric is not None:
        check_rank(metric)
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
    if metric is not None and known and not any(group.metric in known for group in ranked):
        raise RequestError(
            f"no final score {metric!r} is recorded{did_you_mean(metric, known)}; there are {', '.join(known)}"
        )
    return ranked


def check_rank(metric: str) -> None:
    """Raise, in one sentence, if neither more nor less of this score is better."""
    from metrics import family_of

    if family := family_of(metric):
        family.check_rank()


def key_of(family: str, protocol: Mapping[str, Any] | None) -> str:
    """Return the key of a family's main score in the feature space of this protocol."""
    from metrics import METRICS, key

    extractor = ((protocol or {}).get("extractor") or {}).get("name", "")
    return key(family, extractor) if family in METRICS else family


def _group(members: Sequence[ContenderRecord], metric: str | None) -> Group:
    first = members[0]
    scored = [final for member in members for replica in member.replicas for final in replica.final.items()]
    directions = {key: score.higher_is_better for key, score in scored}
    wanted = [member.objective for member in members] if metric is None else [metric, key_of(metric, first.protocol)]
    chosen = next((key for key in wanted if key in directions), wanted[0] or "")
    higher = directions.get(chosen, False)
    rows = in_order([gathered(member, chosen) for member in members], chosen, higher_is_better=higher)
    return Group(
        protocol=first.protocol or {},
        budget_class=first.budget_class or {},
        metric=chosen,
        higher_is_better=higher,
        searched=searched(rows),
        rows=rows,
    )


def _meaning(record: ContenderRecord) -> tuple[str, str]:
    return canonical(record.protocol), canonical(record.budget_class)


def _judged(record: ContenderRecord) -> bool:
    """Sort those that were judged first: a group is named by its first."""
    return record.protocol is None


def _identity(record: ContenderRecord) -> tuple[str, int, str]:
    return record.experiment, record.attempt, record.contender
