"""What the key `search` must also satisfy: sampler, scheduler, pack and confirmation go together."""

from itertools import islice

from orchestrator.config.budget import Budget
from orchestrator.config.document import Document
from orchestrator.config.models import SearchExperiment
from orchestrator.config.population import PERTURBED
from orchestrator.config.search import MOST_CONTENDERS, SECONDS
from orchestrator.space import combinations


def check_search(experiment: SearchExperiment, document: Document) -> None:
    """Nothing is asked of a sampler or a scheduler that it does not do."""
    search = experiment.search
    _check_objectives(experiment, document)
    _check_grace(search.grace, experiment.budget, document)
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
        _check_grid(experiment, document)


def _check_grace(grace: int | None, budget: Budget, document: Document) -> None:
    if grace is not None and not budget.tick <= grace <= budget.amount:
        message = f"expected between one tick ({budget.tick}) and the budget ({budget.amount}), found {grace};"
        document.fail(("search", "grace"), f"{message} give another search.grace, or leave it out for one tick")


def _check_grid(experiment: SearchExperiment, document: Document) -> None:
    for name, dimension in experiment.space.items():
        if dimension.choice is None:
            message = "sampler grid takes only choice; give values, or use sampler: random"
            document.fail(("space", name, dimension.law), message)
    if experiment.search.contenders is None and any(islice(combinations(experiment.space), MOST_CONTENDERS, None)):
        message = f"the grid has more than {MOST_CONTENDERS:,} combinations; take fewer values, or set"
        document.fail(("space",), f"{message} search.contenders as an upper limit")


def _check_objectives(experiment: SearchExperiment, document: Document) -> None:
    asked, scheduler = experiment.ranked_by, experiment.search.scheduler
    for index, (here, family) in enumerate(asked.items()):
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
