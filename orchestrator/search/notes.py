"""What a person should know before a search starts, a sentence each."""

from typing import TYPE_CHECKING

from orchestrator.config.models import SearchExperiment
from orchestrator.resources import largest
from orchestrator.space import STARTUP, digest, kind

if TYPE_CHECKING:
    from orchestrator.search.plan import Plan


def notes(plan: "Plan") -> list[str]:
    """Return what is noteworthy about this plan."""
    told = (_undecided(plan), _equal(plan), _apart(plan), _unlike(plan), _compiled(plan), _crowded(plan))
    return [note for note in told if note]


def _undecided(plan: "Plan") -> str | None:
    if not plan.draws or plan.draws >= STARTUP + plan.slots:
        return None
    return (
        f"the first {STARTUP} contenders are drawn at random, for results decide once so many have ended;"
        f" with {plan.draws} in all and {plan.slots} at once nothing is left to decide"
    )


def _equal(plan: "Plan") -> str | None:
    if len({digest(contender.configuration) for contender in plan.contenders.values()}) == len(plan.contenders):
        return None
    return "some contenders are equal, for the space leaves too little to draw; they will train alike"


def _apart(plan: "Plan") -> str | None:
    experiment = plan.experiment
    if not isinstance(experiment, SearchExperiment) or experiment.search.scheduler != "pbt":
        return None
    if len({kind(contender, experiment.space) for contender in plan.contenders.values()}) < len(plan.contenders):
        return None
    return "no two slots share an architecture, so none can go on as a copy of another"


def _unlike(plan: "Plan") -> str | None:
    averaged = {contender.hyperparameters.get("ema_half_life") is not None for contender in plan.contenders.values()}
    if len(averaged) < 2:
        return None
    return (
        "some generators are averaged and some are raw, so they will not be ranked against each other;"
        " one `ema_half_life` under hyperparameters puts all into one group"
    )


def _compiled(plan: "Plan") -> str | None:
    if not plan.experiment.engine.compiled:
        return None
    return (
        "every trial compiles before its first tick, which takes about half a minute of a processor and is not counted"
        " in these seconds; short budgets are quicker without `engine.compiled`"
    )


def _crowded(plan: "Plan") -> str | None:
    memory, free = largest(need.memory for need in plan.needs.values()), max(node.memory for node in plan.there.nodes)
    if not memory or memory <= free:
        return None
    return (
        f"one trial is expected to take {memory / 1e9:.1f} GB of memory, and no node has more than"
        f" {free / 1e9:.1f} GB free; where it does not suffice, fewer replicas train at once"
    )
