"""An attempt from its beginning to its end: Ray is started or joined, every report recorded, the attempt closed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from orchestrator import machine
from orchestrator.config.models import Experiment, SearchExperiment
from orchestrator.errors import Interrupted, RequestError
from orchestrator.home import Home, journal_of, number_of
from orchestrator.live import followed
from orchestrator.recording.journal import Announce, State
from orchestrator.recording.recorder import Recorder, flush
from orchestrator.resources import measured
from orchestrator.search.attempts import OPTIONS, Ways, choose_attempt
from orchestrator.search.deadline import prolonged
from orchestrator.search.driver import SENDING_SECONDS, Driver
from orchestrator.search.outcome import Outcome
from orchestrator.search.plan import Plan
from orchestrator.search.planning import make_plan


def conduct(
    experiment: Experiment,
    home: Home,
    *,
    resume: bool = False,
    again: bool = False,
    address: str | None = None,
    device: str = "auto",
    announce: Announce | None = None,
) -> Outcome:
    """Run every contender of `experiment` to its end; what is recorded already is not run again."""
    choose_attempt(experiment, home, resume=resume, again=again)
    plan = make_plan(experiment, home, device_of(experiment, device, address), write=True, cluster=capacity_of(address))
    with home.writing(experiment.name):
        folder = choose_attempt(experiment, home, resume=resume, again=again)
        flush(home)
        return _execute(plan, home, folder, address=address, announce=announce)


def conduct_in_view(
    experiment: Experiment,
    home: Home,
    *,
    quiet: bool,
    resume: bool = False,
    again: bool = False,
    ways: Ways = OPTIONS,
    **how: Any,
) -> Outcome:
    """Run an experiment as `conduct` does, and show how it goes unless that shall be quiet."""
    choose_attempt(experiment, home, resume=resume, again=again, ways=ways)  # what is refused opens no view
    with followed(quiet=quiet) as announce:
        return conduct(experiment, home, resume=resume, again=again, announce=announce, **how)


def device_of(experiment: Experiment, asked: str, address: str | None) -> str:
    """Return where to compute; in a cluster each trial finds that out where it runs, if it asks for a GPU at all."""
    if address and asked == "auto":
        return "auto" if experiment.resources.gpus else "cpu"
    return asked if address else machine.device_of_trials(asked, experiment.resources.gpus)


def capacity_of(address: str | None) -> machine.Capacity | None:
    """Return what the cluster at `address` has; without one, this machine is all there is."""
    if address is None:
        return None
    from orchestrator.search.cluster import capacity

    return capacity(address)


def _execute(plan: Plan, home: Home, folder: Path, *, address: str | None, announce: Announce | None) -> Outcome:
    """Start what has not ended, record what happens, and close the attempt."""
    state, experiment = State.read(journal_of(folder)), plan.experiment
    longer = prolonged(experiment, state)
    if longer and not state.unconfirmed and isinstance(experiment, SearchExperiment) and experiment.confirm:
        raise RequestError(
            f"{experiment.name!r} has chosen already whom it confirms, so it cannot go on for longer; use --again"
        )
    if state.complete and not longer:
        return Outcome(plan=plan.of_attempt(state), state=state, folder=folder)
    recorder = Recorder(home, folder)
    try:
        driver = _begun(plan, recorder, announce, longer=longer)
        _drive(driver, home, folder, address)
    finally:
        recorder.close(SENDING_SECONDS)
    if not driver.state.done:
        raise Interrupted("what was done is saved; the same command with --resume goes on from there")
    return Outcome(plan=driver.plan, state=driver.state, folder=folder)


def _begun(plan: Plan, recorder: Recorder, announce: Announce | None, *, longer: bool) -> Driver:
    """Record what this launch begins with, and return who drives it: the contenders are those of the attempt."""
    state = recorder.journal.state
    if state.attempt is None:
        recorder.append(plan.event(number_of(recorder.folder)))
    if longer:
        recorder.append({"kind": "prolonged"})
    driver = Driver(plan.of_attempt(state), recorder, announce)
    driver.tell_ends()
    return driver


def _drive(driver: Driver, home: Home, folder: Path, address: str | None) -> None:
    """Let Ray train what is left, and close the attempt, however that ends."""
    try:
        if not driver.state.done:
            _run_on_ray(driver, home, folder, address)
    except KeyboardInterrupt:
        pass  # told by whoever finds that something is left, as an interruption that Ray took note of itself
    finally:
        driver.close(interrupted=not driver.state.done)


def _run_on_ray(driver: Driver, home: Home, folder: Path, address: str | None) -> None:
    """Start or join Ray, which takes seconds, and meanwhile make ready what the search needs."""
    from orchestrator.search.cluster import joined

    preparing = ThreadPoolExecutor(1).submit(_prepare, driver, home)
    ahead = not address and driver.plan.experiment.resources.cpus <= 1  # else there are more workers than trials
    with joined(address, ahead=ahead, ships=True):
        launch = preparing.result()
        launch(driver, home, folder, ahead=ahead)


def _prepare(driver: Driver, home: Home) -> Callable[..., None]:
    """Import what launches the search, find its references, and see whether memory holds all that start at once."""
    from orchestrator.search.launching import find_references, launch

    find_references(driver.plan, home)
    if driver.plan.tight:
        driver.plan = driver.plan.with_needs(measured(driver.plan, home))
    return launch
