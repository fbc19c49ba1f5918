"""Tables for a terminal."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.config.data import label
from orchestrator.live import STYLES
from orchestrator.search.plan import Plan
from orchestrator.space import STARTUP
from orchestrator.wording import number, scored

PLAIN_WIDTH = 200


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


def front_tables(found: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Return a titled row for each contender of a front, if there is one."""
    if not found:
        return []
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    for column in ("contender", "variant"):
        table.add_column(column, no_wrap=True)
    for aim in found[0]["values"]:
        table.add_column(aim, justify="right")
    for each in found:
        table.add_row(each["contender"].partition("-")[0], each["variant"], *map(number, each["values"].values()))
    return [Text("\nnobody betters these in every objective, by final scores", style="dim"), table]


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
            f"{_counted(plan.expected, 'contender')} x {_counted(len(plan.experiment.seeds), 'seed')}",
            f"{_counted(plan.ticks, 'tick')} to {budget.amount:,} {budget.unit} each",
            f"{plan.slots} at once with {_counted(plan.threads, 'thread')} each on {plan.device}",
        )
    )
    if plan.pack > 1:
        title += f"; trained as {_counted(len(plan.packs), 'program')} of up to {_counted(plan.pack, 'contender')}"
    if again := plan.confirmation:
        title += f"\nthen the best and the defaults again: {_counted(again['contenders'], 'contender')}"
        title += f" x {_counted(len(again['seeds']), 'seed')}"
    title += f"\n{_resources(plan)}"
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    known = list(dict.fromkeys(name for contender in plan.contenders.values() for name in contender.hyperparameters))
    drawn = {name: {contender.hyperparameters.get(name) for contender in plan.contenders.values()} for name in known}
    names = [name for name, values in drawn.items() if len(values) > 1]
    for column in ("contender", "variant", "data", *names, *(("memory", "seconds") if plan.needs else ())):
        table.add_column(column)
    for name, contender in plan.contenders.items():
        values = [contender.hyperparameters.get(each) for each in names]
        shown = ["" if value is None else short(str(value)) for value in values]
        data = label(contender.data)
        need = plan.needs.get(name)
        needed = (_bytes(need.memory), number(need.seconds)) if need else ()
        table.add_row(name, contender.variant, data, *shown, *needed)
    born = [Text(f"drawn as results come, the first {min(plan.draws, STARTUP)} at random")] if plan.draws else []
    listed = [table] if plan.contenders else []
    return [Text(title), *born, *listed, *(Text(f"\nnote: {note}", style="yellow") for note in plan.notes)]


def _resources(plan: Plan) -> str:
    """Say what one trial gets and is expected to take, and how long all of them will."""
    told = plan.resources
    parts = [_counted(told["cpus"], "CPU")] + ([_counted(told["gpus"], "GPU")] if told["gpus"] else [])
    parts += [f"{_bytes(told['memory'])} of memory"] if told["memory"] else []
    parts += [f"{_bytes(told['gpu_memory'])} on its GPU"] if told["gpu_memory"] else []
    if told["seconds"] is not None:
        parts += [f"about {told['seconds']:.0f} s", f"about {told['total_seconds']:.0f} s in all"]
    return f"each trial: {', '.join(parts)}"


def _bytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e9:.2g} GB"


def _counted(count: float, noun: str) -> str:
    return f"{count:g} {noun}{'' if count == 1 else 's'}"


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
