"""What the charts draw: contenders with their learning curves, as small as numbers can be written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from orchestrator.leaderboard import Group, Row
from orchestrator.leaderboard.draws import best_by_budget, importances
from orchestrator.records import COSTS
from orchestrator.report.verdict import label
from orchestrator.review.curves import Row as Point

COLOURS = 7
"""How many contenders of a chart are told apart by colour; the others are grey."""

Json = dict[str, Any]


@dataclass
class Curves:
    """The learning curves of one experiment, looked up by run and metric."""

    points: dict[str, dict[str, list[Point]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    finals: dict[tuple[str, str], Point] = field(default_factory=dict)
    metrics: dict[str, None] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Point]) -> "Curves":
        """Sort tidy rows into curves."""
        curves = cls()
        for row in rows:
            curves.metrics[row["metric"]] = None
            if row["split"] == "select":
                curves.points[row["run_id"]][row["metric"]].append(row)
            else:
                curves.finals[row["run_id"], row["metric"]] = row
        return curves


def numbered(groups: Sequence[Group]) -> dict[str, int]:
    """Return a number for each contender of the page, by its run."""
    rows = [row for group in groups for row in group.rows]
    return {row.run_ids[0]: number for number, row in enumerate(rows)}


def dataset(group: Group) -> str:
    """Return what the dataset of a group is called."""
    return str(group.protocol.get("dataset", {}).get("name", "data unknown"))


def titles(groups: Sequence[Group]) -> list[str]:
    """Return a name for each ranking: its dataset, and what tells it from others on the same."""
    found = []
    for group in groups:
        told = [_told(group)] + [
            _told(other) for other in groups if other is not group and dataset(other) == dataset(group)
        ]
        apart = [value for key, value in told[0].items() if any(other[key] != value for other in told[1:])]
        found.append(" · ".join([dataset(group), *apart]))
    return found


def _told(group: Group) -> dict[str, str]:
    """Return what may differ between rankings on one dataset, in words."""
    generator, budget = group.protocol.get("generator", {}), group.budget_class
    return {
        "samples": f"{group.protocol.get('generated')} samples",
        "features": f"{group.protocol.get('extractor', {}).get('name')} features",
        "weights": f"{generator.get('weights')} weights",
        "norm": f"{generator.get('batch_norm')} batch norm",
        "budget": f"{budget.get('amount')} {budget.get('unit')}",
        "checkpoint": f"{budget.get('checkpoint')} checkpoint",
    }


def chart_data(groups: Sequence[Group], curves: Curves, clones: Mapping[str, Mapping[int, str]]) -> Json:
    """Return what the page's script draws from."""
    facets = list(dict.fromkeys(map(dataset, groups)))
    objectives = list(dict.fromkeys(group.metric for group in groups if group.metric))
    metrics = [*objectives, *(key for key in curves.metrics if key not in objectives)]
    painted = colours(groups)
    contenders = [
        _contender(row, group, curves)
        | {"facet": facets.index(dataset(group)), "colour": painted[row.run_ids[0]]}
        | {"clones": clones.get(row.contender, {})}
        for group in groups
        for row in group.rows
    ]
    return {
        "facets": facets,
        "unit": "steps" if all(group.budget_class.get("unit") == "steps" for group in groups) else "images",
        "metrics": metrics,
        "contenders": contenders,
        "floors": {key: [_floor(groups, curves, facet, key) for facet in facets] for key in metrics},
    }


def drawn_data(groups: Sequence[Group]) -> Json:
    """Return what is told about the search: the dimensions, those that decide first, and the best to expect."""
    importance = {
        each["parameter"]: _short(each["value"])
        for group in groups
        for estimate in importances(group)
        for each in estimate["importances"]
    }
    params = list(dict.fromkeys(param for group in groups for param in _dimensions(group)))
    expected = [
        {"metric": group.metric, "facet": dataset(group), "draws": told["draws"], "points": told["points"]}
        for group in groups
        for told in best_by_budget(group)
        if sum(point["expected"] is not None for point in told["points"]) > 1
    ]
    return {
        "params": sorted(params, key=lambda param: -(importance.get(param) or 0)),
        "importance": importance,
        "expected": expected,
    }


def _dimensions(group: Group) -> list[str]:
    several = len({row.variant for row in group.rows if not row.baseline}) > 1
    return ["variant"] * several + list(group.searched)


def colours(groups: Sequence[Group]) -> dict[str, int | None]:
    """Give a colour to each variant where a ranking has one contender of each, else to the first of each dataset."""
    variants = sorted({row.variant for group in groups for row in group.rows})
    if len(variants) <= COLOURS and all(
        len({row.variant for row in group.rows}) == len(group.rows) for group in groups
    ):
        return {row.run_ids[0]: variants.index(row.variant) for group in groups for row in group.rows}
    painted: dict[str, int | None] = {}
    for name in dict.fromkeys(map(dataset, groups)):
        members = [row.run_ids[0] for group in groups if dataset(group) == name for row in group.rows]
        painted |= {run_id: place if place < COLOURS else None for place, run_id in enumerate(members)}
    return painted


def _contender(row: Row, group: Group, curves: Curves) -> Json:
    replicas = row.run_ids[1:]
    told = {run_id: curves.points.get(run_id, {}) for run_id in replicas}
    longest = max((max(series.values(), key=len, default=[]) for series in told.values()), key=len, default=[])
    score = row.scores.get(group.metric)
    return {
        "label": label(row, group.rows),
        "variant": row.variant,
        "run": row.run_ids[0],
        "status": row.status,
        "reason": row.reason or "",
        "baseline": row.baseline,
        "objective": group.metric,
        "score": score.value if score else row.last.get(group.metric),
        "final": score is not None,
        "params": {name: row.config[name] for name in _dimensions(group) if name in row.config},
        "costs": {cost: getattr(row, cost) for cost in COSTS if getattr(row, cost)},
        "front": list(row.pareto),
        "seeds": [series[0]["seed"] for metrics in told.values() for series in list(metrics.values())[:1]],
        "steps": [point["step"] for point in longest],
        "images": [point["images"] for point in longest],
        "seconds": [_short(point["seconds"]) for point in longest],
        "scores": {
            metric: [_values(series.get(metric, ()), longest) for series in told.values() if series]
            for metric in curves.metrics
        },
        "ends": _ends(told, longest) if len(replicas) == 1 else {},
    }


def _values(series: Sequence[Point], longest: Sequence[Point]) -> list[float | None]:
    """Return one value for each tick of the longest series; none after an end or where it was not scored."""
    at = {point["step"]: _short(point["value"]) for point in series}
    return [at.get(point["step"]) for point in longest]


def _ends(told: Mapping[str, Mapping[str, Sequence[Point]]], longest: Sequence[Point]) -> Json:
    """Return the intervals of the only replica."""
    (series,) = told.values()
    found = {}
    for metric, points in series.items():
        if any(point["low"] is not None for point in points):
            at = {point["step"]: point for point in points}
            ordered = [at.get(point["step"], {}) for point in longest]
            found[metric] = [[_short(point.get(end)) for point in ordered] for end in ("low", "high")]
    return found


def _floor(groups: Sequence[Group], curves: Curves, facet: str, metric: str) -> float | None:
    """Return what a perfect generator gets on average over the ticks of a dataset."""
    runs = [
        run for group in groups if dataset(group) == facet for row in group.rows[:COLOURS] for run in row.run_ids[1:]
    ]
    floors = [point["floor"] for run in runs for point in curves.points.get(run, {}).get(metric, ())]
    known = [floor for floor in floors if floor is not None]
    return _short(fmean(known)) if known else None


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
