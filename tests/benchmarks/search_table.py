"""Learning curves of 128 contenders, each trained once to its end: `python -m tests.benchmarks.search_table`.

What samplers and schedulers would have done is replayed from this table (`search_replay`), so that comparing them takes
seconds and not days. Contenders of one game train in packs, which changes them by rounding only. The command goes on
where it was interrupted; `--seconds` ends it after the pack at work.
"""

import argparse
import csv
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, islice
from pathlib import Path

import torch

import gans
from orchestrator.config import SearchExperiment, load
from orchestrator.judging import Judge, Split
from orchestrator.space import Contender, contenders

HERE = Path(__file__).parent
SPACE = HERE / "search_table.yaml"
TABLE = HERE / "results" / "search_table.csv"
COLUMNS = ("contender", "spent", "objective", "final")
PACK = 16
STREAMS: dict[Split, str] = {"select": "tick", "final": "final"}
"""Where the samples of each split are drawn from, as in a search."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """How one contender learned: its objective at every tick, and its final score."""

    contender: Contender
    spent: tuple[int, ...]
    objective: tuple[float | None, ...]
    final: float | None


@cache
def experiment() -> SearchExperiment:
    """The space, the budget and the judge of the table."""
    read = load(SPACE)
    assert isinstance(read, SearchExperiment)
    return read


def curves() -> list[Curve]:
    """The recorded table."""
    rows: dict[str, list[dict[str, str]]] = {}
    everyone = contenders(experiment())
    for row in csv.DictReader(TABLE.read_text().splitlines()) if TABLE.exists() else ():
        rows.setdefault(row["contender"], []).append(row)
    if missing := [contender.name for contender in everyone if contender.name not in rows]:
        told = f"{len(missing)} of {len(everyone)} contenders are not in {TABLE}"
        raise SystemExit(f"{told}: python -m tests.benchmarks.search_table trains them")
    return [_curve(contender, rows[contender.name]) for contender in everyone]


def _curve(contender: Contender, rows: list[dict[str, str]]) -> Curve:
    return Curve(
        contender=contender,
        spent=tuple(int(row["spent"]) for row in rows),
        objective=tuple(_number(row["objective"]) for row in rows),
        final=_number(rows[-1]["final"]),
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def trained(pack: Sequence[Contender]) -> Iterator[dict[str, str]]:
    """Train contenders of one game to their end; a row for each of them at every tick."""
    asked = experiment()
    dataset = gans.data.load(asked.data.spec)
    judge = Judge(dataset, asked.evaluation, cache=None)
    budget = gans.Budget(**asked.budget.model_dump(exclude_none=True))
    variants = [gans.variant(contender.variant, contender.hyperparameters) for contender in pack]
    (seed,) = asked.seeds
    for progress in gans.train(variants, dataset, budget, seeds=[seed] * len(pack)):
        for contender, replica in zip(pack, progress.replicas, strict=True):
            yield {
                "contender": contender.name,
                "spent": str(progress.step),
                "objective": score(judge, replica, "select"),
                "final": score(judge, replica, "final") if progress.done else "",
            }


def score(judge: Judge, replica: gans.Replica, split: Split) -> str:
    """Return the score of a replica on a split, or nothing where it has diverged."""
    samples = replica.sample(judge.count(split), stream=STREAMS[split])
    if not torch.isfinite(samples).all():
        return ""
    (found,) = judge.score(samples, split).scores.values()
    return f"{found.value:.6g}"


def main() -> None:
    """Train what the table does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so long; the next call goes on")
    deadline = time.monotonic() + parser.parse_args().seconds
    known = set()
    if TABLE.exists():
        known = {row["contender"] for row in csv.DictReader(TABLE.read_text().splitlines())}
    everyone = contenders(experiment())
    left = sorted((each for each in everyone if each.name not in known), key=lambda each: each.variant)
    with TABLE.open("a", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if not known:
            table.writeheader()
        for _, game in groupby(left, key=lambda each: each.variant):
            while pack := list(islice(game, PACK)):
                if time.monotonic() < deadline:
                    table.writerows(list(trained(pack)))  # all of a pack's rows or none
                    file.flush()
                    known |= {contender.name for contender in pack}
    print(f"{len(known)} of {len(everyone)} contenders in {TABLE}")


if __name__ == "__main__":
    main()
