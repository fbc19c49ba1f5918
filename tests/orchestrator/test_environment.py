"""What is recorded of where something was computed."""

import subprocess

import pytest

from orchestrator import environment as module
from orchestrator.environment import SOURCE, environment

COMMIT = ["git", "-C", str(SOURCE), "rev-parse", "HEAD"]


@pytest.mark.skipif(not (SOURCE / ".git").exists(), reason="there is no history beside the packages")
def test_the_commit_of_the_source_tree_is_recorded():
    told = subprocess.run(COMMIT, capture_output=True, text=True, check=True).stdout.strip()
    assert environment("cpu", 2)["commit"] == told


def test_a_wheel_has_versions_and_no_commit(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "SOURCE", tmp_path)
    found = environment("cpu", 2)
    assert "commit" not in found
    assert found.keys() >= {"python", "torch", "ray", "mlflow"}
    assert (found["device"], found["threads"]) == ("cpu", "2")


def test_a_source_tree_on_a_machine_without_git_is_of_an_unknown_commit(monkeypatch, tmp_path):
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(module, "SOURCE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment("cpu", 2)["commit"] == "unknown"
