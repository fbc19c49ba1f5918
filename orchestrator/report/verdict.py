"""The verdict: what is best, by how much, and how far that can be trusted, in sentences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from orchestrator.leaderboard import FEWEST_SEEDS, Group, Row
from orchestrator.wording import number, scored


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a reader of one ranking takes home."""

    best: Row | None
    headline: str
    trust: Sequence[str]
    """Whatever speaks for or against the headline."""


def label(row: Row, among: Sequence[Row]) -> str:
    """Return what a person calls a contender: its variant alone where no other has it, else with its index."""
    if sum(other.variant == row.variant for other in among) == 1:
        return row.variant
    return f"{row.variant} {row.contender.partition('-')[0]}"


def verdict(group: Group, *, floor: float | None = None, selected: bool = True) -> Verdict:
    """Judge one group of comparable rows; `floor` is what a perfect generator gets, in a study nobody was selected."""
    candidates = [row for row in group.rows if row.order is not None]
    if not candidates:
        return Verdict(best=None, headline=_unfinished(group), trust=list(_losses(group)))
    best = candidates[0]
    placed = [row for row in candidates if _class(row) == _class(best)]
    first = [row for row in placed if row.scores[group.metric].value == best.scores[group.metric].value]
    return Verdict(
        best=best,
        headline=_headline(group, first, placed[len(first) :], _among(best, candidates)),
        trust=[
            *_floors(group, best, floor),
            *_seeds(best, len(placed)),
            *(_confirmation(best, group.metric) if selected and len(candidates) > 1 else ()),
            *_losses(group),
        ],
    )


def _class(row: Row) -> tuple[bool, bool, bool]:
    """Return what comes before the score in the order of a leaderboard: only scores of one class are told as one."""
    return row.confirmed, row.lost, row.unranked is None


def _among(best: Row, others: Sequence[Row]) -> str:
    """Say among whom the best is the best, unless it is among all."""
    if best.confirmed:
        return " of the confirmed"
    if any(row.lost != best.lost for row in others):
        return " of those that lost no replica"
    return " of the ranked" if any(_class(row) != _class(best) for row in others) else ""


def _unfinished(group: Group) -> str:
    audited = any(row.audited and group.metric in row.scores for row in group.rows)
    nobody = "Only what an audit kept has a final score." if audited else "No contender has a final score yet."
    reached = [row for row in group.rows if group.metric in row.last and not (row.baseline or row.audited)]
    if not reached:
        return nobody if audited else "Nothing has been scored yet."
    leader = (max if group.higher_is_better else min)(reached, key=lambda row: row.last[group.metric])
    return (
        f"{nobody} {label(leader, group.rows)} leads with "
        f"{group.metric} {number(leader.last[group.metric])} at its last tick."
    )


def _headline(group: Group, first: Sequence[Row], behind: Sequence[Row], among: str) -> str:
    extreme = "highest" if group.higher_is_better else "lowest"
    score = first[0].scores[group.metric]
    value = scored(score.value, score.low, score.high)
    names = _listed([label(row, group.rows) for row in first])
    if len(first) == 1 and not behind and not among:
        return f"{names} scores {value} {group.metric}, and nobody else is comparable."
    told = f"{names} {'share' if len(first) > 1 else 'has'} the {extreme} {group.metric}{among}: {value}."
    if not behind:
        return told
    following = behind[0].scores[group.metric].value
    margin = abs(following - score.value)
    away = f", {100 * margin / abs(following):.0f} % away" if following and margin < abs(following) else ""
    return f"{told} Next is {label(behind[0], group.rows)} with {number(following)}{away}."


def _listed(names: Sequence[str]) -> str:
    shown = [*names[:3], f"{len(names) - 3} more"] if len(names) > 4 else list(names)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _floors(group: Group, best: Row, floor: float | None) -> Iterator[str]:
    if floor is not None:
        yield f"A perfect generator would get {number(floor)}."
    value = best.scores[group.metric].value
    for row in group.rows:
        if row.baseline and group.metric in row.scores:
            base = row.scores[group.metric].value
            ahead = value > base if group.higher_is_better else value < base
            yield f"It is {'better' if ahead else 'no better'} than the baseline {row.variant} with {number(base)}."


def _seeds(best: Row, rivals: int) -> Iterator[str]:
    if best.mark:
        yield f"Its score leaves replicas out: {best.mark}."
    if best.complete < FEWEST_SEEDS:
        counted = "One seed" if best.complete == 1 else f"{best.complete} seeds"
        yield f"{counted} each: with other seeds the order may turn."
    elif rivals == 1 or best.rank_high is None:
        yield f"Mean over {best.complete} seeds, with a 95 % interval."
    elif best.rank_high > 1:
        yield f"Over {best.complete} seeds each, its true rank may be anything from 1 to {best.rank_high} (95 %)."
    else:
        yield f"Over {best.complete} seeds each, nobody else can be first (95 %)."


def _confirmation(best: Row, metric: str) -> Iterator[str]:
    if best.confirms == "default":
        yield "These are the variant's defaults: on the same new seeds, nothing that was selected is better."
    elif best.confirmed:
        selected = None if best.optimism is None else best.scores[metric].value + best.optimism
        gap = "" if selected is None else f", with {number(selected)}"
        yield f"Confirmed on new seeds after it had been selected{gap}."
    else:
        yield "Selected, not confirmed on new seeds: the best of many is also lucky."


def _losses(group: Group) -> Iterator[str]:
    played = [row for row in group.rows if not row.baseline]
    for status, told in (
        ("pruned", "ended before the budget was spent"),
        ("failed", "failed"),
        ("running", "still running"),
        ("interrupted", "waiting to go on"),
    ):
        if count := sum(row.status == status for row in played):
            yield f"{count} of {len(played)} {told}."


def floor_of(values: Sequence[float | None]) -> float | None:
    """Return the mean of what a perfect generator gets, where every replica was told."""
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None
