"""Commands that keep house: clean, export."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from orchestrator.cli.options import NewFile, common, print_json
from orchestrator.errors import RequestError
from orchestrator.home import Home

UNITS = ("bytes", "kB", "MB", "GB", "TB")


@click.command()
@click.argument("name", required=False)
@click.option("--checkpoints", is_flag=True, help="Free the checkpoints of NAME that nobody goes on from.")
@click.option("--cache", is_flag=True, help="Free the references, datasets and weights that the whole home shares.")
@click.option("--pin", "pins", multiple=True, metavar="RUN", help="Keep a contender's checkpoints, now and later.")
@click.option("--unpin", "unpins", multiple=True, metavar="RUN", help="Keep them no longer.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be freed, and stop.")
@click.option("-y", "--yes", is_flag=True, help="Free it without asking.")
@common
def clean(
    home: Home,
    as_json: bool,
    quiet: bool,
    name: str | None,
    checkpoints: bool,
    cache: bool,
    pins: Sequence[str],
    unpins: Sequence[str],
    dry_run: bool,
    yes: bool,
) -> None:
    """Free space, and say first how much. E.g. `ganarena clean NAME --checkpoints`.

    Kept are the last checkpoints of what can be resumed, those of the best contender of every group of the leaderboard,
    and pinned ones; records, pictures and generators always stay. What is cached is made or fetched again when it is
    needed. A RUN is the id of a contender, the beginning of one, or EXPERIMENT/INDEX.
    """
    from orchestrator import cleaning

    if checkpoints and name is None:
        raise RequestError("--checkpoints needs the NAME of an experiment; `ganarena runs` lists them")
    if cache and name is not None:
        raise RequestError(f"--cache frees what every experiment of the home shares; give it alone, without {name}")
    if not (checkpoints or cache or pins or unpins):
        raise RequestError(
            "say what to free: --checkpoints of a NAME, or --cache; with --dry-run only how much is said"
        )
    with cleaning.held(home, name, cache=cache):
        pinning = cleaning.pinning(home, pins, unpins)
        parts = [cleaning.checkpoints(home, name, pinning)] if checkpoints and name is not None else []
        parts += [cleaning.cache(home)] if cache else []
        if not as_json:
            for part in parts:
                _tell(part.kind, part.bytes, part.files, () if quiet else part.kept)
        due = any(part.files for part in parts)
        agreed = not dry_run and (not due or _agreed(yes))
        freed = due and agreed
        listed = [part.as_json(freed=freed) for part in parts]
        listed += [{"kind": "pin", **asdict(each), "done": agreed} for each in pinning]
        if agreed:
            cleaning.pin(home, pinning)
        if freed:
            for part in parts:
                part.free()
    if as_json:
        print_json(listed)
        return
    for each in pinning:
        click.echo(each.told(done=agreed))
    if freed:
        click.echo("freed")


@click.command()
@click.argument("run")
@click.option("-o", "--output", required=True, type=NewFile(), help="A .pt2 or .onnx file.")
@common
def export(home: Home, as_json: bool, quiet: bool, run: str, output: Path) -> None:
    """Write a recorded generator as a program of its own. By torch.export, or as ONNX.

    It takes latents, and labels or codes where it is told any; what was written is read back and compared first.
    """
    from orchestrator.exporting import export as write

    document = write(home, run, output)
    if as_json:
        print_json([document])
        return
    told = ", ".join(f"{name} [{', '.join(map(str, shape))}]" for name, shape in document["inputs"].items())
    shape = ", ".join(map(str, document["output"]))
    click.echo(f"{output}: {told} -> samples [{shape}]; differs from the original by {document['difference']:.1g}")


def _agreed(yes: bool) -> bool:
    """Ask, where there is somebody to ask; elsewhere it has to be said beforehand."""
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RequestError("nothing is freed unasked: say --yes, or --dry-run to see how much it would be")
    return click.confirm("free this?", err=True)


def _tell(kind: str, size: int, files: Sequence[object], kept: Sequence[str]) -> None:
    click.echo(f"{kind}: {_sized(size)} in {len(files):,} files to free")
    for stays in kept:
        click.echo(f"  kept: {stays}")


def _sized(size: float) -> str:
    """Return a number of bytes as a person says it."""
    for unit in UNITS[:-1]:
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} {UNITS[-1]}"


COMMANDS = (clean, export)
