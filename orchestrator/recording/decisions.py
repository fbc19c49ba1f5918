"""The decisions of an attempt: who was suggested, pruned, lost and ended, in order, and the leaderboard they leave."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import fsum
from pathlib import Path
from statistics import fmean
from typing import Any

from orchestrator.config.search import SECONDS
from orchestrator.errors import WorkError
from orchestrator.recording.journal import Event, events
from orchestrator.records import ContenderRecord, ReplicaRecord, ScoreRecord

DECISIONS = "decisions.jsonl"


class Decisions:
    """Follows a journal and keeps its decisions, in memory and as lines of a file beside it.

    The file can be lost: it is written again from the journal whenever the attempt goes on. A sampler is told the
    lines in their order, so what a suggestion had seen is what stands above it.
    """

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_name(DECISIONS)
        self._told = _Told()
        known = (self._told.line(event) for event, _ in events(journal))
        self.lines: list[Event] = [line for line in known if line is not None]
        self.path.write_text("".join(map(_written, self.lines)))

    def take(self, event: Event) -> None:
        """Take in one more event of the journal."""
        if (line := self._told.line(event)) is not None:
            self.lines.append(line)
            with self.path.open("a") as file:
                file.write(_written(line))


class _Told:
    """What has been told of each contender so far, and the line that an event adds."""

    def __init__(self) -> None:
        self.attempt: Event = {}
        self.curves: dict[str, list[list[float | None]]] = {}
        self.rungs: dict[int, dict[str, float | None]] = {}
        self.last: dict[tuple[str, int], dict[str, float]] = {}
        self.audited: set[str] = set()
        self.configurations: dict[str, Event] = {}

    def line(self, event: Event) -> Event | None:
        """Return what `event` says of a decision, if it does."""
        match event["kind"]:
            case "attempt":
                return self._begun(event)
            case "drawn":
                self.configurations[event["contender"]] = event["configuration"]
                return {"kind": "suggested"} | {key: event[key] for key in ("contender", "suggestion", "seen")}
            case "confirming":
                self.configurations |= event["contenders"]
                return {key: event[key] for key in ("kind", "confirms", "seeds")}
            case "crowded" | "lost":
                return {key: value for key, value in event.items() if key != "time"}
            case "over":
                return {key: event[key] for key in ("kind", "reason")}
            case "tick":
                self._tick(event)
            case "audited":
                return self._audited(event)
            case "cloned":
                return {key: event[key] for key in ("kind", "contender", "from", "step", "was", "now")}
            case "end":
                return self._ended(event)
        return None

    def _begun(self, event: Event) -> Event:
        self.attempt = event
        self.configurations = dict(event["contenders"])
        return {
            "kind": "begun",
            "experiment": event["experiment"]["name"],
            "attempt": event["attempt"],
            "objectives": self._objectives,
            "directions": event["directions"],
            "baselines": event["experiment"].get("baselines", []),
        }

    @property
    def _objectives(self) -> list[str]:
        return self.attempt.get("objectives") or [self.attempt["objective"]]

    def _tick(self, tick: Event) -> None:
        name = tick["contender"]
        self.curves.setdefault(name, []).append([tick["spent"], tick["objective"]])
        if name not in self.audited:  # what an audit keeps alive is hidden from whoever decides
            self.rungs.setdefault(tick["spent"], {})[name] = tick["objective"]
        for replica in tick["replicas"]:
            scores = {key: score["value"] for key, score in replica["scores"].items()}
            self.last.setdefault((name, replica["seed"]), {}).update(scores)

    def _ended(self, end: Event) -> Event:
        name, tick = end["contender"], end["tick"]
        pruned = end["status"] == "pruned"
        line = {"kind": "pruned" if pruned else "ended", "contender": name}
        line |= {"variant": self.configurations[name]["variant"], "status": end["status"], "reason": end["reason"]}
        if tick is None:
            return line | {"objectives": None, "curve": [], "replicas": []}
        line |= {"objectives": complete(tick, self._objectives), "curve": [*self.curves[name]]}
        if pruned:
            line["compared"] = self._compared(name, tick)
        line |= {key: tick[key] for key in ("protocol", "budget_class") if key in tick}
        kept = ("seed", "status", "reason", "step", "images", "seconds", "fired", "final")
        return line | {
            "replicas": [
                {key: replica[key] for key in kept} | {"last": dict(self.last[name, replica["seed"]])}
                for replica in tick["replicas"]
            ]
        }

    def _audited(self, audit: Event) -> Event:
        """Return a pruning that an audit stayed: whoever decides is told what it would have been told otherwise."""
        name = audit["contender"]
        self.audited.add(name)
        curve = [point for point in self.curves[name] if point[0] <= audit["at"]]
        kept = {key: audit[key] for key in ("at", "probability", "reason")}
        compared = self._compared(name, {"spent": audit["at"], "objective": curve[-1][1]})
        return {"kind": "audited", "contender": name, "curve": curve, "compared": compared} | kept

    def _compared(self, name: str, tick: Event) -> Event:
        """Return how it stood among those that had been looked at when they had spent as much."""
        mine = tick["objective"]
        others = [value for other, value in self.rungs[tick["spent"]].items() if other != name and value is not None]
        higher = self.attempt["directions"].get(self.attempt["objective"], False)
        better = [value for value in others if mine is None or (value > mine if higher else value < mine)]
        return {"spent": tick["spent"], "objective": mine, "others": len(others), "better": len(better)}


def complete(tick: Event, objectives: Sequence[str]) -> dict[str, float] | None:
    """Return what a contender came to at its last tick, judged on `select`; None if a replica has no final score."""
    replicas = tick["replicas"]
    scores = [replica["scores"] | {SECONDS: {"value": replica["seconds"]}} for replica in replicas]
    if not all(replica["final"] for replica in replicas) or not all(set(objectives) <= set(each) for each in scores):
        return None
    values = {key: [each[key]["value"] for each in scores] for key in objectives}
    return {key: fsum(each) if key == SECONDS else fmean(each) for key, each in values.items()}


def read(path: Path) -> list[Event]:
    """Return the lines of a file of decisions."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def replay(lines: Iterable[Event]) -> list[ContenderRecord]:
    """Return the contenders that these decisions leave, as the store would hold them; what cannot be is refused."""
    begun: Event = {}
    suggested: set[str] = set()
    confirms: dict[str, str] = {}
    standing: dict[str, Event] = {}
    audited: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        name = line.get("contender", "")
        if name in standing and standing[name]["status"] != "interrupted":
            raise WorkError(
                f"line {number}: {name} had ended ({standing[name]['status']}), and is {line['kind']} again"
            )
        match line["kind"]:
            case "begun":
                begun = line
            case "suggested" if name in suggested:
                raise WorkError(f"line {number}: {name} is suggested twice")
            case "suggested":
                suggested.add(name)
            case "confirming":
                confirms |= line["confirms"]
            case "audited":
                audited[name] = line["reason"]
            case "ended" | "pruned":
                standing[name] = line
    seen = [line for line in standing.values() if line["replicas"] or line["status"] == "failed"]
    records = [_record(begun, line) for line in seen]
    return [
        replace(record, confirms=confirms.get(record.contender), audited=audited.get(record.contender))
        for record in records
    ]


def _record(begun: Event, line: Event) -> ContenderRecord:
    return ContenderRecord(
        run_id="",
        experiment=begun["experiment"],
        attempt=begun["attempt"],
        contender=line["contender"],
        variant=line["variant"],
        status=line["status"],
        reason=line["reason"],
        baseline=line["variant"] in begun["baselines"],
        objective=begun["objectives"][0],
        protocol=line.get("protocol"),
        budget_class=line.get("budget_class"),
        params={},
        replicas=[_replica(replica, line, begun["directions"]) for replica in line["replicas"]],
    )


def _replica(replica: Event, line: Event, directions: dict[str, bool]) -> ReplicaRecord:
    how = line if replica["status"] == "running" else replica  # it ended as its contender did
    final: dict[str, Any] = replica["final"]["scores"] if replica["final"] else {}
    return ReplicaRecord(
        run_id="",
        seed=replica["seed"],
        status=how["status"],
        reason=how["reason"],
        step=replica["step"],
        images=replica["images"],
        seconds=replica["seconds"],
        final={key: ScoreRecord(**score) for key, score in final.items() if key in directions},
        last={key: value for key, value in replica["last"].items() if key in directions},
        fired=replica["fired"],
    )


def _written(line: Event) -> str:
    return json.dumps(line, allow_nan=False) + "\n"
