"""A study: variants x seeds x data, told as tidy rows; the table and the figures are drawn from those rows alone."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from orchestrator.config.data import label
from orchestrator.config.models import StudyExperiment
from orchestrator.home import Home
from orchestrator.leaderboard import half_width
from orchestrator.recording.journal import State
from orchestrator.unfinished import whole

if TYPE_CHECKING:
    from pandas import DataFrame

    from orchestrator.search.outcome import Outcome

COLUMNS = (
    "experiment",
    "variant",
    "data",
    "protocol",
    "seed",
    "split",
    "step",
    "images",
    "metric",
    "value",
    "low",
    "high",
    "floor",
)
"""One row for each replica, tick and metric; `split` is `select` at ticks and `final` at the end."""

Row = Mapping[str, Any]


def study(
    experiment: StudyExperiment | str | Path, home: str | Path | None = None, *,
    trust_code: bool = False, quiet: bool = False, **how: Any,
) -> "DataFrame":  # fmt: skip
    """Run a study from Python, given its file or its model; return its tidy rows.

    How it goes is shown on stderr unless it is `quiet`; `resume`, `again`, `address` and `device` are the command's.
    """
    from pandas import DataFrame

    from orchestrator.config import asked
    from orchestrator.search.attempts import ARGUMENTS
    from orchestrator.search.conducting import conduct_in_view

    meant = asked(StudyExperiment, experiment, trust_code=trust_code)
    outcome = conduct_in_view(meant, Home.at(home), quiet=quiet, ways=ARGUMENTS, **how)
    return DataFrame(list(rows(outcome.state)), columns=list(COLUMNS))


def results(outcome: "Outcome", home: Home) -> dict[str, Any]:
    """Write rows and figures under the home's reports; return the document of `ganarena study --json`."""
    experiment = outcome.plan.experiment
    told = list(rows(outcome.state))
    folder = home.reports / experiment.folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rows.csv"
    write(told, path)
    figures = draw(read(path), folder)
    return {
        "experiment": experiment.name,
        "table": table(read(path), outcome.plan.directions),
        "rows": str(path),
        "figures": [str(figure) for figure in figures],
        **{key: value for key, value in outcome.summary().items() if key != "experiment"},
    }


def rows(state: State) -> Iterable[Row]:
    """Yield the tidy rows of an attempt: cell after cell, and not as they happened to come."""
    assert state.attempt  # noqa: S101  (the first event of every journal)
    experiment = state.attempt["experiment"]
    places = {name: place for place, name in enumerate(state.attempt["contenders"])}
    for tick in sorted(state.ticks, key=lambda tick: (places[tick["contender"]], tick["step"])):
        configuration = state.attempt["contenders"][tick["contender"]]
        for replica in tick["replicas"]:
            if replica["step"] != tick["step"]:
                continue
            judged = {"select": replica} | ({"final": replica["final"]} if replica["final"] else {})
            for split, scored in judged.items():
                for metric, score in scored["scores"].items():
                    yield {
                        "experiment": experiment["name"],
                        "variant": configuration["variant"],
                        "data": label(configuration["data"]),
                        "protocol": experiment["study"]["protocol"],
                        "seed": replica["seed"],
                        "split": split,
                        "step": tick["step"],
                        "images": tick["images"],
                        "metric": metric,
                        "value": score["value"],
                        "low": score["low"],
                        "high": score["high"],
                        "floor": scored["floors"].get(metric),
                    }


def write(told: Iterable[Row], path: Path) -> None:
    """Write rows as CSV, all or nothing; what is missing is an empty field."""
    with whole(path) as unfinished, unfinished.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(told)


def read(path: Path) -> list[Row]:
    """Read rows back, with numbers as numbers."""
    numbers = {"seed": int, "step": int, "images": int, "value": float, "low": float, "high": float, "floor": float}
    with path.open(newline="") as file:
        return [
            {key: (numbers[key](text) if key in numbers else text) if text else None for key, text in row.items()}
            for row in csv.DictReader(file)
        ]


def table(told: Sequence[Row], directions: Mapping[str, bool]) -> list[dict[str, Any]]:
    """Return a row for each variant and dataset: the mean over seeds of its final scores, by Student's t.

    `replicas` counts the seeds that were scored finally, `failed` those that were not.
    """
    cells: dict[tuple[str, str, str], list[Row]] = {}
    for row in told:
        cells.setdefault((row["data"], row["variant"], row["protocol"]), []).append(row)
    summaries = []
    for (data, variant, protocol), members in cells.items():
        final: dict[str, list[Row]] = {}
        for row in members:
            if row["split"] == "final":
                final.setdefault(row["metric"], []).append(row)
        scored = {row["seed"] for rows in final.values() for row in rows}
        summaries.append(
            {
                "variant": variant,
                "data": data,
                "protocol": protocol,
                "replicas": len(scored),
                "failed": len({row["seed"] for row in members} - scored),
                "scores": {
                    metric: _score([row["value"] for row in rows], higher_is_better=directions.get(metric))
                    for metric, rows in final.items()
                },
                "floors": {
                    metric: fmean(row["floor"] for row in rows)  # some depend on how many samples were valid
                    for metric, rows in final.items()
                    if all(row["floor"] is not None for row in rows)
                },
            }
        )
    return summaries


def draw(told: Sequence[Row], folder: Path) -> list[Path]:
    """Draw one figure a dataset: the first metric against images, a thin line a seed, a thick one the mean."""
    from orchestrator.figures import curves

    figures = []
    for data in dict.fromkeys(row["data"] for row in told):
        members = [row for row in told if row["data"] == data and row["split"] == "select"]
        if members:
            figures.append(curves(members, metric=members[0]["metric"], title=data, path=folder / f"{data}.png"))
    return figures


def _score(values: Sequence[float], *, higher_is_better: bool | None) -> dict[str, Any]:
    mean, half = sum(values) / len(values), half_width(values)
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return {"value": mean, "low": low, "high": high, "higher_is_better": higher_is_better}
