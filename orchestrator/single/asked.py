"""What the options of `ganarena train` ask for, as an experiment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator.config import SearchExperiment, plain, validate
from orchestrator.config.document import Document
from orchestrator.errors import RequestError


def experiment_of(
    *,
    variant: str | None,
    data: str | None,
    images: int | None,
    steps: int | None,
    tick: int | None,
    seeds: Sequence[int],
    settings: Sequence[str],
    engine: Sequence[str],
    metrics: Sequence[str] | None,
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
        evaluation["metrics"] = list(metrics)
    if extractor is not None:
        evaluation["extractor"] = extractor
    value = {
        "name": f"{variant} on {data}" if name is None else name,
        "variant": variant,
        "data": source(data),
        "hyperparameters": _settings("-p", settings, "generator_lr=1e-4"),
        "budget": {unit: amount, "tick": tick or max(1, (amount or 1) // 10)},
        "seeds": list(seeds) or [0],
        "evaluation": evaluation,
        "engine": _settings("--engine", engine, "compiled=true"),
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


def _settings(option: str, texts: Sequence[str], example: str) -> dict[str, Any]:
    """Return what a repeatable option NAME=VALUE gives, each name once."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise RequestError(f"{option} {text}: expected NAME=VALUE, for example {option} {example}")
        if name in found:
            raise RequestError(f"{option} {text}: {name} stands twice; give each once")
        found[name] = plain.document(value, f"{option} {name}").value
    return found
