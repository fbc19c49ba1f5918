"""Who goes on and who is pruned: Ray's schedulers, spoken to in our words, with a memory of earlier launches."""

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from orchestrator.config.models import Experiment, SearchExperiment
from orchestrator.search.driver import Driver
from orchestrator.search.scheduling.halving import Halving


def make_scheduler(experiment: Experiment, driver: Driver) -> TrialScheduler:
    """Return the scheduler that the experiment asks for, with its memory of earlier launches."""
    if not isinstance(experiment, SearchExperiment) or experiment.search.scheduler == "none":
        return FIFOScheduler()
    halving = Halving(experiment, driver)
    halving.remember(driver.state.ticks, -1 if driver.plan.higher_is_better else 1)
    return halving
