"""What a population changes of a contender, and what it leaves: who may go on as a copy of whom."""

from collections.abc import Mapping

from orchestrator.config.population import PERTURBED
from orchestrator.config.space import Dimension
from orchestrator.space.contender import Contender, canonical
from orchestrator.space.laws import exists


def ranges(space: Mapping[str, Dimension]) -> dict[str, Dimension]:
    """Return what a population changes: learning rates and the penalty's weight, where they are drawn from a range."""
    return {name: space[name] for name in PERTURBED if name in space and space[name].law in ("uniform", "loguniform")}


def changeable(contender: Contender, space: Mapping[str, Dimension]) -> dict[str, Dimension]:
    """Return what of this contender a population changes."""
    chosen = {"variant": contender.variant, **contender.hyperparameters}
    return {name: dimension for name, dimension in ranges(space).items() if exists(dimension, chosen)}


def kind(contender: Contender, space: Mapping[str, Dimension]) -> str:
    """Return all of a contender that no population changes: its architecture, its data and its budget."""
    changed, configuration = changeable(contender, space), contender.configuration
    fixed = {name: value for name, value in contender.hyperparameters.items() if name not in changed}
    return canonical(configuration | {"hyperparameters": fixed})
