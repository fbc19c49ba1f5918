"""MLflow: one experiment a name, a parent run a contender, a child run a replica; told twice, recorded once."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlflow.entities import Run

from orchestrator.home import Home
from orchestrator.recording import describing, numbers
from orchestrator.recording.batch import Batch
from orchestrator.recording.client import client, search
from orchestrator.recording.database import Database
from orchestrator.recording.decisions import DECISIONS
from orchestrator.recording.files import Files, files
from orchestrator.recording.gallery import Gallery
from orchestrator.recording.journal import Event
from orchestrator.recording.layout import AUDITED, DESCRIBED, FIRED, LONGEST_TAG, SCHEMA, SHOWN
from orchestrator.recording.numbers import points
from orchestrator.space import digest

MLFLOW_STATUS = {
    "running": "RUNNING",
    "finished": "FINISHED",
    "stopped": "FINISHED",
    "pruned": "KILLED",
    "interrupted": "KILLED",
    "failed": "FAILED",
}

AT_HAND = 1024
"""Of so many runs at most it is kept in mind where their files go, and which pictures hang."""

Identity = tuple[str, int | None]
"""Contender and seed: neither for the search itself, no seed for a contender."""


class Writer:
    """Applies the events of one attempt to MLflow; told twice, wherever it broke off before, nothing is doubled.

    A run is found again by its tags. What describes it is written before the tag that says so, and its pictures are
    known by their step; MLflow itself keeps one point for each key and step.
    """

    def __init__(self, home: Home, attempt: Event) -> None:
        self.home = home
        self.client = client(home)
        self.attempt = attempt
        self.experiment_id = self._experiment()
        self.runs: dict[Identity, str] = {}
        self.described: dict[Identity, dict[str, str]] = {}
        self.standing: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self.files: Callable[[str], Files] = lru_cache(AT_HAND)(lambda run_id: files(home, self.addresses[run_id]))
        self.gallery: Callable[[str], Gallery] = lru_cache(AT_HAND)(lambda run_id: Gallery(run_id, self.files(run_id)))
        self.batch = Batch(self.client, Database.of(home))
        query = f"tags.`arena.attempt` = '{attempt['attempt']}'"
        for run in search(self.client, [self.experiment_id], query):
            tags, seed = run.data.tags, run.data.tags.get("arena.seed")
            identity = tags.get("arena.contender", ""), None if seed is None else int(seed)
            self._know(identity, run, tags.get("arena.status", "running"))
            if DESCRIBED in tags:
                meaning = ("arena.protocol", "arena.budget_class")
                self.described[identity] = {key: tags[key] for key in meaning if key in tags}

    def apply(self, told: Iterable[tuple[Event, Path]]) -> None:
        """Record events, each with the folder of the pictures and generators that came with it."""
        for event, came in told:
            self._take(event, came)
        self.batch.send()

    def _take(self, event: Event, came: Path) -> None:
        """Record one event, whose numbers and tags are then due."""
        match event["kind"]:
            case "attempt":
                self._search(event)
            case "drawn":
                self.attempt["contenders"][event["contender"]] = event["configuration"]
            case "confirming":
                self.attempt["contenders"] |= event["contenders"]
                self.attempt["confirming"] = event
            case "tick":
                self._tick(event, came)
            case "audited":
                self._audited(event)
            case "cloned":
                self._cloned(event)
            case "final":
                self._final(event, came)
            case "end":
                self._end(event)
            case "close":
                self._close(event, came)

    def _know(self, identity: Identity, run: Run, status: str) -> None:
        """Keep in mind a run that is there, where its files lie, and how it stands."""
        run_id = run.info.run_id
        self.runs[identity] = run_id
        self.standing[run_id] = status
        self.addresses[run_id] = run.info.artifact_uri

    def _experiment(self) -> str:
        name = self.attempt["experiment"]["name"]
        known = self.client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        # A server knows where its artifacts are; a bare database would put them into the working directory.
        served = self.home.tracking_uri.startswith(("http://", "https://", "databricks"))
        location = None if served else (self.home.artifacts / self.attempt["folder"]).as_uri()
        opens_on_runs = {"mlflow.experimentKind": "custom_model_development"}  # and not on traces of language models
        return str(self.client.create_experiment(name, artifact_location=location, tags=opens_on_runs))

    def _audited(self, event: Event) -> None:
        told = {"": event["reason"], ".at": str(event["at"]), ".probability": str(event["probability"])}
        tags = {AUDITED + part: text[:LONGEST_TAG] for part, text in told.items()}
        self.batch.add(self.runs[event["contender"], None], tags=tags)

    def _cloned(self, event: Event) -> None:
        """Record the numbers of a slot as series, and whose copy it has become."""
        lineage = {"arena.lineage": " > ".join(event["lineage"])[-LONGEST_TAG:]}
        self.batch.add(self.runs[event["contender"], None], metrics=numbers.of_clone(self.attempt, event), tags=lineage)

    def _search(self, event: Event) -> str:
        identity = ("", None)
        run_id = self._run(identity, event, {"arena.kind": "search"}, name=f"attempt {event['attempt']}")
        if identity not in self.described:
            self._write(run_id, "experiment.yaml", describing.to_yaml(event["experiment"]))
            self._write(run_id, "plan.json", event["contenders"])
            self._describe(identity, {}, {})
        return run_id

    def _tick(self, event: Event, came: Path) -> None:
        self._stand(self._search(self.attempt), "running", None, event)
        parent = self._contender(event)
        for replica in event["replicas"]:
            run_id = self._replica(event, replica)
            if replica["step"] == event["step"]:
                told = numbers.of_replica(self.attempt, event, replica)
                alarms = {FIRED + rule: reason[:LONGEST_TAG] for rule, reason in replica["fired"].items()}
                self.batch.add(run_id, metrics=points(told, event, step=event["step"]), tags=alarms)
                self._keep(run_id, replica, event, came)
            self._stand(run_id, replica["status"], replica["reason"], event)
        self.batch.add(parent, metrics=points(numbers.of_contender(event), event, step=event["step"]))
        self._stand(parent, "running", None, event)

    def _final(self, event: Event, came: Path) -> None:
        """Record the final scores of replicas that ended after their last tick was told."""
        self._contender(event)
        for replica in event["replicas"]:
            if replica["seed"] in event["seeds"]:
                run_id = self._replica(event, replica)
                self.batch.add(run_id, metrics=points(numbers.final(replica), event, step=event["step"]))
                self._keep(run_id, replica, event, came)
                self._stand(run_id, replica["status"], replica["reason"], event)

    def _keep(self, run_id: str, replica: Event, event: Event, came: Path) -> None:
        """Keep the picture and the generator that came with an event."""
        picture, at = came / f"samples_{replica['seed']}.png", int(event["time"] * 1000)
        if picture.exists() and self.gallery(run_id).hang(picture, event["step"], at):
            self.batch.add(run_id, tags={SHOWN: "True"})
        if picture.exists() and replica["final"]:
            for shown in (run_id, self._contender(event)):
                self.files(shown).keep(picture, picture.name)
        if (generator := came / f"generator_{replica['seed']}").exists():
            self.files(run_id).keep(generator, "generator")

    def _contender(self, event: Event) -> str:
        name = event["contender"]
        identity, attempt = (name, None), self.attempt
        tags = describing.contender_tags(attempt, name)
        run_id = self._run(identity, event, tags, name=describing.title(attempt, name))
        # What failed before its first tick was never judged: it has neither.
        meanings = {key: event[key] for key in ("protocol", "budget_class") if key in event}
        digests = {f"arena.{key}": digest(meaning) for key, meaning in meanings.items()}
        if self.described.get(identity) != digests:
            for key, meaning in meanings.items():
                self._write(run_id, f"{key}.json", meaning)
            self._write(run_id, "experiment.yaml", describing.experiment_file(attempt, name))
            if "protocol" in event:
                data = attempt["contenders"][name]["data"]
                self.client.log_inputs(run_id, describing.inputs(event["protocol"], data))
            self._describe(identity, describing.contender_params(attempt, name), digests)
        return run_id

    def _replica(self, event: Event, replica: Event) -> str:
        name, seed = event["contender"], replica["seed"]
        identity = (name, seed)
        tags = describing.replica_tags(self.attempt, name, seed, parent=self.runs[name, None])
        run_id = self._run(identity, event, tags, name=f"{tags['arena.variant']} {name} seed {seed}")
        if identity not in self.described:
            environment = self.attempt["environment"] | {
                "pack": str(event.get("replicas_at_once", len(event["replicas"])))
            }
            self._write(run_id, "environment.json", environment)
            self._describe(identity, {"seed": str(seed)}, {})
        return run_id

    def _run(self, identity: Identity, event: Event, tags: Mapping[str, str], *, name: str) -> str:
        """Return the run of this identity, made if it is not there yet."""
        if identity not in self.runs:
            common = {
                "arena.schema": SCHEMA,
                "arena.attempt": str(self.attempt["attempt"]),
                "arena.status": "running",
            }
            if identity[0]:
                common["arena.contender"] = identity[0]
            run = self.client.create_run(
                self.experiment_id, start_time=int(event["time"] * 1000), tags=common | dict(tags), run_name=name
            )
            self._know(identity, run, "running")
        return self.runs[identity]

    def _write(self, run_id: str, path: str, document: Any) -> None:
        """Keep a text, or anything else as JSON, as a file of a run."""
        text = document if isinstance(document, str) else json.dumps(document, indent=2)
        self.files(run_id).write(text.encode(), path)

    def _describe(self, identity: Identity, params: Mapping[str, str], digests: Mapping[str, str]) -> None:
        """Write the params, and the tags that say that the whole description is there."""
        self.batch.add(self.runs[identity], params=params, tags=dict(digests) | {DESCRIBED: "yes"})
        self.described[identity] = dict(digests)

    def _end(self, event: Event) -> None:
        standing = event["tick"]
        if standing is None:
            if event["status"] == "failed":
                self._stand(self._contender(event), event["status"], event["reason"], event)
            return
        parent = self._contender(standing)
        self.batch.add(parent, metrics=points(numbers.of_end(event), event, step=standing["step"]))
        for replica in standing["replicas"]:
            if replica["status"] == "running":
                self._stand(self._replica(standing, replica), event["status"], event["reason"], event)
        self._stand(parent, event["status"], event["reason"], event)

    def _close(self, event: Event, came: Path) -> None:
        run_id = self._search(self.attempt)
        if self.attempt.get("draws"):
            self._write(run_id, "plan.json", self.attempt["contenders"])  # now they are known
        if (told := came / DECISIONS).exists():
            self.files(run_id).keep(told, DECISIONS)
        self._stand(run_id, event["status"], event["reason"], event)

    def _stand(self, run_id: str, status: str, reason: str | None, event: Event) -> None:
        """Let a run have this status; one that was interrupted and goes on is running again."""
        if self.standing[run_id] == status:
            return
        if status == "running":
            self.client.update_run(run_id, status="RUNNING")
        else:
            self.client.set_terminated(run_id, status=MLFLOW_STATUS[status], end_time=int(event["time"] * 1000))
        # The tag comes last: it is where the next writer reads whether this was done.
        self.batch.add(run_id, tags={"arena.reason": (reason or "")[:LONGEST_TAG], "arena.status": status})
        self.standing[run_id] = status
