"""Who goes on and who is pruned: Ray's schedulers, spoken to in our words, with a memory of earlier launches."""

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from orchestrator.config.models import Experiment, SearchExperiment
from orchestrator.search.driver import Driver
from orchestrator.search.scheduling.halving import Halving
from orchestrator.search.scheduling.hyperband import HyperBand
from orchestrator.search.scheduling.median import Median
from orchestrator.search.scheduling.population import Slots, interval
from orchestrator.search.scheduling.pruning import Judge, Pruning


def make_scheduler(experiment: Experiment, driver: Driver) -> TrialScheduler:
    """Return the scheduler that the experiment asks for, with its memory of earlier launches."""
    if not isinstance(experiment, SearchExperiment) or experiment.search.scheduler == "none":
        return FIFOScheduler()
    if experiment.search.scheduler == "pbt":
        return Slots(experiment, driver)
    pruning = Pruning(make_judge(experiment), experiment, driver)
    pruning.remember(-1 if driver.plan.higher_is_better else 1)
    return pruning


def kept(experiment: Experiment) -> int:
    """Return how many checkpoints of a contender somebody may still go on from."""
    if isinstance(experiment, SearchExperiment) and experiment.search.scheduler == "pbt":
        # A copy may begin when its original is all but a round ahead.
        return max(4, 2 + interval(experiment) // experiment.budget.tick)
    return 2  # the journal may be one tick behind the checkpoints when the driver dies


def make_judge(experiment: SearchExperiment) -> Judge:
    """Return who decides about pruning."""
    search, budget = experiment.search, experiment.budget
    grace = search.grace or budget.tick
    match search.scheduler:
        case "asha":
            return Halving(budget, grace=grace, reduction=search.reduction)
        case "hyperband":
            return HyperBand(budget, grace=grace, reduction=search.reduction, seed=search.seed)
        case "median":
            return Median(budget, grace=grace)
    raise ValueError(f"{search.scheduler} prunes nobody")
