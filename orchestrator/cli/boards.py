"""The leaderboard for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.cli.tables import bare, short
from orchestrator.leaderboard import FEWEST_SEEDS, UNKNOWN, Group, Row
from orchestrator.live import STYLES, sparkline
from orchestrator.records import ForeignRecord, ScoreRecord
from orchestrator.wording import number, scored

MOST_PARAMETERS = 4


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
    title = Text(f"\n{dataset.get('name', 'unknown data')}", style="bold")
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
    table = bare()
    several = len({row.experiment for row in group.rows}) > 1
    table.add_column("rank", justify="right", no_wrap=True, min_width=4)
    ranked = any(row.rank for row in group.rows)
    if ranked:
        table.add_column("range", no_wrap=True)
    attempts = len({(row.experiment, row.attempt) for row in group.rows}) > len({row.experiment for row in group.rows})
    for column in (*(["experiment"] if several else []), *(["attempt"] if attempts else []), "contender", "variant"):
        table.add_column(column, no_wrap=True)
    better = "higher" if group.higher_is_better else "lower"
    keys = list(dict.fromkeys(key for row in group.rows for key in row.scores))
    keys.sort(key=lambda key: key != group.metric)
    for key in keys:
        table.add_column(f"{key} ({better})" if key == group.metric else key)
    names = group.searched[:MOST_PARAMETERS]
    for name in (*names, "images", "seconds"):
        table.add_column(name, justify="right")
    table.add_column("status", overflow="fold", min_width=8)
    for row in group.rows:
        cells: list[RenderableType] = [row.place]
        cells += [_range(row)] if ranked else []
        cells += [Text(row.experiment)] if several else []
        cells += [str(row.attempt)] if attempts else []
        cells += _cells(row, keys, names, metric=group.metric)
        table.add_row(*cells, style="bold" if row.order == 1 else ("" if row.order else "dim"))
    return table


def _range(row: Row) -> str:
    return f"{row.rank_low}-{row.rank_high}" if row.rank else ""


def _cells(row: Row, keys: Sequence[str], names: Sequence[str], *, metric: str) -> list[RenderableType]:
    status = Text(row.status, style=STYLES.get(row.status, ""))
    apart = row.unranked if row.baseline or (row.order and row.complete >= FEWEST_SEEDS) else None
    audited = f"audited: {row.audited}" if row.audited else None
    notes = "; ".join(
        note for note in (apart, audited, _confirmation(row), row.mark, row.reason, *row.observed) if note
    )
    status.append(f": {notes}" if notes else "", style="dim")
    scores = [_score(row.scores.get(key)) for key in keys]
    if not row.scores and metric in keys and metric in row.last:
        scores[keys.index(metric)] = f"({number(row.last[metric])})"
    config = [short(row.config.get(name, "")) for name in names]
    index = row.contender.partition("-")[0]
    return [index, row.variant, *scores, *config, f"{row.images:,}", f"{row.seconds:.0f}", status]


def _confirmation(row: Row) -> str | None:
    """Say what a confirmed row repeats, and how much better or worse that had looked."""
    if row.confirms is None:
        return None
    repeated = row.confirms.partition("-")[0]
    gap = "" if row.optimism is None else f" (selected less confirmed: {row.optimism:+.4g})"
    return f"confirms {repeated}{gap}"


def _score(score: ScoreRecord | None) -> str:
    return "" if score is None else scored(score.value, score.low, score.high)
