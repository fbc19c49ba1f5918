"""Tables of the page: what a cell shows, what it sorts by, and what goes into the CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.leaderboard import Group, Row
from orchestrator.report.verdict import label
from orchestrator.wording import number

SETTINGS = ("variant", "seeds", "data.", "budget.")
"""How the params begin that are not hyperparameters."""

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


def searched(rows: Sequence[Row]) -> list[str]:
    """Return the hyperparameters that differ between contenders of one variant."""
    seen: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        for name, value in row.config.items():
            if not name.startswith(SETTINGS):
                seen.setdefault((name, row.variant), set()).add(value)
    return list(dict.fromkeys(name for (name, _), values in seen.items() if len(values) > 1))


def leaderboard(group: Group, numbers: Mapping[str, int], *, name: str) -> Table:
    """Return the ranking of a group; `numbers` are those of its contenders on this page."""
    keys = sorted({key for row in group.rows for key in row.scores} - {group.metric})
    params = searched(group.rows)
    better = "higher" if group.higher_is_better else "lower"
    reach = _reach(group)
    columns = [
        Column(name="rank", title="#", numeric=True),
        Column(name="contender"),
        Column(name="run_id", hidden=True),
        Column(name="variant", hidden=True),
        Column(name=group.metric, title=f"{group.metric} ({better} is better)", numeric=True),
        Column(name=f"{group.metric}_low", numeric=True, hidden=True),
        Column(name=f"{group.metric}_high", numeric=True, hidden=True),
        *(Column(name=key, numeric=True) for key in keys),
        *(Column(name=param, numeric=_numeric(group.rows, param)) for param in params),
        *(Column(name=cost, numeric=True) for cost in ("images", "seconds", "seeds")),
        Column(name="status"),
        Column(name="reason", hidden=True),
    ]
    lines = []
    for row in group.rows:
        score = row.scores.get(group.metric)
        cells = [
            Cell(value=row.rank, text=str(row.rank or "-"), kind="place"),
            Cell(value=row.contender, text=label(row, group.rows), note=_note(row), kind="name"),
            Cell(value=row.run_ids[0], text=""),
            Cell(value=row.variant, text=""),
            _score(row, group.metric, reach),
            Cell(value=score.low if score else None, text=""),
            Cell(value=score.high if score else None, text=""),
            *(_score(row, key) for key in keys),
            *(_param(row.config.get(param)) for param in params),
            Cell(value=row.images, text=f"{row.images:,}"),
            Cell(value=row.seconds, text=f"{row.seconds:,.0f}"),
            Cell(value=row.complete, text=_seeds(row)),
            Cell(value=row.status, text=row.status, note=row.reason or "", kind="status"),
            Cell(value=row.reason, text=""),
        ]
        lines.append(Line(cells=cells, status=row.status, contender=numbers.get(row.run_ids[0])))
    return Table(name=name, caption="Leaderboard", columns=columns, lines=lines)


def facts(name: str, caption: str, told: Mapping[str, Any]) -> Table:
    """Return names and values, nested ones with their path."""
    lines = [
        Line(cells=[Cell(value=path, text=path, kind="fact"), Cell(value=value, text=value)])
        for path, value in _flat(told)
    ]
    return Table(name=name, caption=caption, columns=[Column(name="name"), Column(name="value")], lines=lines)


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


def _param(value: str | None) -> Cell:
    if value is None:
        return Cell(value=None, text="")
    try:
        return Cell(value=float(value), text=number(float(value)))
    except ValueError:
        return Cell(value=value, text=value, kind="word")


def _numeric(rows: Sequence[Row], param: str) -> bool:
    return all(isinstance(_param(row.config.get(param)).value, float | None) for row in rows)


def _note(row: Row) -> str:
    told = ["baseline"] if row.baseline else []
    told += [row.mark] if row.mark else []
    told += [f"{rule} observed in {said.partition(' at ')[0]}" for rule, said in row.alarms.items()]
    return "; ".join(told)


def _seeds(row: Row) -> str:
    return str(row.replicas) if row.complete in (0, row.replicas) else f"{row.complete} of {row.replicas}"


def matrix(groups: Sequence[tuple[str, Group]]) -> Table:
    """Return a line for each variant and a column for each ranking: its score by the metric of that ranking."""
    scores = [Column(name=f"{title} {group.metric}", numeric=True) for title, group in groups]
    lines = []
    for variant in dict.fromkeys(row.variant for _, group in groups for row in group.rows):
        cells = [Cell(value=variant, text=variant, kind="name")]
        for _, group in groups:
            row = next((row for row in group.rows if row.variant == variant), None)
            cells.append(_score(row, group.metric) if row else Cell(value=None, text=""))
        lines.append(Line(cells=cells))
    return Table(name="study", caption="Variants on data", columns=[Column(name="variant"), *scores], lines=lines)
