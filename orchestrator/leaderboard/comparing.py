"""Runs beside each other: what differs in their configurations, their curves, and whether one is better."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

from orchestrator.errors import RequestError, did_you_mean, expect
from orchestrator.home import Home
from orchestrator.leaderboard.duel import Duel, duel, step_down
from orchestrator.leaderboard.grouping import check_rank, key_of
from orchestrator.leaderboard.means import summary
from orchestrator.records import ContenderRecord, ReplicaRecord
from orchestrator.review.curves import Row as Point
from orchestrator.review.curves import rows_of
from orchestrator.review.naming import Meant, find
from orchestrator.review.store import records
from orchestrator.wording import scored


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the runs: a contender with the replicas that are meant, all of them or one."""

    run_id: str
    label: str
    contender: ContenderRecord
    replicas: Sequence[ReplicaRecord]

    def values(self, metric: str) -> list[float]:
        """Return the final scores of its seeds."""
        return [replica.final[metric].value for replica in self.replicas if metric in replica.final]

    @property
    def lost(self) -> int:
        """How many of its replicas have no final score."""
        return sum(not replica.final for replica in self.replicas)

    @property
    def configuration(self) -> dict[str, Any]:
        """What may differ: the resolved configuration, and what the scores' meaning depends on."""
        seeds = ", ".join(str(replica.seed) for replica in self.replicas)
        meaning = {"protocol": self.contender.protocol or {}, "budget_class": self.contender.budget_class or {}}
        return {**self.contender.params, "seeds": seeds, **dict(_flat(meaning))}


def compare(*runs: str, home: str | Path | None = None, metric: str | None = None) -> dict[str, Any]:
    """Return the document of `ganarena compare --json`, and draw curves and samples of the runs into one picture."""
    from orchestrator.report.beside import picture

    expect(str | None, metric, "the name of a metric, such as 'fd'")
    where = Home.at(home)
    recorded = records(where, everything=True)
    sides = labelled([find(each, recorded) for each in runs])
    if len({side.run_id for side in sides}) < max(len(sides), 2):
        raise RequestError(f"expected at least two different runs, found {', '.join(runs) or 'none'}")
    judged = verdict(sides, metric)
    points = rows_of(where, list({side.contender.run_id: side.contender for side in sides}.values()))
    described = [told(side, points) for side in sides]
    drawn = picture(where, described, metric=judged["metric"])
    return {
        "runs": described,
        "differences": differences(sides),
        "verdict": judged,
        "picture": str(drawn) if drawn else None,
    }


def labelled(runs: Sequence[Meant]) -> list[Side]:
    """Return the runs, each named by as much as tells it from the others."""
    experiments = len({run.contender.experiment for run in runs}) > 1
    attempts = len({(run.contender.experiment, run.contender.attempt) for run in runs}) > 1
    sides = []
    for run in runs:
        record = run.contender
        index = record.contender.partition("-")[0]
        parts = [f"{record.experiment}/{index}" if experiments else index, record.variant]
        parts += [f"attempt {record.attempt}"] if attempts and not experiments else []
        parts += [f"seed {run.replica.seed}"] if run.replica else []
        sides.append(Side(run_id=run.run_id, label=" ".join(parts), contender=record, replicas=run.replicas))
    return sides


def differences(sides: Sequence[Side]) -> list[dict[str, Any]]:
    """Return every name whose value is not the same in all runs, with the value in each; None where it has none."""
    configurations = [side.configuration for side in sides]
    names = dict.fromkeys(name for configuration in configurations for name in configuration)
    found = [{"name": name, "values": [each.get(name) for each in configurations]} for name in names]
    return [each for each in found if any(value != each["values"][0] for value in each["values"])]


def verdict(sides: Sequence[Side], metric: str | None = None) -> dict[str, Any]:
    """Return the test of every pair; or why the scores cannot be compared."""
    known = sorted({name for side in sides for replica in side.replicas for name in replica.final})
    named = [metric, *(key_of(metric, side.contender.protocol) for side in sides)] if metric is not None else []
    objectives = [side.contender.objective for side in sides if side.contender.objective]
    key = next((name for name in named if name in known), None) if metric is not None else next(iter(objectives), "")
    if key is None:
        told = f"there are {', '.join(known)}" if known else "none of these runs has one"
        raise RequestError(f"no final score {metric!r}{did_you_mean(metric or '', known)}; {told}")
    if metric is not None:
        check_rank(key)
    if reason := _apart(sides):
        return {"metric": key, "comparable": False, "reason": reason, "pairs": []}
    higher = directions(sides).get(key, False)
    matches = list(combinations(sides, 2))
    duels = step_down([_duel(first, second, key, higher=higher) for first, second in matches])
    pairs = [
        {"first": first.run_id, "second": second.run_id, **asdict(found)}
        | {"sentence": _sentence(first, second, key, found, higher=higher)}
        for (first, second), found in zip(matches, duels, strict=True)
    ]
    return {"metric": key, "comparable": True, "reason": None, "pairs": pairs}


def told(side: Side, points: Sequence[Point]) -> dict[str, Any]:
    """Return what the document says of one run; its curve is the mean over its seeds at every tick."""
    record = side.contender
    keys = [
        key for key in directions([side]) if all(key in replica.final for replica in side.replicas if replica.final)
    ]
    finals = [replica.final for replica in side.replicas if replica.final]
    return {
        "run_id": side.run_id,
        "label": side.label,
        "experiment": record.experiment,
        "attempt": record.attempt,
        "contender": record.contender,
        "variant": record.variant,
        "status": record.status,
        "seeds": [replica.seed for replica in side.replicas],
        "lost": side.lost,
        "scores": {key: asdict(summary([final[key] for final in finals])) for key in keys},
        "values": {key: side.values(key) for key in keys},
        "curves": curves(side, points),
    }


def curves(side: Side, points: Sequence[Point]) -> dict[str, list[dict[str, Any]]]:
    """Return for each metric the mean over seeds at every tick."""
    members = {replica.run_id for replica in side.replicas}
    ticks: dict[str, dict[tuple[int, int], list[float]]] = {}
    for point in points:
        if point["run_id"] in members and point["split"] == "select":
            at = point["step"], point["images"]
            ticks.setdefault(point["metric"], {}).setdefault(at, []).append(point["value"])
    return {
        metric: [
            {"step": step, "images": images, "value": fmean(values), "seeds": len(values)}
            for (step, images), values in sorted(series.items())
        ]
        for metric, series in ticks.items()
    }


def directions(sides: Sequence[Side]) -> dict[str, bool]:
    """Return of each final score whether more of it is better."""
    finals = (replica.final for side in sides for replica in side.replicas)
    return {key: score.higher_is_better for final in finals for key, score in final.items()}


def _apart(sides: Sequence[Side]) -> str | None:
    """Say why the scores of these runs mean different things, if they do."""
    if any(side.contender.protocol is None for side in sides):
        return "not comparable: a run was never judged"
    apart = [each for each in differences(sides) if each["name"].startswith(("protocol.", "budget_class."))]
    if not apart:
        return None
    phrases = [f"{each['name']} is {' and '.join(map(str, dict.fromkeys(each['values'])))}" for each in apart]
    return f"not comparable, for their scores mean different things: {'; '.join(phrases)}"


def _duel(first: Side, second: Side, metric: str, *, higher: bool) -> Duel:
    found = duel(first.values(metric), second.values(metric), higher_is_better=higher)
    if first.contender.run_id == second.contender.run_id:
        return Duel(difference=found.difference, reason="not estimable: they are parts of one contender")
    if torn := next((side for side in (first, second) if side.lost and len(side.replicas) > side.lost), None):
        count = f"{torn.lost} of {len(torn.replicas)} replicas"
        return Duel(difference=found.difference, reason=f"not estimable: {torn.label} lost {count}")
    return found


def _sentence(first: Side, second: Side, metric: str, found: Duel, *, higher: bool) -> str:
    """Return the outcome of one pair as a person would say it."""
    pair = f"{first.label} and {second.label}"
    if found.reason or found.difference is None or found.beats is None:
        return f"{pair}: {found.reason}"
    ahead = (found.difference > 0) == higher
    better, other = (first, second) if ahead else (second, first)
    gap = f"a difference in {metric} of {scored(found.difference, found.low, found.high)}, p = {found.adjusted_p:.2g}"
    chance = f"on a new seed it is ahead with probability {found.beats if ahead else 1 - found.beats:.2f}"
    if found.decided:
        return f"{better.label} is better than {other.label}: {gap}; {chance}"
    needed = found.seeds_to_decide
    seeds = f"{needed:,} seeds each" if needed else "more than 10,000 seeds each"
    return f"{pair} are not told apart: {gap}; if the difference is what it looks like, {seeds} would decide"


def _flat(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        name = f"{path}.{key}".lstrip(".")
        if isinstance(inner, Mapping):
            yield from _flat(inner, name)
        else:
            yield name, str(inner)
