"""Selecting on 64 samples, as Ray's GAN example does, or as we do: `python -m tests.benchmarks.search_pbt --home DIR`.

Both ways get the budget of `experiments/pbt_dcgan.yaml`. One copies and selects by the Inception score of 64 samples,
the other by the Frechet distance of 1,000. The generators that are selected at the end are then scored alike, on 10,000
samples against data that nobody has seen. Searches are kept under `--home`: the same command goes on with what is left.
"""

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from orchestrator.config.name import folder_name
from orchestrator.home import Home
from orchestrator.recording.journal import State
from tests.benchmarks.search_replay import interval

HERE = Path(__file__).parent
FILE = HERE.parents[1] / "experiments" / "pbt_dcgan.yaml"
RESULTS = HERE / "results"
WAYS = {
    "is of 64": {"evaluation.samples": 64, "search.metric": "is"},
    "fd of 1,000": {"evaluation.samples": 1000, "search.metric": "fd"},
}
SHORT = {
    "budget.steps": 10,
    "budget.tick": 5,
    "search.population.every": 5,
    "search.contenders": 2,
    "evaluation.final_samples": 200,
    "hyperparameters.width": 4,
}
Row = Mapping[str, str | int | float]


def run(way: str, seed: int, home: Home, changes: Mapping[str, object]) -> Row:
    """Search once, and return the final scores of the member that its own objective selects."""
    name = f"pbt-dcgan, {way}, seed {seed}"
    settings = {"name": json.dumps(name), "seeds": [seed], "search.seed": seed} | WAYS[way] | dict(changes)
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    program = "from orchestrator.cli import main; main()"
    command = [sys.executable, "-c", program, "search", str(FILE), "-q", "--resume", "--home", str(home.path), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (folder,) = (home.path / "tune" / folder_name(name)).glob("attempt-001")
    state = State.read(folder / "journal.jsonl")
    assert state.attempt
    sign = -1 if state.attempt["directions"][state.attempt["objective"]] else 1
    ticks = {slot: standing.tick for slot, standing in state.contenders.items() if standing.tick}
    selected = min(ticks, key=lambda slot: sign * ticks[slot]["objective"])
    final = ticks[selected]["replicas"][0]["final"]["scores"]
    return {"selected by": way, "seed": seed} | {key: score["value"] for key, score in final.items()}


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table, and the paired difference of each score."""
    keys = [key for key in rows[0] if key not in ("selected by", "seed")]
    text = [f"| selected by | {' | '.join(keys)} |", "|---|" + "--:|" * len(keys)]
    found = {way: [row for row in rows if row["selected by"] == way] for way in WAYS}
    for way, mine in found.items():
        text.append(f"| {way} | " + " | ".join(f"{mean(float(row[key]) for row in mine):.3f}" for key in keys) + " |")
    theirs, ours = found.values()
    cells = []
    for key in keys:
        apart = [float(b[key]) - float(a[key]) for a, b in zip(theirs, ours, strict=True)]
        low, high = interval(apart)
        cells.append(f"{mean(apart):+.3f} ({low:+.3f} to {high:+.3f})")
    return [*text, f"| difference | {' | '.join(cells)} |"]


def main() -> None:
    """Search both ways with several seeds, and tell what was selected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="where the searches are kept")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--short", action="store_true", help="see that it works; nothing is kept of it")
    asked = parser.parse_args()
    home, changes = Home.at(asked.home), SHORT if asked.short else {}
    rows = [run(way, seed, home, changes) for seed in range(asked.seeds) for way in WAYS]
    table = "\n".join(lines(rows))
    print(table)
    if not asked.short:
        with (RESULTS / "search_pbt.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        head = "# Population-based training of a DCGAN, selected in two ways\n\n`python -m tests.benchmarks.search_pbt`"
        told = f"{head}: {asked.seeds} seeds, means; below, ours minus theirs, paired, 95 % by Student's t.\n"
        (RESULTS / "search_pbt.md").write_text(f"{told}\n{table}\n")


if __name__ == "__main__":
    main()
