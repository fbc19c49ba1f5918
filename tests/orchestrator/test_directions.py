"""Imports point one way: orchestrator to gans and metrics; ray and mlflow only where the design lets them in."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FORBIDDEN = {
    "gans": {"metrics", "orchestrator", "ray", "mlflow", "pandas"},
    "metrics": {"gans", "orchestrator", "ray", "mlflow", "pandas"},
}
PARTS_THAT_MAY_IMPORT = {
    "ray": {"trial", "search", "doctor"},
    "mlflow": {"recording"},
}
HEAVY = {"torch", "ray", "mlflow", "pandas"}


def sources(package: str) -> list[Path]:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files, f"there are no sources of {package}"
    return files


def imports(path: Path) -> Iterator[str]:
    """The packages that a file imports anywhere, also inside of functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def told(path: Path, name: str) -> str:
    return f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("package", FORBIDDEN)
def test_package_imports_only_what_lies_below_it(package):
    assert not {told(path, name) for path in sources(package) for name in imports(path) if name in FORBIDDEN[package]}


@pytest.mark.parametrize("library", PARTS_THAT_MAY_IMPORT)
def test_orchestrator_imports_a_library_only_where_it_belongs(library):
    parts = PARTS_THAT_MAY_IMPORT[library]
    importers = {path for path in sources("orchestrator") if library in imports(path)}
    assert importers, f"nobody imports {library}: this test looks at the wrong place"
    strays = {
        path for path in importers if path.relative_to(ROOT / "orchestrator").parts[0].removesuffix(".py") not in parts
    }
    assert not {told(path, library) for path in strays}


def test_experiments_hold_no_machinery():
    assert not [path for path in (ROOT / "experiments").rglob("*.py") if path.read_text().strip()]


HELP = """
import sys
from orchestrator.cli import main
sys.argv = ["ganarena", "--help"]
try:
    main()
except SystemExit as leaving:
    assert leaving.code == 0
"""
LOOK = """
import sys
print(*{module.partition(".")[0] for module in sys.modules}, file=sys.stderr)
"""


def loaded_after(code: str) -> set[str]:
    """What of ours and of the heavy libraries a fresh interpreter holds after running `code`."""
    asked = [sys.executable, "-c", code + LOOK]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return {*done.stderr.splitlines()[-1].split()} & {"gans", "metrics", "orchestrator", *HEAVY}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_lower_package_loads_torch_and_nothing_above_it(package):
    assert loaded_after(f"import {package}") == {package, "torch"}


def test_rules_arithmetic_and_configuration_load_neither_ray_nor_mlflow():
    parts = (
        "config.checks",
        "space",
        "stopping",
        "leaderboard",
        "recording.journal",
        "evaluating.judgement",
        "sampling",
    )
    code = "\n".join(f"import orchestrator.{part}" for part in parts)
    assert loaded_after(code) == {"gans", "metrics", "orchestrator", "torch"}


def test_help_loads_no_heavy_library():
    assert loaded_after(HELP) == {"orchestrator"}


SILENCE = """
import os, sys
import orchestrator.recording
print(os.environ["MLFLOW_DISABLE_TELEMETRY"], "mlflow" in sys.modules)
"""


def test_mlflow_is_asked_for_silence_before_any_module_can_load_it():
    plain = {key: told for key, told in os.environ.items() if not key.startswith("MLFLOW_")}
    asked = [sys.executable, "-c", SILENCE]
    assert subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, env=plain).stdout == "true False\n"
