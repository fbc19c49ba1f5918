"""Commands that say which runs are really better: leaderboard, compare."""

import csv
import io
from collections.abc import Mapping, Sequence

import click

from orchestrator.cli.options import common, print_json
from orchestrator.errors import RequestError
from orchestrator.home import Home
from orchestrator.records import COSTS
from orchestrator.wording import escaped, inert

FORMATS = ("table", "csv", "md", "json")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME ...]")
@click.option("--metric", metavar="M", help="Rank by this score instead of each search's objective.")
@click.option("--all", "everything", is_flag=True, help="Every attempt, not just the latest.")
@click.option("--where", multiple=True, metavar="CONDITION", help="Show rows such as 'generator_lr<1e-3'; repeatable.")
@click.option("--status", metavar="S,S,...", help="Show these statuses only, or all; a table leaves out the unscored.")
@click.option("--sort", metavar="NAME", help="Sort by a column, score, param or tag; -NAME turns it round.")
@click.option("--pareto", type=click.Choice(COSTS), help="Show who is not beaten both in quality and at this cost.")
@click.option("--expected-best", is_flag=True, help="Show the best to expect against the budget spent.")
@click.option("--importance", is_flag=True, help="Show which searched parameters decide the order.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@common
def leaderboard(
    home: Home,
    as_json: bool,
    quiet: bool,
    names: Sequence[str],
    metric: str | None,
    everything: bool,
    where: Sequence[str],
    status: str | None,
    sort: str | None,
    pareto: str | None,
    expected_best: bool,
    importance: bool,
    form: str,
) -> None:
    """Rank what is recorded, by final scores. Only equal protocol and budget class are ranked together."""
    from orchestrator.leaderboard import as_json as document
    from orchestrator.leaderboard import flat
    from orchestrator.leaderboard.draws import best_by_budget, importances
    from orchestrator.leaderboard.selecting import arrange, on_front, select, without_lost
    from orchestrator.review.store import foreign, groups

    if as_json and form in ("csv", "md"):
        raise RequestError(f"--json and --format {form} ask for two documents; leave one of them out")
    if form in ("csv", "md") and (expected_best or importance):
        raise RequestError(f"--format {form} holds the rows alone; --expected-best and --importance need table or json")
    statuses = _statuses(status)
    ranked = groups(home, names, metric=metric, everything=everything)
    shown = select(ranked, where, statuses)
    shown = on_front(shown, pareto) if pareto else shown
    shown = arrange(shown, sort) if sort is not None else shown
    others = foreign(home, names)
    if as_json or form == "json":
        told = document(shown, others)
        for entry, group in zip(told["groups"], ranked, strict=True):
            entry["expected_best"] = best_by_budget(group)
            entry |= {"importance": importances(group)} if importance else {}
        print_json(told)
    elif form == "table":
        from orchestrator.cli.boards import best_tables, foreign_table, importance_tables, leaderboard_tables
        from orchestrator.cli.tables import show

        hidden: Mapping[str, int] = {}
        if status is None and not any(each.startswith("status") for each in where):
            shown, hidden = without_lost(shown)
        show(*leaderboard_tables(shown, hidden), *foreign_table(others))
        show(*(best_tables([each for group in ranked for each in best_by_budget(group)]) if expected_best else ()))
        show(*(importance_tables([each for group in ranked for each in importances(group)]) if importance else ()))
    else:
        rows = flat(shown)
        click.echo(_csv(rows) if form == "csv" else _markdown(rows), nl=False)


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN ...")
@click.option("--metric", metavar="M", help="Test this score instead of the objective.")
@common
def compare(home: Home, as_json: bool, quiet: bool, runs: Sequence[str], metric: str | None) -> None:
    """Hold runs against each other. E.g. `ganarena compare demo/4 demo/8`.

    A RUN is the id of a contender or a replica, the beginning of one, or EXPERIMENT/INDEX.
    """
    from orchestrator.cli.boards import comparison_tables
    from orchestrator.cli.tables import show
    from orchestrator.leaderboard.comparing import compare as hold

    document = hold(*runs, home=home.path, metric=metric)
    if as_json:
        print_json(document)
    else:
        show(*comparison_tables(document))


def _statuses(text: str | None) -> list[str] | None:
    """Return the statuses that are asked for; None for all of them."""
    from orchestrator.leaderboard.selecting import STATUSES

    if text is None or text == "all":
        return None
    asked = text.split(",")
    if unknown := [each for each in asked if each not in STATUSES]:
        raise RequestError(f"--status {unknown[0]}: expected all, or some of {', '.join(STATUSES)}")
    return asked


def _csv(rows: Sequence[dict[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(map(inert, rows[0] if rows else ()))
    writer.writerows([inert(cell) if isinstance(cell, str) else cell for cell in row.values()] for row in rows)
    return text.getvalue()


def _markdown(rows: Sequence[dict[str, object]]) -> str:
    if not rows:
        return ""
    lines = [[escaped(name) for name in rows[0]], ["---"] * len(rows[0])]
    lines += [["" if value is None else escaped(str(value)) for value in row.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


COMMANDS = (leaderboard, compare)
