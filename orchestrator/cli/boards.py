"""The leaderboard for a terminal."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.cli.tables import bare, short
from orchestrator.leaderboard import FEWEST_SEEDS, UNKNOWN, Group, Row
from orchestrator.live import STYLES, sparkline
from orchestrator.records import ForeignRecord
from orchestrator.wording import number, scored

MOST_PARAMETERS = 4

Column = tuple[str, dict[str, Any], Callable[[Row], RenderableType]]
"""A column of a ranking: its title, its look, and what it shows of a row."""


def leaderboard_tables(groups: Sequence[Group], hidden: Mapping[str, int] | None = None) -> list[RenderableType]:
    """Return a titled table for each group of comparable rows; `hidden` counts the rows that are left out."""
    if not groups:
        return [Text("nothing is recorded yet; `ganarena demo` records a small search", style="dim")]
    parts: list[RenderableType] = []
    for group in groups:
        parts += [_title(group), _leaderboard(group)] if group.rows else []
    if hidden:
        told = " and ".join(f"{count} {status}" for status, count in hidden.items())
        parts.append(Text(f"\n{told}, without a final score: --status all shows them", style="dim"))
    return parts or [Text("no row is like this", style="dim")]


def foreign_table(runs: Sequence[ForeignRecord]) -> list[RenderableType]:
    """Return the runs that something else recorded, if there are any."""
    if not runs:
        return []
    table = bare()
    for column in ("run", "experiment", "name", "status"):
        table.add_column(column, no_wrap=column != "name", overflow="fold")
    for run in runs:
        table.add_row(run.run_id, Text(run.experiment), Text(run.name), run.status)
    return [Text("\nrecorded by something else", style="bold").append(f"\n{UNKNOWN}", style="not bold dim"), table]


def best_tables(told: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Return the expected best against the budget spent, a table for each search."""
    parts: list[RenderableType] = []
    for search in told:
        parts.append(_heading(search, f"the best to expect of so many of its {search['draws']} draws"))
        if search["reason"]:
            parts.append(Text(search["reason"]))
            continue
        units = list(search["points"][0]["costs"]) if search["points"] else []
        costs = [unit.replace("_", " ") for unit in units]
        table = bare("draws", *costs, "any score", "expected best", "median", justify="right")
        table.add_column("95 % of the median, at once")
        for point in search["points"]:
            spent = [f"{point['costs'][unit]:,.0f}" for unit in units]
            band = _bounded(point["low"], point["high"])
            middle = ["-" if point[each] is None else number(point[each]) for each in ("expected", "median")]
            table.add_row(str(point["draws"]), *spent, f"{point['scored']:.0%}", *middle, band)
        parts.append(table)
    return parts


def importance_tables(told: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Return the importance of each searched parameter, a table for each search."""
    parts: list[RenderableType] = []
    for search in told:
        parts.append(_heading(search, "importance of what was searched"))
        if search["reason"]:
            parts.append(Text(search["reason"]))
            continue
        note = f"a forest predicts {search['explained']:.0%} of the order of contenders held out;"
        parts.append(Text(f"{note} lost once a parameter is shuffled, ± standard error:", style="dim"))
        table = bare("parameter", "importance")
        for each in search["importances"]:
            table.add_row(each["parameter"], f"{each['value']:.2f} ± {each['error']:.2g}")
        parts.append(table)
    return parts


def comparison_tables(document: Mapping[str, Any]) -> list[RenderableType]:
    """Return what differs, the curves and scores beside each other, and the verdict."""
    runs, verdict = document["runs"], document["verdict"]
    parts: list[RenderableType] = [_beside(runs, document["differences"], verdict["metric"])]
    sentences = [verdict["reason"]] if verdict["reason"] else [pair["sentence"] for pair in verdict["pairs"]]
    parts += [Text(f"\n{sentence}", style="bold") for sentence in sentences]
    if document["picture"]:
        parts.append(Text(f"\ncurves and samples: {document['picture']}", style="dim"))
    return parts


def _beside(runs: Sequence[Mapping[str, Any]], differences: Sequence[Mapping[str, Any]], metric: str) -> Table:
    """Return a column for each run."""
    table = bare("")
    for run in runs:
        table.add_column(Text(run["label"]), overflow="fold")
    lines = [("run", [run["run_id"] for run in runs]), ("status", [run["status"] for run in runs])]
    lines += [
        (each["name"], ["" if value is None else short(value) for value in each["values"]]) for each in differences
    ]
    lines.append((f"{metric} on select", [_drawn(run["curves"].get(metric, [])) for run in runs]))
    for key in dict.fromkeys(key for run in runs for key in run["scores"]):
        found = [run["scores"].get(key) for run in runs]
        lines.append((key, [scored(score["value"], score["low"], score["high"]) if score else "" for score in found]))
    lines.append(("seeds", [", ".join(map(str, run["seeds"])) for run in runs]))
    for name, cells in dict(lines).items():
        table.add_row(Text(name), *map(Text, cells))
    return table


def _drawn(curve: Sequence[Mapping[str, Any]]) -> str:
    """Return a curve as bars, with its first and its last value."""
    if not curve:
        return ""
    first, last = number(curve[0]["value"]), number(curve[-1]["value"])
    return f"{first} {sparkline([point['value'] for point in curve])} {last}"


def _heading(search: Mapping[str, Any], text: str) -> Text:
    heading = Text(f"\n{search['experiment']}", style="bold")
    return heading.append(f" · attempt {search['attempt']} · {text}", style="not bold dim")


def _bounded(low: float | None, high: float | None) -> str:
    """Return an interval of which an end may be unknown, or both."""
    if low is None:
        return "too few draws to tell" if high is None else f"at most {number(high)}"
    return f"at least {number(low)}" if high is None else f"{number(low)} to {number(high)}"


def _title(group: Group) -> Text:
    if not group.protocol:
        return Text("\nnot judged: no tick so far", style="bold")
    dataset, extractor = group.protocol.get("dataset", {}), group.protocol.get("extractor", {})
    budget = group.budget_class
    amount = budget.get("amount")
    amount = f"{amount:,}" if isinstance(amount, int) else amount
    told = [
        f"{group.protocol.get('generated')} samples",
        f"{group.protocol.get('reals')} reals of {dataset.get('split')}",
        f"{extractor.get('name')} features",
        f"{amount} {budget.get('unit')}",
        f"{budget.get('checkpoint')} checkpoint",
    ]
    title = Text(f"\n{dataset.get('name')}", style="bold")
    title.append("".join(f" · {part}" for part in told), style="dim")
    title.append("".join(f"\n{note}" for note in _notes(group)), style="dim")
    return title


def _notes(group: Group) -> list[str]:
    """Say what a reader must know of the ranks and of the numbers in brackets."""
    confirmed = any(row.confirmed for row in group.rows)
    notes = ["confirmed on new seeds" if confirmed else "as selected, not confirmed on new seeds"]
    if any(row.rank for row in group.rows):
        notes.append("range: the ranks that the seeds leave open, at 95 % for all rows at once")
    if any(row.order and row.unranked and (row.confirmed or not confirmed) for row in group.rows):
        notes.append(f"a place in brackets is no rank, for a rank takes {FEWEST_SEEDS} seeds")
    if any(not row.scores and group.metric in row.last for row in group.rows):
        notes.append("scores in brackets: at the last tick, on select")
    return notes


def _leaderboard(group: Group) -> Table:
    columns, table = _columns(group), bare()
    for title, look, _ in columns:
        table.add_column(title, **look)
    for row in group.rows:
        style = "bold" if row.order == 1 else ("" if row.order else "dim")
        table.add_row(*(shown(row) for _, _, shown in columns), style=style)
    return table


def _columns(group: Group) -> list[Column]:
    """Return the columns of a ranking in their order; where the records come from is told if it is not all the same."""
    rows, metric = group.rows, group.metric
    experiments = len({row.experiment for row in rows})
    tried_again = len({(row.experiment, row.attempt) for row in rows}) > experiments
    keys = sorted(dict.fromkeys(key for row in rows for key in row.scores), key=lambda key: key != metric)
    better = "higher" if group.higher_is_better else "lower"
    titles = {key: f"{key} ({better})" if key == metric else key for key in keys}
    unbroken, right = {"no_wrap": True}, {"justify": "right"}
    return [
        ("rank", {"justify": "right", "no_wrap": True, "min_width": 4}, lambda row: row.place),
        *([("range", unbroken, _range)] if any(row.rank for row in rows) else []),
        *([("experiment", unbroken, lambda row: Text(row.experiment))] if experiments > 1 else []),
        *([("attempt", unbroken, lambda row: str(row.attempt))] if tried_again else []),
        ("contender", unbroken, lambda row: row.contender.partition("-")[0]),
        ("variant", unbroken, lambda row: row.variant),
        *((titles[key], {}, partial(_score, key=key, in_brackets=key == metric)) for key in keys),
        *((name, right, partial(_config, name=name)) for name in group.searched[:MOST_PARAMETERS]),
        ("images", right, lambda row: f"{row.images:,}"),
        ("seconds", right, lambda row: f"{row.seconds:.0f}"),
        ("status", {"overflow": "fold", "min_width": 8}, _status),
    ]


def _range(row: Row) -> str:
    return f"{row.rank_low}-{row.rank_high}" if row.rank else ""


def _score(row: Row, key: str, *, in_brackets: bool) -> str:
    """Return a final score; where a row has none at all, `in_brackets` that of its last tick."""
    if key in row.scores:
        score = row.scores[key]
        return scored(score.value, score.low, score.high)
    return f"({number(row.last[key])})" if in_brackets and not row.scores and key in row.last else ""


def _config(row: Row, name: str) -> str:
    return short(row.config.get(name, ""))


def _status(row: Row) -> Text:
    """Return how a row ended, and all that must be known of it."""
    status = Text(row.status, style=STYLES.get(row.status, ""))
    apart = row.unranked if row.baseline or (row.order and row.complete >= FEWEST_SEEDS) else None
    audited = f"audited: {row.audited}" if row.audited else None
    notes = [note for note in (apart, audited, _confirmation(row), row.mark, row.reason, *row.observed) if note]
    return status.append(f": {'; '.join(notes)}" if notes else "", style="dim")


def _confirmation(row: Row) -> str | None:
    """Say what a confirmed row repeats, and how much better or worse that had looked."""
    if row.confirms is None:
        return None
    repeated = row.confirms.partition("-")[0]
    gap = "" if row.optimism is None else f" (selected less confirmed: {row.optimism:+.4g})"
    return f"confirms {repeated}{gap}"
