"""What every command takes, and how every command answers."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestrator.home import Home

Command = TypeVar("Command", bound=Callable[..., Any])

DEVICES = ("auto", "cpu", "cuda", "mps")
SEED = click.IntRange(0, 2**63 - 1)


class HomeFolder(click.ParamType[Home]):
    """A home, which need not exist yet."""

    name = "DIR"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Home:
        """Return the home at a path."""
        return value if isinstance(value, Home) else Home.at(value)


class NewFile(click.ParamType[Path]):
    """Where a file is to be written: in a folder that is there and may be written to; what is no file stays."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path, of which nothing has been written yet."""
        path = Path(value)
        if path.exists() and not path.is_file():
            self.fail(f"expected a file, but {path} is something else; choose another name", param, ctx)
        folder = path.absolute().parent
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            self.fail(f"there is no folder {path.parent} that may be written to; choose another", param, ctx)
        return path


class Names(click.ParamType[list[str]]):
    """Names with commas between them."""

    name = "F,F,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Return the names, none of them empty."""
        names = [each.strip() for each in value.split(",")] if isinstance(value, str) else list(value)
        if not all(names):
            self.fail(f"expected names with commas between them, such as fd,coverage, found {value!r}", param, ctx)
        return names


def common(command: Command) -> Command:
    """Add `--home`, `--json` and `-q`."""
    command = click.option("-q", "--quiet", is_flag=True, help="Say nothing but the result.")(command)
    command = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")(command)
    described = "Where records are kept; GANARENA_HOME, or ./arena."
    return click.option("--home", type=HomeFolder(), default="", metavar="DIR", help=described)(command)


def computing(command: Command) -> Command:
    """Add `--device`."""
    return click.option(
        "--device", type=click.Choice(DEVICES), default="auto", help="Where to compute.", show_default=True
    )(command)


def trusting(command: Command) -> Command:
    """Add `--trust-code`."""
    described = "Import what package.module:function names; the code runs as yours."
    return click.option("--trust-code", is_flag=True, help=described)(command)


def print_json(document: Mapping[str, Any] | list[Any]) -> None:
    """Print the one document of `--json`."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
