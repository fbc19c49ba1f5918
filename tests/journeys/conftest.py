"""One recorded search, shared by the journeys that only look at it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from arena import RING, ganarena


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A finished search on the ring of Gaussians: its file, its home, and what the command printed."""
    folder = tmp_path_factory.mktemp("ring")
    file, home = folder / "ring.yaml", folder / "home"
    file.write_text(RING)
    return SimpleNamespace(file=file, home=home, done=ganarena("search", file, "--json", home=home))


@pytest.fixture
def ring_file(tmp_path: Path) -> Path:
    """The same file, for a home of one's own."""
    file = tmp_path / "ring.yaml"
    file.write_text(RING)
    return file
