"""Workers handed from one trial to the next, and what becomes of the next when the worker dies meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ray.exceptions import RayActorError
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial


class Controller(TuneController):  # type: ignore[misc]
    """Ray's own, which tells of such a death twice, and the second time fails the trial that it has just queued again.

    First the worker is told to have died, and the trial waits for another one; then the handover is told to have
    failed, and a trial that fails while it waits has failed for good, however many retries it has.
    """

    def _process_trial_failure(self, trial: Trial, exception: Exception) -> None:
        if isinstance(exception, RayActorError) and trial in self._resetting_trials and trial.status == Trial.PENDING:
            self._resetting_trials.remove(trial)
        else:
            super()._process_trial_failure(trial, exception)


@contextmanager
def retried() -> Iterator[None]:
    """Let a trial that is given a dying worker wait for another one."""
    module: Any = import_module("ray.tune.tune")  # `ray.tune` has no attribute of that name
    module.TuneController = Controller
    try:
        yield
    finally:
        module.TuneController = TuneController
