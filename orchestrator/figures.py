"""Figures for people who look rather than read, drawn from tidy rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's: told apart by people who do not see all colours."""


def curves(rows: Sequence[Mapping[str, Any]], *, metric: str, title: str, path: Path) -> Path:
    """Draw `metric` against images: a thin line for each seed, a thick one for the mean of each variant."""
    figure, axes = fresh(title)
    rows = [row for row in rows if row["metric"] == metric]
    for colour, variant in zip(COLOURS * 9, dict.fromkeys(row["variant"] for row in rows), strict=False):
        members = [row for row in rows if row["variant"] == variant]
        for seed in sorted({row["seed"] for row in members}):
            line = sorted((row["images"], row["value"]) for row in members if row["seed"] == seed)
            axes.plot(*zip(*line, strict=True), color=colour, alpha=0.25, linewidth=1)
        times = sorted({row["images"] for row in members})
        means = [fmean(row["value"] for row in members if row["images"] == at) for at in times]
        axes.plot(times, means, color=colour, linewidth=2.2, label=variant)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("real images shown")
    axes.set_ylabel(metric.replace("_", " "))
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    return path


def fresh(title: str) -> tuple[Any, Any]:
    """Return a figure with empty axes in the style of the house."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(literal(title), loc="left", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    return figure, axes


def literal(text: str) -> str:
    """Return text of users so that it is drawn as it stands: a dollar sign begins no formula."""
    return text[:60].replace("$", r"\$")
