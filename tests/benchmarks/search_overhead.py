"""What a search costs besides training: `python -m tests.benchmarks.search_overhead [PART ...] [--short]`.

Parts, each of which can be measured alone: `first` (from the command to the first tick), `trials` (32 contenders of
about ten seconds on two slots), `bare` (the same as Ray's own examples would do it), `driver` (its work for each
report, from 10 to 1,000 trials). Numbers are kept in `results/search_overhead.json`, and the page is written from them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.home import Home
from orchestrator.recording.journal import events
from orchestrator.search.outcome import times

RESULTS = Path(__file__).parent / "results"
NUMBERS = RESULTS / "search_overhead.json"
SLOTS = 2
FILE = """
name: overhead
variant: gan
data: {name: mnist5k}
hyperparameters: {batch: 64}
budget: {steps: STEPS, tick: TICK}
evaluation: {extractor: lenet, samples: 500, metrics: [fd]}
space: {generator_lr: {loguniform: [1e-4, 1e-3]}}
search: {contenders: CONTENDERS, parallel: 2}
"""
Numbers = dict[str, Any]


def file_in(folder: Path, *, contenders: int, steps: int, tick: int) -> Path:
    """Write an experiment file."""
    file = folder / "overhead.yaml"
    words = {"STEPS": steps, "TICK": tick, "CONTENDERS": contenders}
    text = FILE
    for word, value in words.items():
        text = text.replace(word, str(value))
    file.write_text(text)
    return file


COMMAND = "from orchestrator.cli import main; main()"
METERED = "from tests.benchmarks.search_overhead import metered; metered({note!r})"


def search(file: Path, home: Path, *words: str, program: str = COMMAND) -> list[dict[str, Any]]:
    """Run a search by its command and return the ticks of its last attempt."""
    command = [sys.executable, "-c", program, "search", str(file), "-q", "--json", "--home", str(home), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    journal = max(home.glob("tune/*/*/journal.jsonl"))
    return [event for event, _ in events(journal) if event["kind"] == "tick"]


def metered(note: str) -> None:
    """Run the command, and note how many seconds of a processor it took to send what was told to an open store."""
    from mlflow import MlflowClient

    from orchestrator.cli import main
    from orchestrator.recording.batch import Batch
    from orchestrator.recording.gallery import Gallery
    from orchestrator.recording.recorder import Outbox
    from orchestrator.recording.writing import Writer

    spent: dict[str, float] = defaultdict(float)

    def meter(owner: type, name: str, label: str) -> None:
        method = getattr(owner, name)

        def timed(*words: Any, **named: Any) -> Any:
            mark = time.thread_time()
            try:
                return method(*words, **named)
            finally:
                spent[label] += time.thread_time() - mark

        setattr(owner, name, timed)

    meter(Writer, "apply", "events")
    meter(Outbox, "_show", "the leaderboard as a description")
    meter(Batch, "send", "numbers, params and tags")
    meter(Gallery, "hang", "pictures")
    meter(MlflowClient, "create_run", "new runs")
    meter(MlflowClient, "set_terminated", "ends of runs")
    try:
        main()
    finally:
        Path(note).write_text(json.dumps(spent))


def bare_ray(folder: Path, *words: str) -> list[dict[str, Any]]:
    """Run a search as Ray's examples write it, and return its ticks."""
    quiet = os.environ | {"RAY_AIR_NEW_OUTPUT": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-m", "tests.benchmarks.bare_ray", words[0], str(folder), *words[1:]]
    subprocess.run(command, check=True, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [json.loads(line) for line in (folder / "marks.jsonl").read_text().splitlines()]


def first(folder: Path, *, short: bool) -> Numbers:
    """Measure from the command to the first tick: in a new home, in the same again, and of a bare program."""
    file = file_in(folder, contenders=2, steps=2, tick=1)
    home = folder / "home"
    found: dict[str, list[float]] = {"bare": [], "new_home": [], "existing_home": []}
    for repeat in range(1 if short else 5):
        for name in found:
            began = time.time()
            if name == "bare":
                (there := folder / f"bare-{repeat}").mkdir()
                ticks = bare_ray(there, "first")
            else:
                fresh = name == "new_home"
                home = folder / f"home-{repeat}" if fresh else home
                ticks = search(file, home, *([] if fresh else ["--again"]))
            found[name].append(min(tick["time"] for tick in ticks) - began)
    return {name: sorted(seconds)[len(seconds) // 2] for name, seconds in found.items()}


def gaps(spans: Sequence[tuple[float, float]]) -> list[float]:
    """Return how long a slot stood idle before each trial but the first ones, from when trials began and ended."""
    began, ended = sorted(start for start, _ in spans), sorted(end for _, end in spans)
    return [start - end for start, end in zip(began[SLOTS:], ended, strict=False)]


def spans(ticks: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Return when each contender began to train, and when its last tick was scored."""
    names = {tick["contender"] for tick in ticks}
    mine = {name: [tick for tick in ticks if tick["contender"] == name] for name in names}
    return [(min(t["began"] for t in of), max(t["time"] for t in of)) for of in mine.values()]


def sizes(short: bool) -> dict[str, int]:
    """Return how large the measured search is."""
    return {"contenders": 4, "steps": 400, "tick": 200} if short else {"contenders": 32, "steps": 500, "tick": 100}


def trials(folder: Path, *, short: bool) -> Numbers:
    """Measure a search on two slots: how busy they are, how fast they train, and what lies between trials."""
    size = sizes(short)
    file = file_in(folder, **size)
    note = folder / "recording.json"
    ticks = search(file, folder / "home", program=METERED.format(note=str(note)))
    wall, busy = times(ticks)
    alone = solo(file)
    between = gaps(spans(ticks))
    return {
        "contenders": size["contenders"],
        "seconds_a_trial": busy / size["contenders"],
        "utilisation": busy / (wall * SLOTS),
        "steps_per_second": size["contenders"] * size["steps"] / busy,
        "steps_per_second_solo": size["steps"] / alone,
        "added_seconds_a_trial": sum(between) / len(between),
        "reports_a_trial": len(ticks) / size["contenders"],
        "recording": {label: seconds / busy for label, seconds in json.loads(note.read_text()).items()},
    }


def solo(file: Path) -> float:
    """Return the seconds of training and scoring of one contender without Ray, with nothing beside it."""
    from orchestrator.config import load
    from orchestrator.search.planning import make_plan
    from orchestrator.trial import Brief, pursue

    home = Home(file.parent / "home")
    plan = make_plan(load(file), home, "cpu", write=False)
    seconds: list[float] = []
    for contender in list(plan.contenders.values())[:2]:  # the first warms up
        told: list[float] = []
        pursue(contender, Brief.of(plan, home), lambda event, _, told=told: told.append(event["busy"]))
        seconds.append(sum(told))
    return seconds[-1]


def bare(folder: Path, *, short: bool) -> Numbers:
    """Measure the same search as Ray's examples write it."""
    size = sizes(short)
    file = file_in(folder, **size)
    ticks = bare_ray(folder, "trials", str(file), str(size["contenders"]))
    between = gaps(spans(ticks))
    return {"contenders": size["contenders"], "added_seconds_a_trial": sum(between) / len(between)}


def driver(folder: Path, *, short: bool) -> Numbers:
    """Measure what a report costs the driver, and what it costs to send it to MLflow, for more and more trials."""
    from orchestrator.config import load
    from orchestrator.recording.recorder import Recorder
    from orchestrator.search.driver import Driver
    from orchestrator.search.planning import make_plan
    from orchestrator.trial import Brief, pursue

    rows = []
    for count in (10, 30) if short else (10, 30, 100, 300, 1000):
        (there := folder / str(count)).mkdir()
        file, home = file_in(there, contenders=count, steps=3, tick=1), Home(there / "home")
        plan = make_plan(load(file), home, "cpu", write=False)
        said: list[dict[str, Any]] = []
        model = next(iter(plan.contenders.values()))
        pursue(model, Brief.of(plan, home), lambda event, _, said=said: said.append(event))
        attempt = home.next_attempt(plan.experiment.name)
        recorder = Recorder(home, attempt)
        recorder.append(plan.event(1))
        recorder.close(timeout=3600)  # the store is there now
        recorder, spent = Recorder(home, attempt), 0.0
        told, began, computed = Driver(plan, recorder), time.perf_counter(), time.process_time()
        for name in plan.contenders:
            for event in said:
                mark = time.thread_time()
                told.tick(event | {"contender": name}, there)
                spent += time.thread_time() - mark
        recorder.close(timeout=3600)
        reports = count * len(said)
        whole = {"driver": spent, "recording": time.perf_counter() - began}
        whole["recording_cpu"] = time.process_time() - computed - spent
        each = {f"{name}_ms": 1000 * seconds / reports for name, seconds in whole.items()}
        rows.append({"trials": count} | each)
    return {"rows": rows}


PARTS: dict[str, Callable[..., Numbers]] = {"first": first, "trials": trials, "bare": bare, "driver": driver}


def page(found: Mapping[str, Numbers]) -> str:
    """Return the page of what has been measured so far."""
    text = ["# What a search costs besides training", "", "`python -m tests.benchmarks.search_overhead`", ""]
    if one := found.get("first"):
        text += ["| from the command to the first tick | seconds | against bare Ray |", "|---|--:|--:|"]
        text += [f"| {name.replace('_', ' ')} | {one[name]:.1f} | {one[name] / one['bare']:.2f} |" for name in one]
        text += ["", "Bare: a program that lets Tune run one trial with one step of torch.", ""]
    if many := found.get("trials"):
        text += [f"| {many['contenders']} contenders of {many['seconds_a_trial']:.1f} s on two slots | |", "|---|--:|"]
        rates = many["steps_per_second"], many["steps_per_second_solo"]
        text += [
            f"| utilisation | {many['utilisation']:.3f} |",
            f"| steps per second, two trials at once | {rates[0]:.0f} |",
            f"| steps per second, one trial and no Ray | {rates[1]:.0f} |",
            f"| idle seconds of a slot before a trial | {many['added_seconds_a_trial']:.2f} |",
        ]
        if peer := found.get("bare"):
            text += [f"| the same as Ray's examples write it | {peer['added_seconds_a_trial']:.2f} |"]
        text += [""]
    if work := found.get("driver"):
        text += ["| trials | driver, ms a report | journal to MLflow, ms a report | of these, CPU |"]
        text += ["|--:|--:|--:|--:|"]
        keys = ("driver_ms", "recording_ms", "recording_cpu_ms")
        text += [f"| {row['trials']} | " + " | ".join(f"{row[key]:.2f}" for key in keys) + " |" for row in work["rows"]]
        text += ["", "![](search_overhead.png)", ""]
    if work and many:
        apart = many["seconds_a_trial"] / many["reports_a_trial"]
        parts = dict(many["recording"])
        sent = parts.pop("events") + parts["the leaderboard as a description"]
        parts["descriptions and generators, as files"] = sent - sum(parts.values())
        most = max(row["driver_ms"] for row in work["rows"]) / 1000 / apart
        text += [
            f"In the search above a report came every {apart:.1f} s of training and scoring. A trial waits",
            f"{most:.2%} of them for the driver. Sending all that was told to MLflow, pictures and ends of",
            f"contenders included, took {sent:.2%} of the time that training and scoring took:",
            "",
            *(f"- {label}: {share:.2%}" for label, share in parts.items()),
            "",
        ]
    return "\n".join(text)


def plot(rows: Sequence[Mapping[str, float]]) -> None:
    """Draw what a report costs against the number of trials."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    for key, label in (("driver_ms", "driver"), ("recording_cpu_ms", "journal to MLflow")):
        axes.plot([row["trials"] for row in rows], [row[key] for row in rows], marker="o", label=label)
    axes.set(xscale="log", yscale="log", xlabel="trials", ylabel="milliseconds of CPU a report")
    axes.legend(frameon=False)
    figure.savefig(RESULTS / "search_overhead.png", dpi=150)


def main() -> None:
    """Measure the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--short", action="store_true", help="see that it works; nothing is kept")
    asked = parser.parse_args()
    found = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
    for name in asked.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
            found[name] = PARTS[name](Path(folder), short=asked.short)
        print(json.dumps({name: found[name]}), file=sys.stderr)
        if not asked.short:
            NUMBERS.write_text(json.dumps(found, indent=2) + "\n")
    print(page(found))
    if not asked.short:
        (RESULTS / "search_overhead.md").write_text(page(found))
        if "driver" in found:
            plot(found["driver"]["rows"])


if __name__ == "__main__":
    main()
