"""Runs side by side as one picture: their curves together, and samples of each from the same latents."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import RequestError
from orchestrator.figures import COLOURS
from orchestrator.home import Home

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

SAMPLES, POINTS = 36, 500
SEED = 0
"""Of the latents, which are the same for all runs of equal latent size."""


def picture(home: Home, runs: Sequence[Mapping[str, Any]], *, metric: str) -> Path | None:
    """Draw the runs of a comparison under the home's reports; nothing where there is neither curve nor sample."""
    sheets = _sheets(home, [run["run_id"] for run in runs])
    if not sheets and not any(run["curves"].get(metric) for run in runs):
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(6.4, 3.2 * len(runs)), 6.8), layout="constrained")
    FigureCanvasAgg(figure)
    halves = figure.subfigures(2, 1, squeeze=False)[:, 0]
    _draw_curves(halves[0].subplots(), runs, metric)
    for axes, colour, run in zip(halves[1].subplots(1, len(runs), squeeze=False)[0], COLOURS * 9, runs, strict=False):
        axes.set_title(_plain(run["label"]), fontsize=10, color=colour)
        axes.axis("off")
        if sheet := sheets.get(run["run_id"]):
            axes.imshow(sheet, cmap="gray", vmin=0, vmax=255)
        else:
            axes.text(0.5, 0.5, "no generator", ha="center", va="center")
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"compare-{'-'.join(run['run_id'][:8] for run in runs)}.png"
    figure.savefig(path, dpi=150)
    return path


def _draw_curves(axes: Any, runs: Sequence[Mapping[str, Any]], metric: str) -> None:
    for colour, run in zip(COLOURS * 9, runs, strict=False):
        curve = run["curves"].get(metric, [])
        line = [point["images"] for point in curve], [point["value"] for point in curve]
        axes.plot(*line, color=colour, linewidth=2, marker=".", label=_plain(run["label"]))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("real images shown")
    axes.set_ylabel(f"{_plain(metric)} on select, mean over seeds")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    axes.legend(frameon=False)


def _sheets(home: Home, run_ids: Sequence[str]) -> "dict[str, Image]":
    """Return samples of every recorded generator; points stand in one frame, with those of all in grey behind."""
    import torch

    from orchestrator import pictures

    drawn = {run_id: samples for run_id in run_ids if (samples := _samples(home, run_id)) is not None}
    points = [samples for samples in drawn.values() if samples.dim() == 2]
    everyone = torch.cat(points) if len({samples.shape for samples in points}) == 1 else None
    return {
        run_id: pictures.grid(samples) if samples.dim() == 4 else pictures.scatter(samples, reals=everyone)
        for run_id, samples in drawn.items()
    }


def _samples(home: Home, run_id: str) -> "Tensor | None":
    """Return samples of a recorded generator, if there is one."""
    from gans import load_generator
    from orchestrator.recording.artifacts import generator

    try:
        loaded = load_generator(generator(home, run_id))
    except RequestError:
        return None
    return loaded.sample(SAMPLES if len(loaded.shape) == 3 else POINTS, SEED)


def _plain(text: str) -> str:
    """Return a text that matplotlib does not read as mathematics."""
    return text.replace("$", r"\$")
