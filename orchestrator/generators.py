"""Recorded generators, ready to be sampled."""

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import RequestError
from orchestrator.home import Home

if TYPE_CHECKING:
    from gans.sampling import Generator


def load_generator(run: str, home: str | Path | None = None) -> "Generator":
    """Return the generator of a run, or of `models:/NAME@champion`; it is read from safetensors and runs no code."""
    place = Home.at(home)
    if not place.exists:
        raise RequestError(f"nothing is recorded in {place.path}; run `ganarena demo` first, or give another home")
    import gans
    from orchestrator.recording.artifacts import generator

    return gans.load_generator(generator(place, run))
