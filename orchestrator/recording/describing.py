"""What is said once of a contender or a replica: tags, params, documents and datasets, in MLflow's words."""

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag
from ruamel.yaml import YAML

from orchestrator.config.engine import Engine
from orchestrator.recording.journal import Event

LONGEST_DATASET = 500
REPEATED = ("name", "trainer", "generator", "seeds", "evaluation", "resources", "engine", "stop")
"""Keys of the experiment file that hold for a contender on its own as well."""


def title(attempt: Event, name: str) -> str:
    """Return what a contender's run is called."""
    confirmed = confirms(attempt, name)
    own = f"{attempt['contenders'][name]['variant']} {name}"
    return f"{own} confirms {confirmed}" if confirmed else own


def confirms(attempt: Event, name: str) -> str | None:
    """Return whom this contender repeats on new seeds, if it does."""
    repeated: dict[str, str] = attempt.get("confirming", {"confirms": {}})["confirms"]
    return repeated.get(name)


def seeds(attempt: Event, name: str) -> Sequence[int]:
    """Return the seeds of a contender's replicas."""
    found: Sequence[int] = (attempt["confirming"] if confirms(attempt, name) else attempt["experiment"])["seeds"]
    return found


def contender_tags(attempt: Event, name: str) -> dict[str, str]:
    """Return the tags by which a contender is found and filtered."""
    experiment, variant = attempt["experiment"], attempt["contenders"][name]["variant"]
    tags = {
        "arena.kind": "contender",
        "arena.variant": variant,
        "arena.objective": attempt["objective"],
        "arena.directions": json.dumps(attempt["directions"]),
    }
    drawn = experiment.get("search", {})
    tags |= {f"arena.{key}": drawn[key] for key in ("sampler", "scheduler") if key in drawn}
    if "from" in attempt:
        tags["arena.from"] = attempt["from"]
    if variant in experiment.get("baselines", ()):
        tags["arena.baseline"] = "yes"
    if confirmed := confirms(attempt, name):
        tags["arena.confirms"] = confirmed
    return tags


def replica_tags(attempt: Event, name: str, seed: int, parent: str) -> dict[str, str]:
    """Return the tags by which a replica is found, and stands below its contender."""
    return {
        "arena.kind": "replica",
        "arena.variant": attempt["contenders"][name]["variant"],
        "arena.seed": str(seed),
        "arena.directions": json.dumps(attempt["directions"]),
        "mlflow.parentRunId": parent,
    }


def contender_params(attempt: Event, name: str) -> dict[str, str]:
    """Return what a contender was configured with."""
    configuration = attempt["contenders"][name]
    params = {"variant": configuration["variant"]}
    params |= {key: str(value) for key, value in configuration["hyperparameters"].items()}
    params |= {f"data.{key}": str(value) for key, value in configuration["data"].items()}
    params |= {f"budget.{key}": str(value) for key, value in configuration["budget"].items()}
    engine = Engine.model_validate(attempt["experiment"].get("engine", {})).model_dump(exclude_defaults=True)
    params |= {f"engine.{key}": str(value) for key, value in engine.items()}
    return params | {"seeds": ", ".join(map(str, seeds(attempt, name)))}


def experiment_file(attempt: Event, name: str) -> str:
    """Return the file that trains this one contender again."""
    experiment = attempt["experiment"] | {"seeds": seeds(attempt, name)}
    kept = {key: experiment[key] for key in REPEATED if key in experiment}
    own = attempt["contenders"][name].items()
    return to_yaml(kept | {key: value for key, value in own if key != "variant" or "trainer" not in kept})


def inputs(protocol: Mapping[str, Any], data: Mapping[str, Any]) -> list[DatasetInput]:
    """Return the splits that a contender has met, as MLflow's datasets: named as `evaluate` names them."""
    dataset = protocol["dataset"]
    return [
        DatasetInput(
            Dataset(
                name=f"{dataset['name']}:{split}"[:LONGEST_DATASET],
                digest=str(dataset.get("digest", ""))[:12] or "unknown",
                source_type="ganarena",
                source=json.dumps(dict(data)),
                profile=json.dumps({"resolution": protocol.get("resolution")}),
            ),
            tags=[InputTag("mlflow.data.context", split)],
        )
        for split in ("train", "select", "final")
    ]


def to_yaml(value: Mapping[str, Any]) -> str:
    """Return `value` as YAML that `ganarena search` reads."""
    text = StringIO()
    YAML(typ="safe", pure=True).dump(dict(value), text)
    return text.getvalue()
