"""What a well-formed experiment must also satisfy: every name is read by somebody, every value is possible."""

from collections.abc import Sequence
from typing import Any

import gans
import metrics
from orchestrator.config.document import Document, Location
from orchestrator.config.models import Data, Experiment, SearchExperiment, StudyExperiment, Value
from orchestrator.errors import RequestError, did_you_mean
from orchestrator.space import ordered
from orchestrator.stopping import acting


def check(experiment: Experiment, document: Document) -> None:
    """Raise the first thing that is wrong, with its file, line and key."""
    if isinstance(experiment, SearchExperiment):
        _check_data(experiment.data, document, ("data",))
        _check_search(experiment, document)
        variants = _variants(experiment, document)
        _check_space(experiment, variants, document)
        _check_fixed(experiment, variants, document)
    if isinstance(experiment, StudyExperiment):
        for index, data in enumerate(experiment.study.data):
            _check_data(data, document, ("study", "data", index))
        for index, name in enumerate(experiment.study.variants):
            _check_variant(name, document, ("study", "variants", index))
        _check_fixed(experiment, experiment.study.variants, document)
    _check_metrics(experiment, document)
    for index, item in enumerate(experiment.stop):
        _located(
            document,
            ("stop", index),
            lambda item=item: acting([item], experiment.evaluation.metrics, experiment.objective),
        )


def _check_data(data: Data, document: Document, location: Location) -> None:
    if data.name is not None and data.name not in gans.data.DATASETS:
        known = gans.data.DATASETS
        hint = did_you_mean(data.name, known) or f"; expected one of {', '.join(known)}"
        document.fail((*location, "name"), f"no dataset {data.name!r}{hint}")


def _check_variant(name: str, document: Document, location: Location) -> None:
    if name not in gans.VARIANTS:
        hint = did_you_mean(name, gans.VARIANTS) or f"; expected one of {', '.join(gans.VARIANTS)}"
        document.fail(location, f"no variant {name!r}{hint}")


def _variants(experiment: SearchExperiment, document: Document) -> Sequence[str]:
    """Return the variants that the search can draw."""
    chosen = experiment.space.get("variant")
    if chosen is None and experiment.variant is None:
        document.fail(("variant",), "expected a variant, or a choice of variants under space")
    if experiment.variant is not None:
        _check_variant(experiment.variant, document, ("variant",))
    if chosen is None:
        return [str(experiment.variant)]
    if chosen.choice is None:
        document.fail(("space", "variant"), "expected a choice of variants")
    for index, name in enumerate(chosen.choice):
        _check_variant(str(name), document, ("space", "variant", "choice", index))
    return [str(name) for name in chosen.choice]


def _check_search(experiment: SearchExperiment, document: Document) -> None:
    search, budget = experiment.search, experiment.budget
    if search.metric is not None and search.metric not in experiment.evaluation.metrics:
        given = ", ".join(experiment.evaluation.metrics)
        document.fail(("search", "metric"), f"{search.metric!r} is not evaluated; evaluation.metrics has {given}")
    if search.grace is not None and not budget.tick <= search.grace <= budget.amount:
        message = f"expected between one tick ({budget.tick}) and the budget ({budget.amount}), found {search.grace}"
        document.fail(("search", "grace"), message)
    if search.sampler == "grid":
        for name, dimension in experiment.space.items():
            if dimension.choice is None:
                document.fail(("space", name), "sampler grid takes only choice; give values, or use sampler: random")


def _check_fixed(experiment: Experiment, variants: Sequence[str], document: Document) -> None:
    for name, value in experiment.hyperparameters.items():
        _check_value(name, [value], variants, document, ("hyperparameters", name))


def _check_space(experiment: SearchExperiment, variants: Sequence[str], document: Document) -> None:
    space = experiment.space
    for name, dimension in space.items():
        here = ("space", name)
        if name in experiment.hyperparameters:
            document.fail(here, "fixed under hyperparameters as well; give each name in one place")
        for other, values in dimension.conditions.items():
            if other not in space:
                hint = did_you_mean(other, space)
                document.fail(
                    (*here, "when", other), f"no searched name {other!r}{hint}; `when` names another of space"
                )
            for value in values:
                choices = space[other].choice
                if choices is not None and value not in choices:
                    document.fail((*here, "when", other), f"{other} is never {value!r}; it is one of {list(choices)}")
        if name != "variant":
            readers = dimension.conditions.get("variant", variants)
            _check_value(name, dimension.extremes, [str(reader) for reader in readers], document, here)
    _located(document, ("space",), lambda: ordered(space))


def _check_value(
    name: str, values: Sequence[Value], variants: Sequence[str], document: Document, location: Location
) -> None:
    """Each of the variants must read the name and accept each of the values."""
    for variant in variants:
        known = gans.hyperparameters(gans.variant(variant))
        if name not in known:
            readers = [other for other in variants if name in gans.hyperparameters(gans.variant(other))]
            way = f"; add when: {{variant: [{', '.join(readers)}]}}" if readers and location[0] == "space" else ""
            way = way or f"; it reads {', '.join(known)}"
            document.fail(location, f"{variant} does not read {name!r}{did_you_mean(name, known)}{way}")
        for value in values:
            _located(document, location, lambda value=value, variant=variant: gans.variant(variant, {name: value}))


def _check_metrics(experiment: Experiment, document: Document) -> None:
    for index, family in enumerate(experiment.evaluation.metrics):
        if family not in metrics.METRICS:
            hint = did_you_mean(family, metrics.METRICS) or f"; expected one of {', '.join(metrics.METRICS)}"
            document.fail(("evaluation", "metrics", index), f"no metric {family!r}{hint}")
    extractor = experiment.evaluation.extractor
    if extractor is not None and extractor not in metrics.EXTRACTORS:
        known = metrics.EXTRACTORS
        hint = did_you_mean(extractor, known) or f"; expected one of {', '.join(known)}"
        document.fail(("evaluation", "extractor"), f"no extractor {extractor!r}{hint}")


def _located(document: Document, location: Location, attempt: Any) -> None:
    """Run `attempt`; a refusal from any layer is told with its place in the file."""
    try:
        attempt()
    except (RequestError, gans.ConfigError, metrics.MetricsError) as error:
        document.fail(location, str(error))
