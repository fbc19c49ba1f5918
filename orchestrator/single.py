"""One contender without Ray: the same trial, the same records, in this process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator.checkpoints import Checkpoints
from orchestrator.config import Experiment, SearchExperiment, plain, validate
from orchestrator.config.document import Document
from orchestrator.errors import Interrupted, RequestError
from orchestrator.home import Home
from orchestrator.recording.journal import Event, State
from orchestrator.recording.recorder import Recorder
from orchestrator.search import SENDING_SECONDS, differences
from orchestrator.search.driver import Driver
from orchestrator.search.planning import Announce, Plan, make_plan
from orchestrator.trial import Brief, pursue


def experiment_of(
    *,
    variant: str,
    data: str,
    images: int | None,
    steps: int | None,
    tick: int | None,
    seeds: Sequence[int],
    settings: Sequence[str],
    metrics: str | None,
    extractor: str | None,
    samples: int,
    name: str | None,
    trust_code: bool = False,
) -> SearchExperiment:
    """Return the experiment that the options of `ganarena train` describe, checked as a file would be."""
    if (images is None) == (steps is None):
        raise RequestError("expected exactly one of --images and --steps")
    unit, amount = ("images", images) if images is not None else ("steps", steps)
    evaluation: dict[str, Any] = {"samples": samples}
    if metrics:
        evaluation["metrics"] = metrics.split(",")
    if extractor:
        evaluation["extractor"] = extractor
    value = {
        "name": name or f"{variant} on {data}",
        "variant": variant,
        "data": source(data),
        "hyperparameters": dict(_setting(text) for text in settings),
        "budget": {unit: amount, "tick": tick or max(1, (amount or 1) // 10)},
        "seeds": list(dict.fromkeys(seeds)),
        "evaluation": evaluation,
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


def train_one(experiment: Experiment, home: Home, device: str, announce: Announce) -> dict[str, Any]:
    """Train the one contender of `experiment`, from its last checkpoint where it was interrupted; return its result."""
    plan = make_plan(experiment, home, device, write=True)
    with home.writing(experiment.name):
        folder = _attempt(experiment, home)
        recorder = Recorder(home, folder)
        try:
            if recorder.journal.state.attempt is None:
                recorder.append(plan.event(int(folder.name.rpartition("-")[2])))
            plan = plan.of_attempt(recorder.journal.state)
            driver = Driver(plan, recorder, announce)
            driver.tell_ends()
            _train(plan, home, folder, driver)
        finally:
            recorder.close(SENDING_SECONDS)
    return _document(home, experiment.name)


def _attempt(experiment: Experiment, home: Home) -> Path:
    """Return the attempt to go on with, if the last one asked for the same and was interrupted; else a new one."""
    if attempts := home.attempts(experiment.name):
        state = State.read(attempts[-1] / "journal.jsonl")
        asked = experiment.model_dump(mode="json", exclude_none=True)
        if not state.complete and state.attempt and not differences(state.attempt["experiment"], asked):
            return attempts[-1]
    return home.next_attempt(experiment.name)


def _train(plan: Plan, home: Home, folder: Path, driver: Driver) -> None:
    ((name, contender),) = plan.contenders.items()
    last = driver.state.contenders[name].tick
    checkpoints = Checkpoints(folder / name, Path(last["checkpoint"]) if last else None)

    def report(event: Event, files: Path) -> None:
        checkpoint = checkpoints.keep(event, files)
        driver.tick(event, checkpoint)
        checkpoints.settle(checkpoint)

    try:
        if not driver.state.contenders[name].ended:
            pursue(contender, Brief.of(plan, home), report, resume=checkpoints.last)
    except KeyboardInterrupt:
        driver.left_by_ray(name, None, interrupted=True)
        raise Interrupted("the work up to the last tick is saved; the same command goes on from there") from None
    except Exception as error:
        driver.end(name, "failed", f"{type(error).__name__}: {error}")
    finally:
        driver.close(interrupted=not driver.state.contenders[name].ended)


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


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise RequestError(f"-p {text}: expected NAME=VALUE, for example -p generator_lr=1e-4")
    return name, plain.document(value, f"-p {name}").value
