"""Commands about the program itself: list, doctor, schema."""

import click

from orchestrator.cli.options import common, print_json
from orchestrator.errors import WorkError
from orchestrator.home import Home

MISSING = {True: click.style("--", fg="yellow"), False: click.style("no", fg="red")}
CATALOGUES = ("variants", "baselines", "losses", "penalties", "networks", "datasets", "metrics", "extractors", "rules")


@click.command(name="list")
@click.argument("catalogue", type=click.Choice(CATALOGUES), metavar="CATALOGUE")
@common
def list_(home: Home, as_json: bool, quiet: bool, catalogue: str) -> None:
    """List what there is, from the code itself.

    CATALOGUE is one of variants, baselines, losses, penalties, networks, datasets, metrics, extractors and rules.
    """
    from orchestrator.catalogue import entries
    from orchestrator.cli.tables import catalogue_table, show

    found = entries(catalogue)
    if as_json:
        print_json(found)
    else:
        show(catalogue_table(found))


@click.command()
@common
def doctor(home: Home, as_json: bool, quiet: bool) -> None:
    """Check this machine. Versions, cores, memory, disk, Ray, MLflow and weights are looked at."""
    from orchestrator.doctor import examine

    checks = []
    for check in examine(home):
        checks.append(check)
        if not as_json:
            mark = click.style("ok", fg="green") if check["ok"] else MISSING[check["optional"]]
            remedy = f"\n     {check['remedy']}" if check["remedy"] and not check["ok"] else ""
            click.echo(f"{mark}   {check['name']}: {check['detail']}{remedy}")
    if as_json:
        print_json({"checks": checks})
    if not all(check["ok"] or check["optional"] for check in checks):
        raise WorkError("something that is needed is missing; the remedies stand above")


@click.command()
@common
def schema(home: Home, as_json: bool, quiet: bool) -> None:
    """Print the JSON Schema of the experiment file."""
    from orchestrator.config import schema as document

    print_json(document())


COMMANDS = (list_, doctor, schema)
