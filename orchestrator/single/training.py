"""One contender, trained and recorded in this process: begun, gone on with after an interruption, or from a record."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from orchestrator.config import Experiment
from orchestrator.errors import Interrupted
from orchestrator.home import Home, journal_of, number_of
from orchestrator.recording.journal import Announce, Event, State
from orchestrator.recording.origin import Origin
from orchestrator.recording.recorder import Recorder
from orchestrator.review.store import groups
from orchestrator.search.attempts import changes
from orchestrator.search.driver import SENDING_SECONDS, Driver
from orchestrator.search.plan import Plan
from orchestrator.search.planning import make_plan
from orchestrator.single import onward
from orchestrator.single.checkpoints import Checkpoints
from orchestrator.space import Contender
from orchestrator.trial import Brief, Report, pursue
from orchestrator.wording import REASON, one_line


def train_one(
    experiment: Experiment, home: Home, device: str, announce: Announce, source: Origin | None = None
) -> dict[str, Any]:
    """Train the one contender of `experiment`, from its last checkpoint where it was interrupted; return its result.

    With a `source` it goes on from that record.
    """
    plan = make_plan(experiment, home, device, write=True)
    with home.writing(experiment.name):
        folder = _attempt(experiment, home, source)
        recorder = Recorder(home, folder)
        try:
            if recorder.journal.state.attempt is None:
                origin = {"from": source.run_id} if source else {}
                recorder.append(plan.event(number_of(folder)) | origin)
            plan = plan.of_attempt(recorder.journal.state)
            driver = Driver(plan, recorder, announce)
            driver.tell_ends()
            _train(plan, home, folder, driver, source)
        finally:
            recorder.close(SENDING_SECONDS)
    return _document(home, experiment.name)


def _attempt(experiment: Experiment, home: Home, source: Origin | None) -> Path:
    """Return the attempt to go on with, if the last one asked for the same and was interrupted; else a new one."""
    if attempts := home.attempts(experiment.name):
        state = State.read(journal_of(attempts[-1]))
        alike = state.attempt and not changes(state.attempt["experiment"], experiment)
        if alike and not state.complete and (state.attempt or {}).get("from") == (source and source.run_id):
            return attempts[-1]
    return home.next_attempt(experiment.name)


def _train(plan: Plan, home: Home, folder: Path, driver: Driver, source: Origin | None) -> None:
    ((name, contender),) = plan.contenders.items()
    brief = Brief.of(plan, home)
    grows = source is not None and source.seeds == list(brief.seeds)
    if source and grows and driver.state.contenders[name].ticks < len(source.ticks):
        for event in onward.carried_over(source, plan, brief, folder / name / "start"):
            driver.recorder.append(event)  # those that an earlier launch has carried over are dropped
    last = driver.state.contenders[name].tick
    checkpoints = Checkpoints(folder / name, Path(last["checkpoint"]) if last else None)

    def report(event: Event, files: Path) -> None:
        checkpoint = checkpoints.keep(event, files)
        driver.tick(event, checkpoint)
        checkpoints.settle(checkpoint)

    try:
        if not driver.state.contenders[name].ended:
            if source is None or grows:
                pursue(contender, brief, report, resume=checkpoints.last)
            else:
                _beside(source, contender, brief, report, driver, checkpoints)
    except KeyboardInterrupt:
        driver.left_by_ray(name, None, interrupted=True)
        raise Interrupted("the work up to the last tick is saved; the same command goes on from there") from None
    except Exception as error:
        driver.end(name, "failed", one_line(error, REASON))
    finally:
        driver.close(interrupted=not driver.state.contenders[name].ended)


def _beside(
    source: Origin, contender: Contender, brief: Brief, report: Report, driver: Driver, checkpoints: Checkpoints
) -> None:
    """Train new seeds beside recorded ones, and tell what these did after all of those had ended."""
    onward.pursue_beside(source, contender, brief, report, checkpoints.last)
    last = driver.state.contenders[contender.name].tick
    for event in onward.outlasting(source, last) if last else ():
        report(event, checkpoints.last or Path())


def _document(home: Home, name: str) -> dict[str, Any]:
    (group,) = groups(home, [name])
    (row,) = group.rows
    return {
        "run_id": row.run_ids[0],
        "scores": {key: asdict(score) for key, score in row.scores.items()},
        "status": row.status,
        "reason": row.reason,
    }
