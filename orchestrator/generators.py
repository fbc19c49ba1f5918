"""Recorded generators, ready to be sampled."""

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.home import Home

if TYPE_CHECKING:
    from gans.sampling import Generator


def load_generator(run: str, home: str | Path | None = None) -> "Generator":
    """Return the generator of a run, or of `models:/NAME@champion`; it is read from safetensors and runs no code.

    A run is named as on the command line: its id, the beginning of it, or EXPERIMENT/INDEX.
    """
    import gans
    from orchestrator.recording.artifacts import generator
    from orchestrator.review.naming import run_id

    place = Home.at(home)
    return gans.load_generator(generator(place, run_id(place, run)))
