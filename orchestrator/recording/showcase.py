"""What MLflow's pages show first: the leaderboard as a description, and the best generator in the registry."""

import logging
import time
from collections.abc import Iterator, Sequence

from mlflow.exceptions import MlflowException

from orchestrator.config.name import folder_name
from orchestrator.home import Home
from orchestrator.leaderboard import Group, Row, latest, rank
from orchestrator.recording.artifacts import recorded_run, replicas
from orchestrator.recording.client import client
from orchestrator.recording.files import files
from orchestrator.recording.journal import Event
from orchestrator.recording.reading import read
from orchestrator.wording import escaped, number, scored

SHOWN = 20
LONGEST = 5000
"""What every database that MLflow runs on takes as a tag, in characters."""
SHARE_OF_TIME = 100
"""The description is written again after so many times as long as it took to write."""
PAUSE_SECONDS = 30.0
CHAMPION, SELECTED = "champion", "selected"
"""Aliases of the registered generator: confirmed on new seeds, or the best of many and perhaps lucky."""
REFUSED = ("PERMISSION_DENIED", "FEATURE_DISABLED", "ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED")

log = logging.getLogger(__name__)


class Showcase:
    """Keeps the description and the registry of one experiment up to date while its attempt goes on."""

    def __init__(self, home: Home, attempt: Event) -> None:
        self.home = home
        self.name = attempt["experiment"]["name"]
        self._due = 0.0

    def after(self, event: Event) -> None:
        """Show what an event has changed: at once when the attempt closes, now and then while contenders end."""
        closing = event["kind"] == "close"
        if not closing and not (event["kind"] == "end" and time.monotonic() >= self._due):
            return
        began = time.monotonic()
        try:
            self._show(registers=closing and event["status"] == "finished")
        finally:
            now = time.monotonic()
            self._due = now + max(PAUSE_SECONDS, SHARE_OF_TIME * (now - began))

    def _show(self, *, registers: bool) -> None:
        ranked = rank(latest(read(self.home, [self.name])))
        if known := (store := client(self.home)).get_experiment_by_name(self.name):
            store.set_experiment_tag(known.experiment_id, "mlflow.note.content", description(ranked))
        if registers:
            self._register(ranked)

    def _register(self, ranked: Sequence[Group]) -> None:
        try:
            any(register(self.home, self.name, group, row) for group, row in _winners(ranked))  # the first that can be
        except MlflowException as error:
            if error.error_code not in REFUSED:
                raise
            log.warning("the best generator of %s is not registered: %s", self.name, error)


def description(ranked: Sequence[Group]) -> str:
    """Return the leaderboard in Markdown."""
    text = "\n".join(part for group in ranked for part in _table(group)) or "No contender has ended yet."
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition("\n")[0]


def model_name(experiment: str) -> str:
    """Return the name of an experiment's registered model: its own, unless MLflow would read it as something else."""
    plain = not any(sign in experiment for sign in "/:@%'\\") and experiment.strip(". ") == experiment
    return experiment if plain else folder_name(experiment)


def register(home: Home, experiment: str, group: Group, row: Row) -> bool:
    """Make a row's generator a version of the registered model, once, with its alias; say whether it has one."""
    store, name = client(home), model_name(experiment)
    trained = replicas(home, recorded_run(home, row.run_ids[0]))
    chosen = next((run for run in trained if "generator" in files(home, run.artifact_uri).listed()), None)
    if chosen is None:  # a baseline, or somebody's own loop
        return False
    if not store.search_registered_models(f"name = '{name}'"):
        store.create_registered_model(name, description=f"Generators of {experiment}; safetensors, no code is loaded.")
    known = [found for found in store.search_model_versions(f"name = '{name}'") if found.run_id == chosen.run_id]
    version = (
        known[0]
        if known
        else store.create_model_version(
            name,
            source=f"{chosen.artifact_uri}/generator",
            run_id=chosen.run_id,
            tags={"arena.contender": row.contender, "arena.variant": row.variant},
            description=f"{row.variant} {row.contender}: {group.metric} {_score(row, group)}",
        )
    )
    store.set_registered_model_alias(name, CHAMPION if row.confirmed else SELECTED, str(version.version))
    return True


def _winners(ranked: Sequence[Group]) -> Iterator[tuple[Group, Row]]:
    for group in sorted(ranked, key=lambda each: -len(each.rows)):
        yield from ((group, row) for row in group.rows if row.order == 1 and not row.lost)


def _table(group: Group) -> Iterator[str]:
    dataset, budget = group.protocol.get("dataset", {}), group.budget_class
    told = [dataset.get("name"), f"{group.protocol.get('generated')} samples", f"{group.protocol.get('reals')} reals"]
    told += [f"{budget.get('amount')} {budget.get('unit')}", f"{budget.get('checkpoint')} checkpoint"]
    better = "higher" if group.higher_is_better else "lower"
    yield f"### {escaped(' · '.join(map(str, told)))}\n"
    yield f"| rank | contender | variant | {escaped(group.metric)} ({better}) | seeds | images | seconds | status |"
    yield "|---:|---|---|---|---:|---:|---:|---|"
    for row in group.rows[:SHOWN]:
        place = str(row.rank or (f"({row.order})" if row.order else "-"))
        named = f"{row.contender} confirms {row.confirms}" if row.confirms else row.contender
        cells = [place, named, row.variant, _score(row, group), row.replicas, f"{row.images:,}", f"{row.seconds:.0f}"]
        yield f"| {' | '.join(escaped(str(cell)) for cell in [*cells, row.status])} |"
    if len(group.rows) > SHOWN:
        yield f"\nand {len(group.rows) - SHOWN} more: `ganarena leaderboard`"
    yield ""


def _score(row: Row, group: Group) -> str:
    score = row.scores.get(group.metric)
    last = row.last.get(group.metric)
    if score is None:
        return "" if last is None else f"({number(last)} at its last tick)"
    return scored(score.value, score.low, score.high)
