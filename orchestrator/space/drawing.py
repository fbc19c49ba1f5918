"""Which contenders there are: drawn up front and from the search's own seed, unless results decide."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice, product

from orchestrator.config.data import Data
from orchestrator.config.models import Experiment, SearchExperiment, StudyExperiment
from orchestrator.config.values import Value
from orchestrator.space.contender import Contender
from orchestrator.space.laws import combinations, draw

STARTUP = 10
"""Contenders that must have ended before results decide which are drawn; until then they are drawn at random."""


def contenders(experiment: Experiment) -> list[Contender]:
    """Return every contender that is known up front, in the order in which it starts; baselines come last."""
    drawn = _drawn(experiment)
    cells = product(experiment.baselines, experiment.sources.values())
    first = len(drawn) + draws(experiment)
    return drawn + [_baseline(index, experiment, *cell) for index, cell in enumerate(cells, start=first)]


def draws(experiment: Experiment) -> int:
    """Return how many contenders are drawn as results come."""
    if not isinstance(experiment, SearchExperiment) or not experiment.adaptive:
        return 0
    return experiment.search.contenders or 0


def up_front(experiment: SearchExperiment) -> SearchExperiment:
    """Return the same search with contenders that can be drawn before there are results."""
    if not experiment.adaptive:
        return experiment
    at_random = experiment.search.model_copy(update={"sampler": "random"})
    return experiment.model_copy(update={"search": at_random})


def _drawn(experiment: Experiment) -> list[Contender]:
    if isinstance(experiment, StudyExperiment):
        cells = product(experiment.study.variants, experiment.study.data)
        return [_contender(index, experiment, name, data, {}) for index, (name, data) in enumerate(cells)]
    assert isinstance(experiment, SearchExperiment)  # noqa: S101  (the two kinds of file)
    return [resolve(experiment, index, chosen) for index, chosen in enumerate(_draws(experiment))]


def resolve(experiment: SearchExperiment, index: int, chosen: Mapping[str, Value]) -> Contender:
    """Return the contender that has these values of the space."""
    rest = {name: value for name, value in chosen.items() if name != "variant"}
    return _contender(index, experiment, str(chosen.get("variant", experiment.variant)), experiment.data, rest)


def default(experiment: SearchExperiment, variant: str) -> Contender:
    """Return the contender that nobody has searched: a variant's defaults, with what the file fixes."""
    return _contender(0, experiment, variant, experiment.data, {})


def _baseline(index: int, experiment: Experiment, name: str, data: Data) -> Contender:
    from gans import baseline

    return Contender(
        index=index,
        variant=name,
        hyperparameters=asdict(baseline(name)),
        data=data.spec,
        budget=experiment.budget.model_dump(exclude_none=True),
    )


def _contender(index: int, experiment: Experiment, name: str, data: Data, drawn: dict[str, Value]) -> Contender:
    trainer = experiment.trainer if isinstance(experiment, SearchExperiment) else None
    given = {**experiment.hyperparameters, **drawn}
    return Contender(
        index=index,
        variant=trainer or name,
        hyperparameters=given if trainer else _resolved(name, given),
        data=data.spec,
        budget=experiment.budget.model_dump(exclude_none=True),
    )


def _resolved(name: str, given: dict[str, Value]) -> dict[str, Value]:
    """Return every hyperparameter of the variant, with the values that were given or its own."""
    from gans import hyperparameters, variant

    return {
        # 1 and 1.0 are one rate, and must have one digest.
        key: float(each.default) if each.kind == "float" and each.default is not None else each.default
        for key, each in hyperparameters(variant(name, given)).items()
    }


def _draws(experiment: SearchExperiment) -> Iterator[dict[str, Value]]:
    search, space = experiment.search, experiment.space
    if search.sampler == "grid":
        yield from islice(combinations(space), search.contenders)
    if search.sampler == "random":
        for index in range(search.contenders or 0):
            yield draw(space, f"{search.seed}/{index}")
