"""One contender without Ray: the same trial, the same records, in this process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator.config import Experiment, SearchExperiment, plain, validate
from orchestrator.config.document import Document
from orchestrator.errors import Interrupted, RequestError
from orchestrator.home import Home, journal_of, number_of
from orchestrator.recording.journal import Event, State
from orchestrator.recording.origin import Origin
from orchestrator.recording.recorder import Recorder
from orchestrator.search.attempts import changes
from orchestrator.search.driver import SENDING_SECONDS, Announce, Driver
from orchestrator.search.plan import Plan
from orchestrator.search.planning import make_plan
from orchestrator.single import onward
from orchestrator.single.checkpoints import Checkpoints
from orchestrator.space import Contender
from orchestrator.trial import Brief, Report, pursue
from orchestrator.wording import REASON, one_line


def experiment_of(
    *,
    variant: str | None,
    data: str | None,
    images: int | None,
    steps: int | None,
    tick: int | None,
    seeds: Sequence[int],
    settings: Sequence[str],
    metrics: str | None,
    extractor: str | None,
    samples: int | None,
    name: str | None,
    log_system_metrics: bool = False,
    trust_code: bool = False,
) -> SearchExperiment:
    """Return the experiment that the options of `ganarena train` describe, checked as a file would be."""
    if variant is None or data is None:
        raise RequestError("expected a variant and its --data, or --from RUN to go on from a record")
    if (images is None) == (steps is None):
        raise RequestError("expected exactly one of --images and --steps")
    unit, amount = ("images", images) if images is not None else ("steps", steps)
    evaluation: dict[str, Any] = {} if samples is None else {"samples": samples}
    if metrics is not None:
        evaluation["metrics"] = metrics.split(",")
    if extractor is not None:
        evaluation["extractor"] = extractor
    value = {
        "name": f"{variant} on {data}" if name is None else name,
        "variant": variant,
        "data": source(data),
        "hyperparameters": _settings(settings),
        "budget": {unit: amount, "tick": tick or max(1, (amount or 1) // 10)},
        "seeds": list(seeds) or [0],
        "evaluation": evaluation,
        "log_system_metrics": log_system_metrics,
    }
    experiment = validate(Document("train", value, {}), folder=Path.cwd(), trust_code=trust_code)
    assert isinstance(experiment, SearchExperiment)  # noqa: S101  (no `study` in it)
    return experiment


def source(text: str) -> dict[str, Any]:
    """Return the data that a word on the command line means: a folder, an .npz file, or a dataset's name."""
    path = Path(text)
    if path.suffix == ".npz":
        return {"npz": text}
    if path.is_dir():
        return {"images": text, "size": 64}
    return {"name": text}


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
    from dataclasses import asdict

    from orchestrator.review import groups

    (group,) = groups(home, [name])
    (row,) = group.rows
    return {
        "run_id": row.run_ids[0],
        "scores": {key: asdict(score) for key, score in row.scores.items()},
        "status": row.status,
        "reason": row.reason,
    }


def _settings(texts: Sequence[str]) -> dict[str, Any]:
    """Return the hyperparameters that `-p` gives, each of them once."""
    found: dict[str, Any] = {}
    for text in texts:
        name, value = _setting(text)
        if name in found:
            raise RequestError(f"-p {text}: {name} stands twice; give each once")
        found[name] = value
    return found


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise RequestError(f"-p {text}: expected NAME=VALUE, for example -p generator_lr=1e-4")
    return name, plain.document(value, f"-p {name}").value
