"""What a well-formed experiment must also satisfy: every name is read by somebody, every value is possible."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import gans
import metrics
from orchestrator.code import TRAINERS
from orchestrator.config.budget import Budget
from orchestrator.config.data import Data
from orchestrator.config.document import Document, Location
from orchestrator.config.evaluation import Evaluation
from orchestrator.config.models import Experiment, SearchExperiment, StudyExperiment
from orchestrator.config.population import PERTURBED
from orchestrator.config.search import MOST_CONTENDERS, SECONDS
from orchestrator.config.space import Dimension
from orchestrator.config.values import Value
from orchestrator.errors import RequestError, did_you_mean
from orchestrator.space import circle, combinations, contenders, up_front
from orchestrator.stopping import acting


def check(experiment: Experiment) -> None:
    """Raise the first thing that is wrong, with its file, line and key."""
    document = experiment.document
    for index, name in enumerate(experiment.baselines):
        _check_name("baseline", name, gans.BASELINES, document, ("baselines", index))
    if isinstance(experiment, SearchExperiment):
        check_data(experiment.data, document, ("data",))
        if experiment.trainer is None:
            variants = _variants(experiment, document)
            _check_fixed(experiment, variants, document)
            _check_space(experiment, document)
            _check_laws(experiment, variants, document)
        else:
            _check_trainer(experiment, document)
            _check_space(experiment, document)
        _check_search(experiment, document)
        with located(document, ("space",)):
            contenders(up_front(experiment))  # values that are possible one by one may not go together
    if isinstance(experiment, StudyExperiment):
        for index, data in enumerate(experiment.study.data):
            check_data(data, document, ("study", "data", index))
        for index, name in enumerate(experiment.study.variants):
            _check_name("variant", name, gans.VARIANTS, document, ("study", "variants", index))
        _check_fixed(experiment, experiment.study.variants, document)
    check_evaluation(experiment.evaluation, document)
    for index, item in enumerate(experiment.stop):
        with located(document, ("stop", index)):
            acting([item], experiment.evaluation.metrics, experiment.objective)


def _check_name(kind: str, name: str, known: Collection[str], document: Document, location: Location) -> None:
    if name not in known:
        hint = did_you_mean(name, known) or f"; expected one of {', '.join(known)}"
        document.fail(location, f"no {kind} {name!r}{hint}")


def check_data(data: Data, document: Document, location: Location) -> None:
    """The data have a name that is known, with parameters that they read, or lie where they are said to lie."""
    if data.name is not None:
        _check_name("dataset", data.name, gans.data.DATASETS, document, (*location, "name"))
        read = [key for key in gans.data.DATASETS[data.name].parameters if key in Data.model_fields]
        if unread := [key for key in data.spec if key not in ("name", *read)]:
            message = f"{data.name} does not read it; it reads {', '.join(read) or 'nothing beside its name'}"
            document.fail((*location, unread[0]), message)
    for key, path, there in (("images", data.images, Path.is_dir), ("npz", data.npz, Path.is_file)):
        if path is not None and not there(Path(path)):
            what = "folder" if key == "images" else "file"
            document.fail((*location, key), f"there is no {what} {path}; relative paths begin at the experiment file")


def _variants(experiment: SearchExperiment, document: Document) -> Sequence[str]:
    """Return the variants that the search can draw."""
    chosen = experiment.space.get("variant")
    if experiment.generator is not None:
        document.fail(("generator",), "goes with a trainer; a variant says itself what it draws from")
    if experiment.variant is not None:
        _check_name("variant", experiment.variant, gans.VARIANTS, document, ("variant",))
    if chosen is None:
        if experiment.variant is None:
            document.fail(("variant",), "expected a variant, a choice of variants under space, or a trainer")
        return [experiment.variant]
    if chosen.choice is None:
        document.fail(("space", "variant", chosen.law), "expected a choice of variants")
    if chosen.when:
        document.fail(("space", "variant", "when"), "every contender has a variant; leave `when` out")
    for index, name in enumerate(chosen.choice):
        _check_name("variant", str(name), gans.VARIANTS, document, ("space", "variant", "choice", index))
    return [str(name) for name in chosen.choice]


def _check_fixed(experiment: Experiment, variants: Sequence[str], document: Document) -> None:
    fixed = experiment.hyperparameters
    for variant in variants:
        for name in fixed:
            _check_read(name, variant, document, ("hyperparameters", name))
        try:
            gans.variant(variant, fixed)
        except gans.ConfigError:
            for name, value in fixed.items():
                with located(document, ("hyperparameters", name)):
                    gans.variant(variant, {name: value})
            with located(document, ("hyperparameters",)):  # each is possible alone, but not together
                gans.variant(variant, fixed)


def _check_trainer(experiment: SearchExperiment, document: Document) -> None:
    """It stands in place of a variant, and reads whatever names it is given."""
    if experiment.variant is not None or "variant" in experiment.space:
        place = ("variant",) if experiment.variant is not None else ("space", "variant")
        document.fail(place, "goes with a variant, and trainer stands in place of one; leave one of them out")
    if experiment.trainer not in TRAINERS:
        document.fail(("trainer",), f"expected package.module:function, found {experiment.trainer!r}")
    for key, names in (("hyperparameters", experiment.hyperparameters), ("space", experiment.space)):
        for name in names:
            if reason := unrecordable(name):
                document.fail((key, name), reason)


def unrecordable(name: str) -> str | None:
    """Say why a record cannot hold a hyperparameter of this name, if it cannot."""
    if not re.fullmatch(r"[A-Za-z][\w./ -]{0,199}", name, re.ASCII):
        return f"expected a name of letters, digits, _ . - and /, found {name!r}"
    if name in ("variant", "seeds") or name.startswith(("data.", "budget.")):
        return f"{name!r} is a name that every record has already; take another"
    return None


def _check_space(experiment: SearchExperiment, document: Document) -> None:
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


def _check_laws(experiment: SearchExperiment, variants: Sequence[str], document: Document) -> None:
    space = experiment.space
    for name, dimension in space.items():
        if name != "variant":
            readers = [variant for variant in variants if _may_exist(name, variant, space)]
            _check_law(name, dimension, readers, experiment.hyperparameters, document)


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


def _may_exist(name: str, variant: str, space: dict[str, Dimension]) -> bool:
    """Can this dimension be drawn for this variant, given what it depends on?"""
    conditions = space[name].conditions
    return variant in conditions.get("variant", [variant]) and all(
        _may_exist(other, variant, space) for other in conditions
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
        _check_read(name, variant, document, here)
        kind = gans.hyperparameters(gans.variant(variant))[name].kind
        if kind == "int" and dimension.law in ("uniform", "loguniform"):
            document.fail((*here, dimension.law), f"{name} is a whole number; draw it by randint or choice")
        for value in dimension.extremes:
            with located(document, (*here, dimension.law)):
                gans.variant(variant, {**fixed, name: value})


def _check_read(name: str, variant: str, document: Document, location: Location) -> None:
    known = gans.hyperparameters(gans.variant(variant))
    if name not in known:
        hint = f"{did_you_mean(name, known)}; it reads {', '.join(known)}"
        document.fail(location, f"{variant} does not read {name!r}{hint}")


def _check_search(experiment: SearchExperiment, document: Document) -> None:
    search, budget, space = experiment.search, experiment.budget, experiment.space
    _check_objectives(experiment, document)
    if search.grace is not None and not budget.tick <= search.grace <= budget.amount:
        message = f"expected between one tick ({budget.tick}) and the budget ({budget.amount}), found {search.grace};"
        message += " give another search.grace, or leave it out for one tick"
        document.fail(("search", "grace"), message)
    _check_population(experiment, document)
    if search.audit and search.scheduler not in ("asha", "hyperband", "median"):
        message = f"scheduler {search.scheduler} prunes nobody who could be audited; choose asha, hyperband or median"
        document.fail(("search", "audit"), message)
    _check_pack(experiment, document)
    for index, seed in enumerate(experiment.confirm.seeds if experiment.confirm else ()):
        if seed in experiment.seeds:
            message = f"{seed} is among the seeds of the search, which chose the best by it; confirm on others"
            document.fail(("search", "confirm", "seeds", index), message)
    if search.sampler == "grid":
        for name, dimension in space.items():
            if dimension.choice is None:
                message = "sampler grid takes only choice; give values, or use sampler: random"
                document.fail(("space", name, dimension.law), message)
        if search.contenders is None and any(islice(combinations(space), MOST_CONTENDERS, None)):
            message = f"the grid has more than {MOST_CONTENDERS:,} combinations; take fewer values, or set"
            document.fail(("space",), f"{message} search.contenders as an upper limit")


def _check_pack(experiment: SearchExperiment, document: Document) -> None:
    search = experiment.search
    if search.pack == 1:
        return
    for given, allowed in ((search.scheduler, ("none",)), (search.sampler, ("random", "grid"))):
        if given not in allowed:
            message = f"a pack trains to its end as it was drawn, and {given} decides about one contender at a time;"
            document.fail(("search", "pack"), f"{message} use {' or '.join(allowed)}, or leave it out")
    if experiment.trainer:
        document.fail(("search", "pack"), "a trainer trains one contender at a time; leave it out")


def _check_objectives(experiment: SearchExperiment, document: Document) -> None:
    asked, scheduler = experiment.objectives, experiment.search.scheduler
    for index, family in enumerate(asked):
        here = ("search", "metric") if isinstance(experiment.search.metric, str) else ("search", "metric", index)
        if family == SECONDS and index == 0:
            document.fail(here, "seconds rank nobody; put a metric before it, for example metric: [fd, seconds]")
        if family not in (*experiment.evaluation.metrics, SECONDS):
            given = ", ".join(experiment.evaluation.metrics)
            document.fail(here, f"{family!r} is not evaluated; evaluation.metrics has {given}")
    if len(asked) > 1 and scheduler != "none":
        message = f"{scheduler} prunes by one metric, and search.metric has {len(asked)}; give one, or scheduler: none"
        document.fail(("search", "scheduler"), message)


def _check_population(experiment: SearchExperiment, document: Document) -> None:
    search = experiment.search
    if search.scheduler != "pbt":
        if search.population is not None:
            document.fail(("search", "population"), f"scheduler {search.scheduler} does not read it; pbt does")
        return
    if search.population and (every := search.population.every):
        _check_meetings(every, experiment.budget, document)
    if experiment.adaptive:
        message = f"scheduler pbt compares all slots at once, and sampler {search.sampler} draws them one by one;"
        document.fail(("search", "scheduler"), f"{message} choose sampler random or grid")
    if experiment.trainer is not None:
        document.fail(("search", "scheduler"), "scheduler pbt copies what our own loop saves; a trainer keeps its own")
    ranges = [name for name, dimension in experiment.space.items() if dimension.law in ("uniform", "loguniform")]
    if not set(ranges) & set(PERTURBED):
        message = f"scheduler pbt changes {', '.join(PERTURBED)} as it goes, and the space draws none from a range;"
        document.fail(("search", "scheduler"), f"{message} give one a uniform or loguniform law")
    if fixed := [name for name in ranges if name not in PERTURBED]:
        message = f"no two slots would share their {fixed[0]}, and only slots of one architecture can be copied;"
        document.fail(("space", fixed[0]), f"{message} give choices, or fix it under hyperparameters")


def _check_meetings(every: int, budget: Budget, document: Document) -> None:
    here = ("search", "population", "every")
    if every % budget.tick:
        document.fail(here, f"expected a multiple of the tick ({budget.tick}), found {every}: slots meet at ticks")
    if every >= budget.amount:
        document.fail(here, f"expected less than the budget ({budget.amount}), found {every}: slots would never meet")


def check_evaluation(evaluation: Evaluation, document: Document) -> None:
    """Every metric and extractor has a name that is known, and the weights are there."""
    for index, family in enumerate(evaluation.metrics):
        _check_name("metric", family, metrics.METRICS, document, ("evaluation", "metrics", index))
    if evaluation.extractor is not None:
        _check_name("extractor", evaluation.extractor, metrics.EXTRACTORS, document, ("evaluation", "extractor"))
    if evaluation.weights is not None and not Path(evaluation.weights).is_file():
        message = f"there is no file {evaluation.weights}; relative paths begin at the experiment file"
        document.fail(("evaluation", "weights"), message)


@contextmanager
def located(document: Document, location: Location) -> Iterator[None]:
    """Tell a refusal from any layer with its place in the file."""
    try:
        yield
    except (RequestError, gans.ConfigError, metrics.MetricsError) as error:
        document.fail(location, str(error))
