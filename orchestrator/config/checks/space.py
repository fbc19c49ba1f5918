"""What the key `space` must also satisfy: every name is read by who draws it, and accepts whatever its law can draw."""

from collections.abc import Sequence

import gans
from orchestrator.config.checks.refusals import located
from orchestrator.config.checks.variant import check_read
from orchestrator.config.document import Document, Location
from orchestrator.config.models import SearchExperiment
from orchestrator.config.space import Dimension
from orchestrator.config.values import Value
from orchestrator.errors import did_you_mean
from orchestrator.space import circle


def check_space(experiment: SearchExperiment, document: Document) -> None:
    """Every name is given in one place, and exists under conditions that can hold."""
    space = experiment.space
    for name, dimension in space.items():
        here = ("space", name)
        if name in experiment.hyperparameters:
            document.fail(here, "fixed under hyperparameters as well; give each name in one place")
        for other, values in dimension.conditions.items():
            _check_condition(other, values, space, document, (*here, "when", other))
    if names := circle(space):
        told = f"{' and '.join(names)} depend on each other" if len(names) > 1 else f"{names[0]} depends on itself"
        document.fail(("space", names[0], "when"), f"{told}; a `when` may not go in a circle")


def _check_condition(
    name: str, values: Sequence[Value], space: dict[str, Dimension], document: Document, location: Location
) -> None:
    """`when` can only hold if the other name is searched and can take each of the values."""
    if name not in space:
        hint = did_you_mean(name, space) or "; `when` names another key of space"
        document.fail(location, f"{name!r} is not searched{hint}")
    other = space[name]
    if other.choice is None and other.randint is None:
        document.fail(location, f"{name} is drawn from {other.law}, which never hits a given value; give it a choice")
    for value in values:
        if other.choice is not None and value not in other.choice:
            document.fail(location, f"{name} is never {value!r}; it is one of {', '.join(map(str, other.choice))}")
        if other.randint is not None and value not in range(*other.randint):
            low, high = other.randint
            document.fail(location, f"{name} is never {value!r}; it is a whole number from {low} to {high - 1}")


def check_laws(experiment: SearchExperiment, variants: Sequence[str], document: Document) -> None:
    """Every variant that a name can be drawn for reads it, and accepts whatever its law can draw."""
    space = experiment.space
    for name, dimension in space.items():
        if name != "variant":
            readers = [variant for variant in variants if may_exist(name, variant, space)]
            _check_law(name, dimension, readers, experiment.hyperparameters, document)


def may_exist(name: str, variant: str, space: dict[str, Dimension]) -> bool:
    """Can this dimension be drawn for this variant, given what it depends on?"""
    conditions = space[name].conditions
    return variant in conditions.get("variant", [variant]) and all(
        may_exist(other, variant, space) for other in conditions
    )


def _check_law(
    name: str, dimension: Dimension, variants: Sequence[str], fixed: dict[str, Value], document: Document
) -> None:
    """Each of the variants must read the name, and accept whatever the law can draw beside what is fixed."""
    here = ("space", name)
    if not variants:
        document.fail((*here, "when"), f"no variant meets these conditions, so {name} is never drawn")
    readers = [variant for variant in variants if name in gans.hyperparameters(gans.variant(variant))]
    if readers and len(readers) < len(variants):
        other = next(variant for variant in variants if variant not in readers)
        document.fail(here, f"{other} does not read {name!r}; add when: {{variant: [{', '.join(readers)}]}}")
    for variant in variants:
        check_read(name, variant, document, here)
        kind = gans.hyperparameters(gans.variant(variant))[name].kind
        if kind == "int" and dimension.law in ("uniform", "loguniform"):
            document.fail((*here, dimension.law), f"{name} is a whole number; draw it by randint or choice")
        for value in dimension.extremes:
            with located(document, (*here, dimension.law)):
                gans.variant(variant, {**fixed, name: value})
