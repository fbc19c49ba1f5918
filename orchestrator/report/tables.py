"""Tables of the page: what a cell shows, what it sorts by, and what goes into the CSV."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from orchestrator.leaderboard import FEWEST_SEEDS, UNKNOWN, Group, Row
from orchestrator.records import COSTS, ForeignRecord
from orchestrator.report.happenings import Happening
from orchestrator.report.verdict import label
from orchestrator.wording import number

Value = str | float | None


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column; a hidden one is there for the CSV."""

    name: str
    title: str = ""
    numeric: bool = False
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What sorts and is downloaded, what is read, and what stands small below it."""

    value: Value
    text: str
    note: str = ""
    kind: str = ""
    span: tuple[float, float, float] | None = None
    """Low end, point and high end of an interval, in per cent of the width."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of a table, of the contender with this number if it is one."""

    cells: Sequence[Cell]
    status: str = ""
    contender: int | None = None
    first: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that sorts, filters and downloads; `name` is that of its CSV."""

    name: str
    caption: str
    columns: Sequence[Column]
    lines: Sequence[Line]

    @property
    def statuses(self) -> list[str]:
        """Return what can be filtered by."""
        return sorted({line.status for line in self.lines if line.status})


def leaderboard(group: Group, numbers: Mapping[str, int], *, name: str) -> Table:
    """Return the ranking of a group; `numbers` are those of its contenders on this page."""
    columns = _ranking(group)
    lines = [
        Line(
            cells=[shown(row) for _, shown in columns],
            status=row.status,
            contender=numbers.get(row.run_ids[0]),
            first=row.order == 1,
        )
        for row in group.rows
    ]
    return Table(name=name, caption="Leaderboard", columns=[column for column, _ in columns], lines=lines)


def _ranking(group: Group) -> list[tuple[Column, Callable[[Row], Cell]]]:
    """Return the columns of a ranking in their order, each with what is shown of a row there."""
    metric, rows = group.metric, group.rows
    keys = sorted({key for row in rows for key in row.scores} - {metric})
    ranked = any(row.rank for row in rows)
    return [
        (Column(name="rank", title="#", numeric=True), _place),
        (Column(name="contender"), partial(_contender, among=rows)),
        (Column(name="run_id", hidden=True), lambda row: _unseen(row.run_ids[0])),
        (Column(name="variant", hidden=True), lambda row: _unseen(row.variant)),
        (Column(name=metric, numeric=True), partial(_score, key=metric, reach=_reach(group))),
        (Column(name="range", hidden=not ranked), _range),
        (Column(name=f"{metric}_low", numeric=True, hidden=True), partial(_end, key=metric, end="low")),
        (Column(name=f"{metric}_high", numeric=True, hidden=True), partial(_end, key=metric, end="high")),
        *((Column(name=key, numeric=True), partial(_score, key=key)) for key in keys),
        *((Column(name=name, numeric=_numeric(rows, name)), partial(_config, name=name)) for name in group.searched),
        (Column(name="seeds", numeric=True), _seeds),
        *((_cost_column(cost, group), partial(_cost, cost=cost)) for cost in COSTS),
        (Column(name="pareto", hidden=True), lambda row: _unseen(" ".join(row.pareto))),
        (Column(name="status", hidden=True), lambda row: _unseen(row.status)),
        (Column(name="remarks", hidden=not any(map(_remarks, rows))), _remarked),
    ]


def matrix(groups: Sequence[Group], titles: Sequence[str]) -> Table:
    """Return a line for each variant and a column for each dataset: its score by the metric of its ranking."""
    columns = [Column(name="variant")]
    places: dict[str, list[Group]] = {}
    for title, group in zip(titles, groups, strict=True):
        places.setdefault(f"{title} {group.metric}", []).append(group)
    columns += [Column(name=title, numeric=True) for title in places]
    lines = []
    for variant in sorted({row.variant for group in groups for row in group.rows}):
        cells = [Cell(value=variant, text=variant, kind="name")]
        for members in places.values():
            found = [_score(row, group.metric) for group in members for row in group.rows if row.variant == variant]
            cells.append(found[0] if found else Cell(value=None, text=""))
        lines.append(Line(cells=cells))
    return Table(name="variants", caption="Variants on data", columns=columns, lines=lines)


def happened(told: Sequence[Happening], labels: Mapping[str, str]) -> Table:
    """Return what happened, in order."""
    columns = [Column(name="minutes", numeric=True), *(Column(name=name) for name in ("what", "contender", "told"))]
    lines = [
        Line(
            cells=[
                Cell(value=each.minutes, text=f"{each.minutes:.1f}"),
                Cell(value=each.what, text=each.what, kind=f"status {each.what}"),
                Cell(value=each.contender, text=labels.get(each.contender, each.contender)),
                Cell(value=each.told, text="", note=each.told, kind="remarks"),
            ],
            status=each.what,
        )
        for each in told
    ]
    return Table(name="happened", caption="What happened", columns=columns, lines=lines)


def foreign(runs: Sequence[ForeignRecord]) -> Table:
    """Return the runs that something else recorded."""
    columns = [Column(name=name) for name in ("run", "run_id", "status", "rank")]
    lines = [
        Line(
            cells=[
                Cell(value=run.name, text=run.name, kind="name"),
                Cell(value=run.run_id, text=run.run_id),
                Cell(value=run.status, text=run.status),
                Cell(value=UNKNOWN, text=UNKNOWN),
            ],
            status=run.status,
        )
        for run in runs
    ]
    return Table(name="others", caption="Recorded by something else", columns=columns, lines=lines)


def facts(name: str, caption: str, told: Sequence[tuple[str, Mapping[str, Any]]]) -> Table:
    """Return a line for each name and a column for each titled set of values, nested ones with their path."""
    flat = [dict(_flat(values)) for _, values in told]
    lines = []
    for path in dict.fromkeys(path for values in flat for path in values):
        values = [each.get(path, "") for each in flat]
        if len(set(values)) == 1:
            values = values[:1] + [""] * (len(values) - 1)
        cells = [Cell(value=value, text=value) for value in values]
        lines.append(Line(cells=[Cell(value=path, text=path, kind="fact"), *cells]))
    columns = [Column(name="name"), *(Column(name=title) for title, _ in told)]
    return Table(name=name, caption=caption, columns=columns, lines=lines)


def _flat(told: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in told.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{above}{name}.")
        else:
            shown = " x ".join(map(str, value)) if isinstance(value, list) else str(value)
            found.append((f"{above}{name}", "none" if value is None else shown))
    return found


def _score(row: Row, key: str, reach: tuple[float, float] | None = None) -> Cell:
    score = row.scores.get(key)
    if score is None:
        last = row.last.get(key)
        shown = "" if last is None or row.scores else f"({number(last)})"
        return Cell(value=None, text=shown, kind="last", note="last tick" if shown and reach else "")
    span = None
    if reach:
        ends = score.value if score.low is None else score.low, score.value, score.high or score.value
        low, point, high = (_percent(end, reach) for end in ends)
        span = low, point, high
    half = "" if score.low is None or score.high is None else f"± {(score.high - score.low) / 2:.2g}"
    return Cell(value=score.value, text=number(score.value), note=half, span=span, kind="score")


def _reach(group: Group) -> tuple[float, float] | None:
    """Return what the intervals are drawn between: all scored rows but the most distant tenth."""
    scores = [row.scores[group.metric] for row in group.rows if group.metric in row.scores]
    if len(scores) < 2:
        return None
    lows = sorted(score.value if score.low is None else score.low for score in scores)
    highs = sorted(score.value if score.high is None else score.high for score in scores)
    cut = len(scores) // 10
    low, high = (lows[cut], highs[-1]) if group.higher_is_better else (lows[0], highs[-1 - cut])
    return (low, high) if high > low else None


def _percent(value: float, reach: tuple[float, float]) -> float:
    low, high = reach
    return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 1)


def _unseen(value: Value) -> Cell:
    """Return what only the CSV tells."""
    return Cell(value=value, text="")


def _place(row: Row) -> Cell:
    return Cell(value=row.order, text=row.place, kind="place")


def _contender(row: Row, among: Sequence[Row]) -> Cell:
    return Cell(value=row.contender, text=label(row, among), note=_note(row), kind="name")


def _range(row: Row) -> Cell:
    told = f"{row.rank_low} to {row.rank_high}" if row.rank else ""
    return Cell(value=told, text=told)


def _end(row: Row, key: str, end: str) -> Cell:
    score = row.scores.get(key)
    return _unseen(getattr(score, end) if score else None)


def _cost_column(cost: str, group: Group) -> Column:
    return Column(name=cost, title=cost.replace("_", " "), numeric=True, hidden=not _telling(cost, group))


def _cost(row: Row, cost: str) -> Cell:
    value = getattr(row, cost)
    return Cell(value=value, text="" if value is None else f"{value:,.0f}")


def _config(row: Row, name: str) -> Cell:
    value = row.config.get(name)
    if value is None:
        return Cell(value=None, text="")
    try:
        return Cell(value=float(value), text=number(float(value)))
    except ValueError:
        return Cell(value=value, text=value, kind="word")


def _numeric(rows: Sequence[Row], param: str) -> bool:
    return all(isinstance(_config(row, param).value, float | None) for row in rows)


def _note(row: Row) -> str:
    told = [row.status] if row.status != "finished" else []
    told += [row.unranked] if row.unranked and row.order and row.complete >= FEWEST_SEEDS else []
    told += ["baseline"] if row.baseline else []
    told += [f"confirms {row.confirms.partition('-')[0]}"] if row.confirms else []
    return ", ".join([*told, row.mark] if row.mark else told)


def _remarks(row: Row) -> str:
    """Return why it ended, and which rules fired without ending it."""
    return "; ".join([row.reason, *row.observed] if row.reason else row.observed)


def _remarked(row: Row) -> Cell:
    return Cell(value=_remarks(row), text="", note=_remarks(row), kind="remarks")


def _telling(cost: str, group: Group) -> bool:
    """Is this cost known, and does it tell the contenders apart?"""
    spent = {getattr(row, cost) for row in group.rows} - {None, 0}
    return len(spent) > 1 and not (cost == "steps" and _telling("images", group))


def _seeds(row: Row) -> Cell:
    told = str(row.replicas) if row.complete in (0, row.replicas) else f"{row.complete} of {row.replicas}"
    return Cell(value=row.complete, text=told)
