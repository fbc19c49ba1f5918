"""A search, or a study: contenders scheduled by Ray Tune, every report recorded on the driver."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from orchestrator import machine
from orchestrator.config.models import Experiment, SearchExperiment
from orchestrator.errors import Interrupted, RequestError
from orchestrator.home import Home
from orchestrator.recording.journal import Event, State, events
from orchestrator.recording.recorder import Recorder, flush
from orchestrator.resources import measured
from orchestrator.search.confirmation import results
from orchestrator.search.deadline import prolonged
from orchestrator.search.planning import Announce, Plan, make_plan
from orchestrator.search.regret import Regret, regret

if TYPE_CHECKING:
    from pandas import DataFrame

    from orchestrator.search.driver import Driver

SENDING_SECONDS = 60.0
SECONDS = "search.seconds "
LOGGED = "log_system_metrics"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an attempt has come to."""

    plan: Plan
    state: State
    folder: Path

    @property
    def regret(self) -> Regret | None:
        """What pruning may have cost, where it was audited."""
        return regret(self.state)

    def summary(self) -> dict[str, Any]:
        """Return counts of the contenders that were searched, the time it took, and how well it was confirmed."""
        counts = self.state.counts()
        wall, busy = times(self.state.ticks)
        return {
            "experiment": self.plan.experiment.name,
            "contenders": self.state.expected - len(self.state.confirms),
            **{status: counts[status] for status in ("finished", "stopped", "pruned", "failed")},
            "wall_seconds": wall,
            "utilisation": busy / (wall * self.plan.slots) if wall else None,
            **({"over": self.state.over["reason"]} if self.state.over else {}),
            **(results(self.state) if self.state.confirms else {}),
            **({"regret": self.regret.as_json()} if self.regret else {}),
        }


def search(
    experiment: SearchExperiment, home: str | Path | None = None, *, trust_code: bool = False, **how: Any
) -> "DataFrame":
    """Run a search from Python; return a row for each contender, the best first."""
    from orchestrator.config import prepared
    from orchestrator.review.frames import leaderboard

    conduct(prepared(experiment, folder=Path.cwd(), trust_code=trust_code), Home.at(home), **how)
    return leaderboard(experiment.name, home=home)


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


def choose_attempt(experiment: Experiment, home: Home, *, resume: bool, again: bool) -> Path:
    """Return the folder of the attempt to begin or to go on with; what exists is never overwritten."""
    if resume and again:
        raise RequestError("--resume goes on with an attempt and --again makes a new one; give one of them")
    name, attempts = experiment.name, home.attempts(experiment.name)
    if attempts and not (resume or again):
        raise RequestError(
            f"{name!r} has contenders already: --resume goes on with them, --again makes a new attempt,"
            " or use another name"
        )
    if again or not attempts:
        return home.next_attempt(name)
    recorded, _ = next(events(attempts[-1] / "journal.jsonl"), ({}, 0))
    if recorded:
        # More time changes nothing that was done.
        told = changes(recorded["experiment"], experiment)
        if different := [each for each in told if not each.startswith(SECONDS)]:
            raise RequestError(
                f"--resume refuses a changed file: {'; '.join(different)};"
                " undo the change, use --again, or another name"
            )
    return attempts[-1]


def changes(recorded: Event, experiment: Experiment) -> list[str]:
    """Return what differs between a recorded experiment, as it is read today, and this one, a phrase for each key.

    What is only logged beside the training may be another every time.
    """
    was, now = _as_read_today(recorded, experiment), experiment.model_dump(mode="json", exclude_none=True)
    return differences(was, now | {LOGGED: was.get(LOGGED, False)})


def _as_read_today(recorded: Event, experiment: Experiment) -> Event:
    """Return a recorded experiment with the defaults of keys that are newer than its record, where it still reads."""
    try:
        return type(experiment).model_validate(recorded).model_dump(mode="json", exclude_none=True)
    except ValidationError:
        return recorded


def differences(was: Any, now: Any, path: str = "") -> list[str]:
    """Return what differs between two plain values, a phrase for each key."""
    if isinstance(was, dict) and isinstance(now, dict):
        keys = [*was, *(key for key in now if key not in was)]
        return [each for key in keys for each in differences(was.get(key), now.get(key), f"{path}.{key}".lstrip("."))]
    return [] if was == now else [f"{path} was {was!r} and is {now!r}"]


def times(ticks: list[Event]) -> tuple[float, float]:
    """Return the seconds from the first training step to the last, and those of training and scoring in all trials.

    Launches are summed: the time between a kill and a resume is nobody's.
    """
    wall = busy = 0.0
    for launch in sorted({tick["launch"] for tick in ticks}):
        members = [tick for tick in ticks if tick["launch"] == launch]
        wall += max(tick["time"] for tick in members) - min(tick["began"] for tick in members)
        busy += sum(tick["busy"] for tick in members)
    return wall, busy


def _execute(plan: Plan, home: Home, folder: Path, *, address: str | None, announce: Announce | None) -> Outcome:
    """Start what has not ended, record what happens, and close the attempt."""
    state, experiment = State.read(folder / "journal.jsonl"), plan.experiment
    longer = prolonged(experiment, state)
    if longer and not state.unconfirmed and isinstance(experiment, SearchExperiment) and experiment.confirm:
        raise RequestError(
            f"{experiment.name!r} has chosen already whom it confirms, so it cannot go on for longer; use --again"
        )
    if state.complete and not longer:
        return Outcome(plan=plan.of_attempt(state), state=state, folder=folder)
    from orchestrator.search.driver import Driver

    interrupted = True
    recorder = Recorder(home, folder)
    try:
        state = recorder.journal.state
        if state.attempt is None:
            recorder.append(plan.event(int(folder.name.rpartition("-")[2])))
        if longer:
            recorder.append({"kind": "prolonged"})
        plan = plan.of_attempt(state)
        driver = Driver(plan, recorder, announce)
        driver.tell_ends()
        try:
            if not state.done:
                _run_on_ray(driver, home, folder, address)
        except KeyboardInterrupt:
            pass  # told below, as an interruption that Ray took note of itself
        finally:
            interrupted = not state.done
            driver.close(interrupted=interrupted)
    finally:
        recorder.close(SENDING_SECONDS)
    if interrupted:
        raise Interrupted("what was done is saved; the same command with --resume goes on from there")
    return Outcome(plan=driver.plan, state=state, folder=folder)


def _run_on_ray(driver: "Driver", home: Home, folder: Path, address: str | None) -> None:
    """Start or join Ray, which takes seconds, and meanwhile make ready what the search needs."""
    from orchestrator.search.cluster import joined

    preparing = ThreadPoolExecutor(1).submit(_prepare, driver, home)
    ahead = not address and driver.plan.experiment.resources.cpus <= 1  # else there are more workers than trials
    with joined(address, ahead=ahead, ships=True):
        launch = preparing.result()
        launch(driver, home, folder, ahead=ahead)


def _prepare(driver: "Driver", home: Home) -> Callable[..., None]:
    """Import what launches the search, find its references, and see whether memory holds all that start at once."""
    from orchestrator.search.launching import find_references, launch

    find_references(driver.plan, home)
    if driver.plan.tight:
        driver.plan = driver.plan.with_needs(measured(driver.plan, home))
    return launch
