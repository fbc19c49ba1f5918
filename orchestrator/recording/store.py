"""MLflow: one experiment a name, a parent run a contender, a child run a replica; told twice, recorded once."""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag, ViewType
from PIL import Image
from ruamel.yaml import YAML

from orchestrator.home import Home
from orchestrator.recording.journal import Event
from orchestrator.records import ContenderRecord, ReplicaRecord, ScoreRecord
from orchestrator.space import digest

SCHEMA = "1"
LONGEST_TAG = 5000
MLFLOW_STATUS = {
    "running": "RUNNING",
    "finished": "FINISHED",
    "stopped": "FINISHED",
    "pruned": "KILLED",
    "interrupted": "KILLED",
    "failed": "FAILED",
}

for noisy in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
    logging.getLogger(noisy).setLevel(logging.WARNING)


def client(home: Home) -> MlflowClient:
    """Return a client of this home's store, which is created on first use."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        home.path.mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=home.tracking_uri)


class Writer:
    """Applies the events of one attempt to MLflow; identity is by tag, so an event applied again changes nothing."""

    def __init__(self, home: Home, attempt: Event) -> None:
        self.client = client(home)
        self.attempt = attempt
        self.experiment_id = self._experiment(home)
        self.runs: dict[tuple[str, int | None], str] = {}
        self.pictured: set[tuple[str, int]] = set()
        query = f"tags.`arena.attempt` = '{attempt['attempt']}'"
        for run in search(self.client, [self.experiment_id], query):
            contender, seed = run.data.tags.get("arena.contender", ""), run.data.tags.get("arena.seed")
            self.runs[contender, None if seed is None else int(seed)] = run.info.run_id

    def apply(self, event: Event, files: Path) -> None:
        """Record one event; `files` holds the pictures and generators that came with it."""
        match event["kind"]:
            case "attempt":
                self._attempt(event)
            case "tick":
                self._tick(event, files)
            case "end":
                self._end(event)
            case "close":
                self._close(event)

    def _experiment(self, home: Home) -> str:
        name = self.attempt["experiment"]["name"]
        known = self.client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        local = not os.environ.get("MLFLOW_TRACKING_URI")
        location = (home.artifacts / self.attempt["folder"]).as_uri() if local else None
        opens_on_runs = {"mlflow.experimentKind": "custom_model_development"}  # and not on traces of language models
        return str(self.client.create_experiment(name, artifact_location=location, tags=opens_on_runs))

    def _attempt(self, event: Event) -> None:
        run_id = self._run("", None, event, {"arena.kind": "search"}, name=f"attempt {event['attempt']}")
        self.client.log_text(run_id, to_yaml(event["experiment"]), "experiment.yaml")
        self.client.log_dict(run_id, event["contenders"], "plan.json")

    def _tick(self, event: Event, files: Path) -> None:
        parent = self._contender(event)
        batch: list[Metric] = []
        for replica in event["replicas"]:
            run_id = self._replica(event, replica)
            if replica["step"] == event["step"]:
                at = int(event["time"] * 1000), event["step"]
                numbers = replica["diagnostics"] | {key: replica[key] for key in ("step", "images", "seconds")}
                numbers |= _flat(replica["scores"], replica["floors"])
                if replica["final"]:
                    numbers |= _flat(replica["final"]["scores"], replica["final"]["floors"], prefix="final/")
                self.client.log_batch(run_id, metrics=[Metric(key, value, *at) for key, value in numbers.items()])
                self._files(run_id, replica, event, files)
            if replica["status"] != "running":
                self._finish(run_id, replica["status"], replica["reason"])
        if event["objective"] is not None:
            batch.append(Metric("objective", event["objective"], int(event["time"] * 1000), event["step"]))
        batch.append(Metric("images", event["images"], int(event["time"] * 1000), event["step"]))
        self.client.log_batch(parent, metrics=batch)

    def _files(self, run_id: str, replica: Event, event: Event, files: Path) -> None:
        picture = files / f"samples_{replica['seed']}.png"
        if picture.exists() and not self._has_picture(run_id, event["step"]):
            with Image.open(picture) as image:
                stamp = int(event["time"] * 1000)
                self.client.log_image(
                    run_id, image, key="samples", step=event["step"], timestamp=stamp, synchronous=True
                )
            self.pictured.add((run_id, event["step"]))
        if replica["final"] and picture.exists():
            self.client.log_artifact(run_id, str(picture))
            self.client.log_artifact(self._contender(event), str(picture))
        generator = files / f"generator_{replica['seed']}"
        if generator.exists():
            self.client.log_artifacts(run_id, str(generator), "generator")

    def _has_picture(self, run_id: str, step: int) -> bool:
        if not self.pictured:  # the first picture since this writer started may have been recorded before it
            self.pictured |= {
                (run_id, int(part.path.split("%step%")[1].split("%")[0]))
                for part in self.client.list_artifacts(run_id, "images")
                if "%step%" in part.path
            }
        return (run_id, step) in self.pictured

    def _contender(self, event: Event) -> str:
        name = event["contender"]
        configuration = self.attempt["contenders"][name]
        known = (name, None) in self.runs
        tags = {
            "arena.kind": "contender",
            "arena.variant": configuration["variant"],
            "arena.objective": self.attempt["objective"],
            "arena.directions": json.dumps(self.attempt["directions"]),
        }
        # What failed before its first tick was never judged: it has neither.
        meanings = {key: event[key] for key in ("protocol", "budget_class") if key in event}
        tags |= {f"arena.{key}": digest(meaning) for key, meaning in meanings.items()}
        run_id = self._run(name, None, event, tags, name=f"{configuration['variant']} {name}")
        if not known:
            params = {"variant": configuration["variant"]}
            params |= {key: str(value) for key, value in configuration["hyperparameters"].items()}
            params |= {f"data.{key}": str(value) for key, value in configuration["data"].items()}
            params |= {f"budget.{key}": str(value) for key, value in configuration["budget"].items()}
            params["seeds"] = ", ".join(map(str, self.attempt["experiment"]["seeds"]))
            self.client.log_batch(run_id, params=[Param(key, value) for key, value in params.items()])
            self.client.log_text(run_id, _experiment_file(self.attempt["experiment"], configuration), "experiment.yaml")
            for key, meaning in meanings.items():
                self.client.log_dict(run_id, meaning, f"{key}.json")
        elif meanings and event["budget_class"]["checkpoint"] != "final":
            self.client.set_tag(run_id, "arena.budget_class", tags["arena.budget_class"])
            self.client.log_dict(run_id, event["budget_class"], "budget_class.json")
        return run_id

    def _replica(self, event: Event, replica: Event) -> str:
        name = event["contender"]
        variant = self.attempt["contenders"][name]["variant"]
        tags = {"arena.kind": "replica", "arena.variant": variant, "arena.seed": str(replica["seed"])}
        tags |= {
            "arena.directions": json.dumps(self.attempt["directions"]),
            "mlflow.parentRunId": self.runs[name, None],
        }
        known = (name, replica["seed"]) in self.runs
        run_id = self._run(name, replica["seed"], event, tags, name=f"{variant} {name} seed {replica['seed']}")
        if not known:
            environment = self.attempt["environment"] | {"pack": str(len(event["replicas"]))}
            self.client.log_batch(run_id, params=[Param("seed", str(replica["seed"]))])
            self.client.log_dict(run_id, environment, "environment.json")
        return run_id

    def _run(self, contender: str, seed: int | None, event: Event, tags: Mapping[str, str], *, name: str) -> str:
        """Return the run of this identity, made if it is not there yet."""
        if (contender, seed) not in self.runs:
            identity = {
                "arena.schema": SCHEMA,
                "arena.attempt": str(self.attempt["attempt"]),
                "arena.status": "running",
            }
            if contender:
                identity["arena.contender"] = contender
            run = self.client.create_run(
                self.experiment_id, start_time=int(event["time"] * 1000), tags=identity | dict(tags), run_name=name
            )
            self.runs[contender, seed] = run.info.run_id
        return self.runs[contender, seed]

    def _end(self, event: Event) -> None:
        standing = event["tick"]
        if standing is None:
            if event["status"] == "failed":
                self._finish(self._contender(event), event["status"], event["reason"])
            return
        parent = self._contender(standing)
        at = int(event["time"] * 1000), standing["step"]
        summary = {"seconds": sum(replica["seconds"] for replica in standing["replicas"])}
        summary |= {f"final/{key}": value for key, value in event["summary"].items()}
        self.client.log_batch(parent, metrics=[Metric(key, value, *at) for key, value in summary.items()])
        for replica in standing["replicas"]:
            if replica["status"] == "running":
                self._finish(self._replica(standing, replica), event["status"], event["reason"])
        self._finish(parent, event["status"], event["reason"])

    def _close(self, event: Event) -> None:
        self._finish(self.runs["", None], event["status"], event["reason"])

    def _finish(self, run_id: str, status: str, reason: str | None) -> None:
        tags = [RunTag("arena.status", status), RunTag("arena.reason", (reason or "")[:LONGEST_TAG])]
        self.client.log_batch(run_id, tags=tags)
        if status == "running":
            self.client.update_run(run_id, status="RUNNING")
        else:
            self.client.set_terminated(run_id, status=MLFLOW_STATUS[status])


def search(store: MlflowClient, experiments: Sequence[str], query: str = "") -> Iterator[Run]:
    """Yield every run of the experiments that `query` selects."""
    token = None
    while True:
        page = store.search_runs(list(experiments), query, ViewType.ACTIVE_ONLY, max_results=10_000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def children(store: MlflowClient, parent: Run) -> list[str]:
    """Return the replicas of a contender, the finished ones first."""
    found = search(store, [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    order = sorted(
        found, key=lambda run: (run.data.tags["arena.status"] != "finished", int(run.data.tags["arena.seed"]))
    )
    return [run.info.run_id for run in order]


def read(home: Home, names: Sequence[str] = ()) -> list[ContenderRecord]:
    """Return the contenders that the store holds, of the named experiments or of all."""
    store = client(home)
    experiments = {
        each.experiment_id: each.name for each in store.search_experiments() if not names or each.name in names
    }
    runs = list(search(store, list(experiments))) if experiments else []
    children: dict[str, list[Run]] = {}
    for run in runs:
        if run.data.tags.get("arena.kind") == "replica":
            children.setdefault(run.data.tags["mlflow.parentRunId"], []).append(run)
    documents = _Documents(store)
    records = []
    for run in runs:
        tags = run.data.tags
        if tags.get("arena.kind") != "contender":
            continue
        replicas = sorted((_replica_record(child) for child in children.get(run.info.run_id, [])), key=lambda r: r.seed)
        records.append(
            ContenderRecord(
                run_id=run.info.run_id,
                experiment=experiments[run.info.experiment_id],
                attempt=int(tags["arena.attempt"]),
                contender=tags["arena.contender"],
                variant=tags["arena.variant"],
                status=tags["arena.status"],
                reason=tags.get("arena.reason") or None,
                objective=tags.get("arena.objective"),
                protocol=documents.read(run, "protocol"),
                budget_class=documents.read(run, "budget_class"),
                params=dict(run.data.params),
                replicas=replicas,
            )
        )
    return sorted(records, key=lambda record: (record.experiment, record.attempt, record.contender))


class _Documents:
    """Reads a JSON artifact once for all runs whose tag says that it is the same."""

    def __init__(self, store: MlflowClient) -> None:
        self.store = store
        self.known: dict[tuple[str, str], dict[str, Any]] = {}

    def read(self, run: Run, name: str) -> dict[str, Any] | None:
        if (digest_ := run.data.tags.get(f"arena.{name}")) is None:
            return None
        if (name, digest_) not in self.known:
            path = self.store.download_artifacts(run.info.run_id, f"{name}.json")
            self.known[name, digest_] = json.loads(Path(path).read_text())
        return self.known[name, digest_]


def _replica_record(run: Run) -> ReplicaRecord:
    tags, numbers = run.data.tags, run.data.metrics
    directions = json.loads(tags.get("arena.directions", "{}"))
    final = {
        key: ScoreRecord(
            value=numbers[f"final/{key}"],
            low=numbers.get(f"final/{key}_low"),
            high=numbers.get(f"final/{key}_high"),
            higher_is_better=higher,
        )
        for key, higher in directions.items()
        if f"final/{key}" in numbers
    }
    return ReplicaRecord(
        run_id=run.info.run_id,
        seed=int(tags["arena.seed"]),
        status=tags["arena.status"],
        reason=tags.get("arena.reason") or None,
        step=int(numbers.get("step", 0)),
        images=int(numbers.get("images", 0)),
        seconds=numbers.get("seconds", 0.0),
        final=final,
        last={key: numbers[key] for key in directions if key in numbers},
    )


def _flat(scores: Mapping[str, Event], floors: Mapping[str, float], prefix: str = "") -> dict[str, float]:
    numbers = {}
    for key, score in scores.items():
        numbers[f"{prefix}{key}"] = score["value"]
        numbers |= {f"{prefix}{key}_{end}": score[end] for end in ("low", "high") if score[end] is not None}
    return numbers | {f"{prefix}floor/{key}": floor for key, floor in floors.items()}


def to_yaml(value: Mapping[str, Any]) -> str:
    """Return `value` as YAML that `ganarena search` reads."""
    text = StringIO()
    YAML(typ="safe", pure=True).dump(dict(value), text)
    return text.getvalue()


def _experiment_file(experiment: Mapping[str, Any], configuration: Mapping[str, Any]) -> str:
    """Return the file that trains this one contender again."""
    kept = {key: experiment[key] for key in ("name", "seeds", "evaluation", "resources", "stop") if key in experiment}
    return to_yaml(kept | dict(configuration))
