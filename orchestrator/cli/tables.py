"""Tables for a terminal."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.config.models import label
from orchestrator.leaderboard import Group, Row, searched
from orchestrator.live import STYLES
from orchestrator.ranking import FEWEST_SEEDS
from orchestrator.records import ScoreRecord
from orchestrator.search.planning import Plan
from orchestrator.wording import number, scored

PLAIN_WIDTH = 200


def show(*renderables: RenderableType) -> None:
    """Print to stdout; wide enough for a table where nobody's terminal sets the width."""
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    for renderable in renderables:
        console.print(renderable)


def leaderboard_tables(groups: Sequence[Group]) -> list[RenderableType]:
    """Return a titled table for each group of comparable rows."""
    if not groups:
        return [Text("nothing is recorded yet; `ganarena demo` records a small search", style="dim")]
    return [part for group in groups for part in (_title(group), _leaderboard(group))]


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
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
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
    names = searched(group.rows)[:4]
    for name in (*names, "images", "seconds"):
        table.add_column(name, justify="right")
    table.add_column("status", overflow="fold", min_width=8)
    for row in group.rows:
        cells: list[RenderableType] = [_place(row)]
        cells += [_range(row)] if ranked else []
        cells += [Text(row.experiment)] if several else []
        cells += [str(row.attempt)] if attempts else []
        cells += _cells(row, keys, names, metric=group.metric)
        table.add_row(*cells, style="bold" if row.order == 1 else ("" if row.order else "dim"))
    return table


def _place(row: Row) -> str:
    """Return a rank, the place of a row that takes no rank, or a dash."""
    if row.rank:
        return str(row.rank)
    return f"({row.order})" if row.order else "-"


def _range(row: Row) -> str:
    return f"{row.rank_low}-{row.rank_high}" if row.rank else ""


def _cells(row: Row, keys: Sequence[str], names: Sequence[str], *, metric: str) -> list[RenderableType]:
    status = Text(row.status, style=STYLES.get(row.status, ""))
    alarms = [f"{rule} observed in {told.partition(' at ')[0]}" for rule, told in row.alarms.items()]
    apart = row.unranked if row.baseline or (row.order and row.complete >= FEWEST_SEEDS) else None
    audited = f"audited: {row.audited}" if row.audited else None
    notes = "; ".join(note for note in (apart, audited, _confirmation(row), row.mark, row.reason, *alarms) if note)
    status.append(f": {notes}" if notes else "", style="dim")
    scores = [_score(row.scores.get(key)) for key in keys]
    if not row.scores and metric in keys and metric in row.last:
        scores[keys.index(metric)] = f"({number(row.last[metric])})"
    config = [_short(row.config.get(name, "")) for name in names]
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


def _short(text: str) -> str:
    try:
        return number(float(text))
    except ValueError:
        return text


def runs_table(listed: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Return a row for each recorded contender."""
    if not listed:
        return Text("nothing is recorded yet; `ganarena demo` records a small search", style="dim")
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    for column in ("run", "experiment", "attempt", "contender", "variant", "replicas", "status", "reason"):
        table.add_column(column, no_wrap=column != "reason", overflow="fold")
    for run in listed:
        status = Text(run["status"], style=STYLES.get(run["status"], ""))
        names = run["experiment"], str(run["attempt"]), run["contender"], run["variant"], str(len(run["replicas"]))
        table.add_row(run["run_id"], *map(Text, names), status, Text(run["reason"] or ""))
    return table


def study_table(document: Mapping[str, Any]) -> Table:
    """Return the summary of a study: a row for each variant and dataset, floors beside the scores that have one."""
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    keys = list(dict.fromkeys(key for row in document["table"] for key in row["scores"]))
    for column in ("data", "variant", "seeds"):
        table.add_column(column, no_wrap=True)
    for key in keys:
        floor = any(key in row["floors"] for row in document["table"])
        table.add_column(f"{key} (perfect)" if floor else key)
    for row in document["table"]:
        cells = []
        for key in keys:
            score = row["scores"].get(key)
            text = "" if score is None else scored(score["value"], score["low"], score["high"])
            cells.append(text + (f" ({number(row['floors'][key])})" if key in row["floors"] else ""))
        lost = f" ({row['failed']} failed)" if row["failed"] else ""
        table.add_row(row["data"], row["variant"], f"{row['replicas']}{lost}", *cells)
    return table


def scores_table(scores: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return a row for each score."""
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    for column in ("score", "value", "95 % interval", "better"):
        table.add_column(column)
    for key, score in scores.items():
        interval = "" if score["low"] is None else f"{number(score['low'])} to {number(score['high'])}"
        table.add_row(key, number(score["value"]), interval, "higher" if score["higher_is_better"] else "lower")
    return table


def plan_tables(plan: Plan) -> list[RenderableType]:
    """Return what a search would do."""
    budget = plan.experiment.budget
    title = ", ".join(
        (
            f"{_counted(len(plan.contenders), 'contender')} x {_counted(len(plan.experiment.seeds), 'seed')}",
            f"{_counted(plan.ticks, 'tick')} to {budget.amount:,} {budget.unit} each",
            f"{plan.slots} at once with {_counted(plan.threads, 'thread')} each on {plan.device}",
        )
    )
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    known = list(dict.fromkeys(name for contender in plan.contenders.values() for name in contender.hyperparameters))
    drawn = {name: {contender.hyperparameters.get(name) for contender in plan.contenders.values()} for name in known}
    names = [name for name, values in drawn.items() if len(values) > 1]
    for column in ("contender", "variant", "data", *names):
        table.add_column(column)
    for name, contender in plan.contenders.items():
        values = [contender.hyperparameters.get(each) for each in names]
        shown = ["" if value is None else _short(str(value)) for value in values]
        data = label(contender.data)
        table.add_row(name, contender.variant, data, *shown)
    return [Text(title), table, *(Text(f"\nnote: {note}", style="yellow") for note in plan.notes)]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def catalogue_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Return a row for each entry of a catalogue."""
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    table.add_column("name", no_wrap=True, style="bold")
    table.add_column("summary")
    table.add_column("paper", style="dim")
    for entry in entries:
        table.add_row(entry["name"], entry["summary"], entry.get("paper") or "")
        for kind in ("hyperparameters", "settings"):
            if parameters := entry.get(kind):
                told = " · ".join(f"{each['name']} {each['default']}" for each in parameters)
                table.add_row("", Text(told, style="dim"), "")
    return table
