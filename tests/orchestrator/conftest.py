"""The command line in this process, what it prints and with which status it ends; and homes with an empty store."""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import main
from orchestrator.home import Home


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document of `--json`."""
        assert self.status == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def ganarena(monkeypatch, capsys, tmp_path):
    """Run `ganarena ARGUMENTS` with a home that does not exist yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANARENA_HOME", str(tmp_path / "home"))

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["ganarena", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            status = 0
        except SystemExit as leaving:
            status = leaving.code
        return Answer(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """An MLflow database without runs: making one takes seconds, copying one nothing."""
    from orchestrator.recording.client import client

    home = Home(tmp_path_factory.mktemp("empty"))
    client(home).search_experiments()
    return home.path / "mlflow.db"


@pytest.fixture
def home(tmp_path: Path, empty_store: Path) -> Home:
    home = Home(tmp_path / "home")
    home.path.mkdir()
    shutil.copy(empty_store, home.path / "mlflow.db")
    return home
