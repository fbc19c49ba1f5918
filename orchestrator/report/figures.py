"""The charts of the page as pictures for a paper: the same data, as SVG and as PNG."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from orchestrator.figures import COLOURS, fresh, literal
from orchestrator.report.series import Json

GREY = "#b9bbc0"
SUFFIXES = ("svg", "png")
STYLE = {"svg.hashsalt": "ganarena", "svg.fonttype": "none"}
"""The same data give the same file, and its text can be edited."""


def draw(charts: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw each score against the images shown, and the objective against each searched hyperparameter."""
    from matplotlib import rc_context

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for facet, title in enumerate(charts["facets"]):
        members = [each for each in charts["contenders"] if each["facet"] == facet and each["steps"]]
        for metric in charts["metrics"] if members else ():
            figure, axes = fresh(title)
            _curves(axes, members, metric, charts["floors"][metric][facet])
            drawn.append((figure, f"curves-{title}-{metric}"))
    for param in charts.get("params", ()):
        members = [each for each in charts["contenders"] if param in each["params"] and each["score"] is not None]
        if len(members) > 1:
            figure, axes = fresh("")
            _tried(axes, members, param)
            drawn.append((figure, f"tried-{param}"))
    with rc_context(STYLE):
        return [path for figure, name in drawn for path in _saved(figure, folder / _file_name(name))]


def _curves(axes: Any, members: Sequence[Json], metric: str, floor: float | None) -> None:
    for each in reversed(members):
        seeds = [_held(series) for series in each["scores"].get(metric, ())]
        points = list(_points(each["images"] if any(each["images"]) else each["steps"], seeds))
        colour = GREY if each["colour"] is None else COLOURS[each["colour"]]
        named = {} if each["colour"] is None else {"label": literal(each["label"])}
        xs = [x for x, _ in points]
        axes.plot(xs, [fmean(values) for _, values in points], color=colour, linewidth=2 if named else 0.8, **named)
        if named and len(seeds) > 1:
            lows, highs = ([end(values) for _, values in points] for end in (min, max))
            axes.fill_between(xs, lows, highs, color=colour, alpha=0.15, linewidth=0)
    if floor is not None:
        axes.axhline(floor, color="black", linewidth=0.8, linestyle=":")
    axes.set_xlabel("real images shown" if any(any(each["images"]) for each in members) else "steps")
    axes.set_ylabel(literal(metric))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False, reverse=True)


def _held(series: Sequence[float | None]) -> list[float | None]:
    """Return a series in which an ended replica keeps its last value."""
    held: list[float | None] = []
    for value in series:
        held.append(value if value is not None or not held else held[-1])
    return held


def _points(xs: Sequence[float], seeds: Sequence[Sequence[float | None]]) -> Iterator[tuple[float, list[float]]]:
    for tick, x in enumerate(xs):
        values = [value for series in seeds if (value := series[tick]) is not None]
        if values:
            yield x, values


def _tried(axes: Any, members: Sequence[Json], param: str) -> None:
    values = [each["params"][param] for each in members]
    try:
        xs: list[Any] = [float(value) for value in values]
        if min(xs) > 0 and max(xs) >= 4 * min(xs):
            axes.set_xscale("log")
    except ValueError:
        xs = [literal(value) for value in values]
    for each, x in zip(members, xs, strict=True):
        colour = GREY if each["colour"] is None else COLOURS[each["colour"]]
        axes.scatter([x], [each["score"]], s=30, color=colour if each["final"] else "none", edgecolors=colour)
    axes.set_xlabel(literal(param))
    axes.set_ylabel(members[0]["objective"])


def _saved(figure: Any, path: Path) -> list[Path]:
    targets = [path.with_name(f"{path.name}.{suffix}") for suffix in SUFFIXES]
    for target in targets:
        figure.savefig(target, dpi=200, metadata={"Date": None} if target.suffix == ".svg" else None)
    return targets


def _file_name(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in text)[:120]
