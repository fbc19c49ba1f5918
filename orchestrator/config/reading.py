"""From a file to a validated experiment, each mistake told in one sentence with file, line and key."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from orchestrator.config.document import Document, Location, describe, read, with_changes
from orchestrator.config.models import Data, Experiment, SearchExperiment, StudyExperiment
from orchestrator.errors import RequestError, did_you_mean


def load(path: Path, changes: Iterable[str] = ()) -> Experiment:
    """Read, validate and check the experiment file at `path`; nothing is started and nothing written."""
    return validate(with_changes(read(path), changes), folder=path.parent)


def validate(document: Document, *, folder: Path) -> Experiment:
    """Return the experiment that `document` describes, its relative paths made absolute from `folder`."""
    from orchestrator.config.checks import check

    model = StudyExperiment if "study" in document.value else SearchExperiment
    try:
        experiment: Experiment = model.model_validate(document.value)
    except ValidationError as error:
        raise RequestError(_sentence(error, document, model)) from None
    experiment = _absolute(experiment, folder)
    check(experiment, document)
    return experiment


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the experiment file: a search or a study."""
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(SearchExperiment | StudyExperiment)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **adapter.json_schema()}


def _absolute(experiment: Experiment, folder: Path) -> Experiment:
    changes: dict[str, Any] = {}
    if experiment.evaluation.weights:
        weights = str((folder / experiment.evaluation.weights).resolve())
        changes["evaluation"] = experiment.evaluation.model_copy(update={"weights": weights})
    if isinstance(experiment, SearchExperiment):
        changes["data"] = experiment.data.relative_to(folder)
    if isinstance(experiment, StudyExperiment):
        data: tuple[Data, ...] = tuple(each.relative_to(folder) for each in experiment.study.data)
        changes["study"] = experiment.study.model_copy(update={"data": data})
    return experiment.model_copy(update=changes)


def _sentence(error: ValidationError, document: Document, model: type[BaseModel]) -> str:
    """Tell the first mistake; the members of a union that all failed share one sentence."""
    mistakes: dict[Location, list[str]] = {}
    for details in error.errors():
        names_a_key = details["type"] in ("missing", "extra_forbidden")
        location = _written(details["loc"], document.value, names_a_key=names_a_key)
        mistakes.setdefault(location, []).append(_message(details, location, model))
    location, messages = next(iter(mistakes.items()))
    more = f" ({len(mistakes) - 1} more to mend)" if len(mistakes) > 1 else ""
    expected = [message.removeprefix("expected ") for message in messages if message.startswith("expected ")]
    if len(expected) == len(messages) > 1:
        kinds = [text.rpartition(", found ")[0] or text for text in expected]
        messages = [f"expected {' or '.join(dict.fromkeys(kinds))}, found {expected[0].rpartition(', found ')[2]}"]
    key = ".".join(map(str, location))
    return f"{document.place(location)}: {key + ': ' if key else ''}{messages[0]}{more}"


EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_type": "a number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "an integer",
    "int_type": "an integer",
    "less_than": "less than {lt}",
    "literal_error": "{expected}",
    "model_type": "a mapping",
    "string_type": "text",
    "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} entries",
    "tuple_type": "a list",
}


def _message(details: ErrorDetails, location: Location, model: type[BaseModel]) -> str:
    kind = details["type"]
    context = details.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys(model, location[:-1])
        return f"unknown key{did_you_mean(location[-1], known) or '; expected one of ' + ', '.join(known)}"
    if kind == "missing":
        missing = "this key, which is not given" if isinstance(details["loc"][-1], str) else "one entry more"
        return f"expected {missing}"
    if kind == "value_error":
        return str(context["error"])
    expected = EXPECTED[kind].format(**context) if kind in EXPECTED else details["msg"]
    return f"expected {expected}, found {describe(details['input'])}"


def _written(location: tuple[str | int, ...], value: Any, *, names_a_key: bool) -> Location:
    """Keep of pydantic's location what stands in the file, and a missing key; drop names of union members."""
    kept: list[str | int] = []
    for index, part in enumerate(location):
        is_missing_key = names_a_key and index == len(location) - 1
        if isinstance(value, dict) and isinstance(part, str) and (part in value or is_missing_key):
            kept.append(part)
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            kept.append(part)
            value = value[part]
    return tuple(kept)


def _keys(model: type[BaseModel], location: Location) -> list[str]:
    """Return the keys that the model at `location` knows."""
    for part in location:
        field = model.model_fields.get(str(part))
        candidates = [model] if field is None else _models(field.annotation)
        model = candidates[0] if candidates else model
    return list(model.model_fields)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _models(argument)]
