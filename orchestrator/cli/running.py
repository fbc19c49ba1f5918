"""Commands that train: demo, search, study, train."""

import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from shutil import which
from typing import Any

import click

import orchestrator
from orchestrator.cli.options import SEED, Names, common, computing, print_json, trusting
from orchestrator.errors import RequestError, WorkError
from orchestrator.home import Home

DEMO = Path(orchestrator.__file__).parent.parent / "experiments" / "demo.yaml"
"""Beside the packages, in the source tree and in a wheel alike."""


def on_a_file(command: Any) -> Any:
    """Add what search and study share."""
    for option in (
        click.option(
            "--address",
            metavar="RAY",
            envvar="RAY_ADDRESS",
            help="Join this Ray cluster instead of starting an own one.",
        ),
        click.option("--again", is_flag=True, help="Make a new attempt beside the recorded ones."),
        click.option("--resume", is_flag=True, help="Go on with what is recorded under this name."),
        click.option("-n", "--dry-run", is_flag=True, help="Print the resolved plan and exit; nothing is written."),
        trusting,
        click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a key of the file."),
        click.argument("file", type=click.Path(path_type=Path), metavar="FILE"),
    ):
        command = option(command)
    return computing(common(command))


@click.command()
@computing
@common
def demo(home: Home, as_json: bool, quiet: bool, device: str) -> None:
    """Run a small search on embedded data. A second time print its result."""
    from orchestrator.config import load

    experiment = load(DEMO)
    known = bool(home.attempts(experiment.name))
    _search(experiment, home=home, as_json=as_json, quiet=quiet, device=device, dry_run=False, resume=known)


@click.command()
@on_a_file
def search(file: Path, changes: Sequence[str], trust_code: bool, **options: Any) -> None:
    """Search a space of GANs. E.g. `ganarena search experiments/demo.yaml`."""
    from orchestrator.config import SearchExperiment, load

    experiment = load(file, changes, trust_code=trust_code)
    if not isinstance(experiment, SearchExperiment):
        raise RequestError(f"{file}: `study:` makes this a study; run it by `ganarena study {file}`")
    _search(experiment, **options)


@click.command()
@on_a_file
def study(file: Path, changes: Sequence[str], trust_code: bool, **options: Any) -> None:
    """Run variants x seeds x data. E.g. `ganarena study experiments/study_ring.yaml`."""
    from orchestrator.cli.tables import show, study_table
    from orchestrator.config import StudyExperiment, load
    from orchestrator.study import results

    experiment = load(file, changes, trust_code=trust_code)
    if not isinstance(experiment, StudyExperiment):
        raise RequestError(f"{file}: without `study:` this is a search; run it by `ganarena search {file}`")
    outcome = _conduct(experiment, **options)
    if outcome is None:
        return
    document = results(outcome, options["home"])
    if options["as_json"]:
        print_json(document)
    else:
        show(study_table(document))
        click.echo(
            "\n".join(["rows     " + document["rows"], *("figure   " + figure for figure in document["figures"])])
        )
    if not any(row["replicas"] for row in document["table"]):
        raise WorkError(
            f"no replica has a final score; `ganarena runs {quote(experiment.name)}` gives each one's reason"
        )


def _conduct(experiment: Any, *, home: Home, as_json: bool, quiet: bool, device: str, dry_run: bool, **how: Any) -> Any:
    """Run an experiment, shown as it goes; with `--dry-run` print its plan and return nothing."""
    from orchestrator.cli.plans import plan_tables
    from orchestrator.cli.tables import show
    from orchestrator.resources import measured
    from orchestrator.search.conducting import capacity_of, conduct_in_view, device_of
    from orchestrator.search.planning import make_plan

    if dry_run:
        address = how.get("address")
        where = device_of(experiment, device, address)
        plan = make_plan(experiment, home, where, write=False, cluster=capacity_of(address))
        plan = plan.with_needs(measured(plan, home))
        if as_json:
            print_json(plan.as_json())
        else:
            show(*plan_tables(plan))
        return None
    return conduct_in_view(experiment, home, quiet=quiet, device=device, **how)


def _search(experiment: Any, *, home: Home, as_json: bool, quiet: bool, **options: Any) -> None:
    """Run a search, then print its leaderboard, its best picture and what to type next."""
    from orchestrator.cli.boards import leaderboard_tables
    from orchestrator.cli.tables import front_tables, show
    from orchestrator.leaderboard.front import front
    from orchestrator.review.store import groups
    from orchestrator.review.winner import best, keep_picture

    outcome = _conduct(experiment, home=home, as_json=as_json, quiet=quiet, **options)
    if outcome is None:
        return
    if outcome.state.over and not outcome.state.ticks:
        raise WorkError(f"{outcome.state.over['reason']} before the first tick; give more by search.seconds")
    ranked = groups(home, [experiment.name])
    winner = best(ranked)
    several = {"front": front(ranked, outcome.plan.aims)} if len(outcome.plan.aims) > 1 else {}
    if as_json:
        print_json(outcome.summary() | {"best": winner} | several)
    else:
        if over := outcome.state.over:
            click.echo(f"{over['reason']}; --resume --set search.seconds=N goes on, with N for the whole search")
        show(*leaderboard_tables(ranked), *front_tables(several.get("front", [])))
        if (optimism := outcome.summary().get("optimism")) is not None:
            click.echo(f"\noptimism: selected minus confirmed is {optimism:+.4g} {outcome.plan.objective} on average")
        if outcome.regret:
            click.echo(f"\n{outcome.regret.said}")
        if winner:
            picture = keep_picture(home, winner["run_id"], experiment.name)
            click.echo(f"\nsamples of the best contender: {_from_here(picture)}" if picture else "")
            if not quiet:
                click.echo(_next_steps(home, experiment.name, winner["run_id"]))
    if winner is None:
        raise WorkError(
            f"no contender has a final score; `ganarena runs {quote(experiment.name)}` gives each one's reason"
        )


def _next_steps(home: Home, name: str, run_id: str) -> str:
    at = "" if home == Home.at() else f" --home {quote(str(_from_here(home.path)))}"
    here = which("ganarena") == sys.argv[0]
    program = "ganarena" if here else quote(str(_from_here(Path(sys.argv[0]).absolute())))
    return "\n".join(
        (
            "\nnext:",
            f"  {program} leaderboard{at} {quote(name)}",
            f"  {program} sample{at} {run_id} -n 64 -o samples.png",
            f"  {program} ui{at}",
        )
    )


def _from_here(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@click.command()
@click.argument("variant", required=False)
@click.option(
    "--from",
    "run",
    metavar="RUN",
    help="Go on from this record, with a larger budget or more seeds; one of several gets a name of its own.",
)
@click.option("--data", metavar="D", help="A dataset name, an image folder, or an .npz file.")
@click.option("--images", type=click.IntRange(min=1), help="Budget in images shown to the discriminator.")
@click.option("--steps", type=click.IntRange(min=1), help="Budget in generator steps.")
@click.option("--tick", type=click.IntRange(min=1), help="Score this often; default a tenth of the budget.")
@click.option(
    "--seed",
    "seeds",
    type=SEED,
    multiple=True,
    help="Repeatable; default 0, or the record's.",
)
@click.option("--hyperparameter", "-p", "settings", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option(
    "--engine", multiple=True, metavar="NAME=VALUE", help="Repeatable: how it is computed, such as compiled=true."
)
@click.option("--metrics", type=Names(), help="Metric families; default what the data allow.")
@click.option("--extractor", metavar="X", help="Feature space; default what the data allow.")
@click.option("--samples", type=click.IntRange(min=2), help="Samples per score; default 1000.")
@click.option("--name", help="Name of the records; default VARIANT on DATA.")
@click.option("--log-system-metrics", is_flag=True, help="Tell processors, memory and GPUs at every tick to MLflow.")
@trusting
@computing
@common
def train(home: Home, as_json: bool, quiet: bool, device: str, run: str | None, **asked: Any) -> None:
    """Train one contender without Ray. E.g. `ganarena train gan --data ring8 --images 500000`."""
    from orchestrator.cli.tables import scores_table, show
    from orchestrator.live import followed
    from orchestrator.machine import chosen_device
    from orchestrator.single.training import train_one

    experiment, source = _asked(home, run, **asked)
    with followed(quiet=quiet) as announce:
        document = train_one(experiment, home, chosen_device(device), announce, source)
    if as_json:
        print_json(document)
    else:
        show(scores_table(document["scores"]))
        click.echo(
            f"{document['status']}{': ' + document['reason'] if document['reason'] else ''} · run {document['run_id']}"
        )
    if not document["scores"]:
        raise WorkError(f"no final score: {document['reason']}")


def _asked(home: Home, run: str | None, **asked: Any) -> tuple[Any, Any]:
    """Return what to train, and the record to go on from, if there is one."""
    if run is None:
        from orchestrator.single.asked import experiment_of

        return experiment_of(**asked), None
    from orchestrator.recording.origin import origin
    from orchestrator.review.naming import run_id
    from orchestrator.single.onward import experiment_from

    longer = {key: asked.pop(key) for key in GROWING}
    if fixed := [key for key, value in asked.items() if value not in (None, ())]:
        raise RequestError(f"--from goes on with what is recorded; leave {OPTIONS.get(fixed[0], f'--{fixed[0]}')} out")
    source = origin(home, run_id(home, run))
    return experiment_from(source, **longer), source


GROWING = ("images", "steps", "tick", "seeds", "log_system_metrics", "trust_code")
"""What `train --from` may be asked beside the record."""
OPTIONS = {"variant": "VARIANT", "settings": "-p"}
"""How what `train` is asked is written, where that is not its name."""

COMMANDS = (demo, search, study, train)
