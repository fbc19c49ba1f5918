"""Tables for a terminal."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.live import STYLES
from orchestrator.wording import number, scored

PLAIN_WIDTH = 200


def bare(*columns: str, **look: Any) -> Table:
    """Return a table without lines, with these columns if they all look alike."""
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, **look)
    return table


def show(*renderables: RenderableType) -> None:
    """Print to stdout; wide enough for a table where nobody's terminal sets the width."""
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    for renderable in renderables:
        console.print(renderable)


def short(text: str) -> str:
    """Return a param with four digits where it is a number."""
    try:
        return number(float(text))
    except ValueError:
        return text


def runs_table(listed: Sequence[Mapping[str, Any]], *, begun: bool = False) -> RenderableType:
    """Return a row for each recorded contender; `begun` says that somebody has started, if there is none."""
    if not listed and begun:
        return Text("no contender is recorded yet of what was begun; its command with --resume goes on", style="dim")
    if not listed:
        return Text("nothing is recorded yet; `ganarena demo` records a small search", style="dim")
    table = bare()
    for column in ("run", "experiment", "attempt", "contender", "variant", "replicas", "status", "reason"):
        table.add_column(column, no_wrap=column != "reason", overflow="fold")
    for run in listed:
        status = Text(run["status"], style=STYLES.get(run["status"], ""))
        names = run["experiment"], str(run["attempt"]), run["contender"], run["variant"], str(len(run["replicas"]))
        table.add_row(run["run_id"], *map(Text, names), status, Text(run["reason"] or ""))
    return table


def front_tables(found: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Return a titled row for each contender of a front, if there is one."""
    if not found:
        return []
    table = bare("contender", "variant", no_wrap=True)
    for aim in found[0]["values"]:
        table.add_column(aim, justify="right")
    for each in found:
        table.add_row(each["contender"].partition("-")[0], each["variant"], *map(number, each["values"].values()))
    return [Text("\nnobody betters these in every objective, by final scores", style="dim"), table]


def study_table(document: Mapping[str, Any]) -> Table:
    """Return the summary of a study: a row for each variant and dataset, floors beside the scores that have one."""
    table = bare("data", "variant", "seeds", no_wrap=True)
    keys = list(dict.fromkeys(key for row in document["table"] for key in row["scores"]))
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


def scores_table(scores: Mapping[str, Mapping[str, Any]], floors: Mapping[str, float] | None = None) -> Table:
    """Return a row for each score, with what a perfect sampler gets where that is known."""
    table = bare("score", "value", "95 % interval", "better")
    if floors:
        table.add_column("perfect")
    for key, score in scores.items():
        interval = "" if score["low"] is None else f"{number(score['low'])} to {number(score['high'])}"
        perfect = [number(floors[key]) if key in floors else ""] if floors else []
        table.add_row(key, number(score["value"]), interval, _better(key, higher=score["higher_is_better"]), *perfect)
    return table


def _better(key: str, *, higher: bool) -> str:
    """Say which scores of this key are better."""
    from metrics import family_of

    family = family_of(key)
    return "near 1" if family and family.right_at_one else "higher" if higher else "lower"


def catalogue_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Return a row for each entry of a catalogue."""
    table = bare()
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
