"""Commands that look at what is recorded: runs, ui."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.options import NewFile, common, print_json
from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.records import ContenderRecord

FILE = click.Path(path_type=Path)

LEFT = "nobody is at it any more"
"""Why a contender that is recorded as running does not."""

SHOWN_PAGES = 8
"""How many experiments `ui` names."""


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME ...]")
@click.option("--watch", "watched", is_flag=True, help="Show what is running, from any terminal, until Ctrl-C.")
@common
def runs(home: Home, as_json: bool, quiet: bool, names: Sequence[str], watched: bool) -> None:
    """List the recorded contenders, with status and reason. Those of every attempt."""
    if watched:
        _follow(home, names, as_json)
        return
    from orchestrator.cli.tables import runs_table, show
    from orchestrator.review.store import records

    found = records(home, names, everything=True)
    left = {name for name in {record.experiment for record in found} if home.left(name)}
    listed = [_listed(record, left=record.experiment in left) for record in found]
    if as_json:
        print_json(listed)
    else:
        show(runs_table(listed, begun=bool(home.experiments)))


@click.command()
@click.argument("name", metavar="NAME")
@click.option("-o", "--output", type=NewFile(), metavar="FILE", help="The page; an older one is replaced.")
@click.option("--figures", type=FILE, metavar="DIR", help="Where to draw its charts for a paper, as SVG and PNG.")
@common
def report(home: Home, as_json: bool, quiet: bool, name: str, output: Path | None, figures: Path | None) -> None:
    """Write one self-contained HTML page about an experiment. E.g. `ganarena report demo -o demo.html`."""
    from orchestrator.report import report as write

    drawn = [str(path) for path in write(home, name, output=output, figures=figures)]
    if as_json:
        print_json({"file": None if output is None else str(output), "figures": drawn})
    elif not quiet:
        for what, path in (*([("report", output)] if output else []), *(("figure", path) for path in drawn)):
            click.echo(f"{what}   {path}")


def _listed(record: ContenderRecord, *, left: bool) -> dict[str, Any]:
    """Return what is listed of a contender, and of each of its replicas; `left` says that nobody writes any more."""
    replicas = ("run_id", "seed", "status", "reason", "step")
    contender = ("run_id", "experiment", "attempt", "contender", "variant", "status", "reason", "pinned")
    reason = {"reason": LEFT} if left and record.status == "running" else {}
    listed = [{key: getattr(each, key) for key in replicas} for each in record.replicas]
    return {key: getattr(record, key) for key in contender} | reason | {"replicas": listed}


def _follow(home: Home, names: Sequence[str], as_json: bool) -> None:
    from orchestrator.cleaning import known
    from orchestrator.following import follow

    if as_json:
        raise RequestError("--watch shows a view that changes and --json prints one document; give one of them")
    for name in names:
        known(home, name)
    follow(home, names)


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@common
def ui(home: Home, as_json: bool, quiet: bool, port: int) -> None:
    """Serve MLflow's own UI on this home. On loopback, until interrupted."""
    from orchestrator.recording.server import PAGE_OF_EXPERIMENTS, pages, serve

    if not home.exists:
        raise RequestError(f"nothing is recorded in {home.path}; run `ganarena demo` first, or give --home")

    def ready(url: str) -> None:
        if as_json:
            print_json({"url": url})
        else:
            click.echo(f"MLflow's UI: {url}{PAGE_OF_EXPERIMENTS} (Ctrl-C ends it)")
            for name, page in islice(pages(home, url).items(), SHOWN_PAGES):
                click.echo(f"  {name}: {page}")

    serve(home, port, ready)


COMMANDS = (runs, report, ui)
