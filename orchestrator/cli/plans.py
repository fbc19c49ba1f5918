"""The plan of a search for a terminal: how much there is to do, what it takes, and each contender."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.cli.tables import bare, short
from orchestrator.config.data import label
from orchestrator.search.plan import Plan
from orchestrator.space import STARTUP
from orchestrator.wording import number


def plan_tables(plan: Plan) -> list[RenderableType]:
    """Return what a search would do."""
    born = [Text(f"drawn as results come, the first {min(plan.draws, STARTUP)} at random")] if plan.draws else []
    listed = [_contenders(plan)] if plan.contenders else []
    return [Text(_title(plan)), *born, *listed, *(Text(f"\nnote: {note}", style="yellow") for note in plan.notes)]


def _title(plan: Plan) -> str:
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
    return f"{title}\n{_resources(plan)}"


def _contenders(plan: Plan) -> Table:
    """Return a row for each contender, with what tells it from the others and what it needs."""
    known = list(dict.fromkeys(name for contender in plan.contenders.values() for name in contender.hyperparameters))
    drawn = {name: {contender.hyperparameters.get(name) for contender in plan.contenders.values()} for name in known}
    names = [name for name, values in drawn.items() if len(values) > 1]
    table = bare("contender", "variant", "data", *names, *(("memory", "seconds") if plan.needs else ()))
    for name, contender in plan.contenders.items():
        values = [contender.hyperparameters.get(each) for each in names]
        shown = ["" if value is None else short(str(value)) for value in values]
        need = plan.needs.get(name)
        needed = (_bytes(need.memory), number(need.seconds)) if need else ()
        table.add_row(name, contender.variant, label(contender.data), *shown, *needed)
    return table


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
