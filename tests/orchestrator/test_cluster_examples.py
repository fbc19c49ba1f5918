"""The examples of docs/cluster.md: they parse, and the commands in them are ours and Ray's as installed."""

import shlex
import subprocess
from pathlib import Path

import click
import pytest
from ruamel.yaml import YAML

from orchestrator.cli import commands

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "experiments" / "cluster"
SOURCES = [ROOT / "docs" / "cluster.md", *sorted(EXAMPLES.iterdir())]


def spoken(path: Path, program: str) -> list[list[str]]:
    """Return the words behind every mention of a program that stands at the beginning of a command."""
    found = []
    for line in path.read_text().splitlines():
        command = line.strip().lstrip("#-").strip().removeprefix("entrypoint: ").split("`")[0]
        command = command.removeprefix("/shared/ganarena/.venv/bin/").removesuffix(" &")
        if command.startswith(f"{program} ") and "->" not in command:
            found.append(shlex.split(command.split(" > ")[0])[1:])
    return found


OURS = [(path, words) for path in SOURCES for words in spoken(path, "ganarena")]
RAYS = [(path, words) for path in SOURCES for words in spoken(path, "ray")]


def accepts(group: click.Group, words: list[str]) -> None:
    """Let click read a command as it would be typed, and run nothing."""
    command = group.commands[words[0]]
    command.make_context(words[0], list(words[1:]))


@pytest.mark.parametrize(("path", "words"), OURS, ids=lambda value: getattr(value, "name", None))
def test_commands_of_the_examples_are_ours(path, words, monkeypatch):
    monkeypatch.chdir(ROOT)
    accepts(commands, words)
    file = words[1]
    assert "$" in file or Path(file).exists()


@pytest.mark.parametrize(("path", "words"), RAYS, ids=lambda value: getattr(value, "name", None))
def test_commands_of_the_examples_are_those_of_the_installed_ray(path, words):
    from ray.scripts.scripts import cli

    accepts(cli, words)


def test_every_example_speaks():
    assert {path.name for path, _ in OURS} == {path.name for path in SOURCES}


@pytest.mark.parametrize("name", ["ray-cluster.yaml", "rayjob.yaml"])
def test_examples_are_yaml_with_what_their_readers_ask_for(name):
    document = YAML(typ="safe", pure=True).load(EXAMPLES / name)
    if name == "rayjob.yaml":
        assert (document["apiVersion"], document["kind"]) == ("ray.io/v1", "RayJob")
        groups = [document["spec"]["rayClusterSpec"]["headGroupSpec"]]
        groups += document["spec"]["rayClusterSpec"]["workerGroupSpecs"]
        for group in groups:
            pod = group["template"]["spec"]
            mounts = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
            assert mounts == {volume["name"] for volume in pod["volumes"]}
    else:
        from ray.autoscaler._private.util import fillout_defaults, validate_config

        validate_config(fillout_defaults(document))


def test_the_script_for_slurm_is_one_that_bash_reads():
    subprocess.run(["bash", "-n", EXAMPLES / "slurm.sh"], check=True)
