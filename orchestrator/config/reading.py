"""From a file to a validated experiment, each mistake told in one sentence with file, line and key."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from orchestrator.code import allowed
from orchestrator.config.data import Data
from orchestrator.config.document import Document, Location, describe, read, with_changes
from orchestrator.config.models import Experiment, SearchExperiment, StudyExperiment
from orchestrator.config.values import AtKeyError
from orchestrator.errors import RequestError, did_you_mean

E = TypeVar("E", bound=Experiment)


def load(path: Path, changes: Iterable[str] = (), *, trust_code: bool = False) -> Experiment:
    """Read, validate and check the experiment file at `path`; nothing is started and nothing written.

    Python names in it are imported if an installed package offers them, or if their code is trusted.
    """
    return validate(with_changes(read(path), changes), folder=path.parent, trust_code=trust_code)


def validate(document: Document, *, folder: Path, trust_code: bool = False) -> Experiment:
    """Return the experiment that `document` describes, its relative paths made absolute from `folder`."""
    model = StudyExperiment if "study" in document.value else SearchExperiment
    try:
        experiment: Experiment = model.model_validate(document.value)
    except ValidationError as error:
        fail(error, document, model)
    return prepared(experiment.written_in(document), folder=folder, trust_code=trust_code)


def asked(kind: type[E], given: object, *, trust_code: bool = False) -> E:
    """Return the experiment that a caller from Python means: by the path of its file, or as its model."""
    experiment: object = given
    if isinstance(given, str | Path):
        experiment = load(Path(given), trust_code=trust_code)
    elif isinstance(given, kind):
        return prepared(given, folder=Path.cwd(), trust_code=trust_code)
    if not isinstance(experiment, kind):
        found = type(experiment).__name__
        raise RequestError(f"expected the path of an experiment file, or a {kind.__name__}, but {found} came")
    return experiment


def prepared(experiment: E, *, folder: Path, trust_code: bool = False) -> E:
    """Return the experiment with absolute paths, now that everything else that a file may get wrong is right."""
    from orchestrator.config.checks import check

    experiment = _absolute(_importing(experiment, folder, trust_code=trust_code), folder)
    check(experiment)
    return experiment


def _importing(experiment: E, folder: Path, *, trust_code: bool) -> E:
    """Import the Python names that may be imported; look at all of them before any is."""
    names = experiment.python_names
    if not names:
        return experiment
    from orchestrator.config.checks import located

    for place, named in names.items():
        with located(experiment.document, place):
            allowed([named], trusted=trust_code)
    code = allowed(names.values(), trusted=trust_code, folder=folder)
    for place, named in names.items():
        with located(experiment.document, place):
            replace(code, names=(named,)).load()
    return experiment.with_code(code)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the experiment file: a search or a study."""
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(SearchExperiment | StudyExperiment)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **adapter.json_schema()}


def _absolute(experiment: E, folder: Path) -> E:
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


def fail(error: ValidationError, document: Document, model: type[BaseModel]) -> NoReturn:
    """Tell the first mistake; an unknown key comes first, for it explains the missing one."""
    mistakes: dict[Location, list[ErrorDetails]] = {}
    for details in error.errors():
        mistakes.setdefault(_written(details, document.value), []).append(details)
    # What contains a mistake is not told for it as well.
    innermost = [at for at in mistakes if not any(at == other[: len(at)] for other in mistakes if other != at)]
    innermost.sort(key=lambda at: mistakes[at][0]["type"] != "extra_forbidden")
    location, *others = innermost
    more = f"; {len(others)} more to mend" if others else ""
    document.fail(location, _message(mistakes[location], location, model) + more)


EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "int_from_float": "an integer",
    "int_type": "an integer",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "model_type": "a mapping",
    "string_too_long": "text of at most {max_length} characters",
    "string_too_short": "text",
    "string_type": "text",
    "string_unicode": "text that can be written",
    "too_long": "at most {max_length} entries",
    "too_short": "at least one entry",
    "tuple_type": "a list",
}


def _message(mistakes: Sequence[ErrorDetails], location: Location, model: type[BaseModel]) -> str:
    """Say what is wrong at one place; the members of a union that all failed share one sentence."""
    kinds = {details["type"]: details for details in mistakes}
    if "extra_forbidden" in kinds:
        return _unknown(location, model)
    if "missing" in kinds:
        return "this key is missing; it has no default"
    if "value_error" in kinds:
        return str(kinds["value_error"]["ctx"]["error"])
    found = mistakes[0]["input"]
    if telling := kinds.keys() & {"finite_number", "too_short"}:
        kinds = {kind: kinds[kind] for kind in telling}  # the one member of a union that the value was meant for
    if "float_type" in kinds:
        kinds.pop("int_type", None)  # a number may be an integer
    expected = [
        EXPECTED[kind].format(**details.get("ctx", {})) if kind in EXPECTED else details["msg"]
        for kind, details in kinds.items()
    ]
    quotes = "; put it in quotes" if [*kinds] == ["string_type"] and isinstance(found, int | float) else ""
    return f"expected {_either(expected)}, found {describe(found)}{quotes}"


def _unknown(location: Location, model: type[BaseModel]) -> str:
    key, known = location[-1], _keys(model, location[:-1])
    if model is StudyExperiment and len(location) == 1 and key in SearchExperiment.model_fields:
        return "goes with a search, but `study` makes this file a study; leave one of them out"
    within = [f"{name}.{key}" for name in known if len(location) == 1 and key in _within(model, name)]
    told = f"{did_you_mean(key, known)}; there is {' and '.join(within)}" if within else did_you_mean(key, known)
    return f"unknown key{told or '; expected one of ' + ', '.join(known)}"


def _within(model: type[BaseModel], name: str) -> set[str]:
    """Return the keys that may stand under this one."""
    return {key for each in _models(model.model_fields[name].annotation) for key in each.model_fields}


def _either(kinds: Sequence[str]) -> str:
    """Return `a`, `a or b`, or `a, b or c`."""
    *first, last = dict.fromkeys(kinds)
    return f"{', '.join(first)} or {last}" if first else last


def _written(details: ErrorDetails, value: Any) -> Location:
    """Keep of pydantic's location what stands in the file, and a missing key; drop names of union members."""
    kept: list[str | int] = []
    parts = details["loc"]
    for index, part in enumerate(parts):
        is_missing = details["type"] == "missing" and index == len(parts) - 1
        if isinstance(value, dict) and isinstance(part, str) and (part in value or is_missing):
            kept.append(part)
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            kept.append(part)
            value = value[part]
    error = details.get("ctx", {}).get("error")
    return (*kept, error.key) if isinstance(error, AtKeyError) else tuple(kept)


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
