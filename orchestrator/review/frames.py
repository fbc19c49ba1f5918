"""What is recorded, as tidy frames."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import expect
from orchestrator.home import Home
from orchestrator.records import ContenderRecord, ReplicaRecord, plain
from orchestrator.review.curves import COLUMNS, rows_of
from orchestrator.review.store import groups, records
from orchestrator.space import digest

if TYPE_CHECKING:
    from pandas import DataFrame


def leaderboard(
    *names: str,
    home: str | Path | None = None,
    metric: str | None = None,
    everything: bool = False,
    where: Sequence[str] = (),
    sort: str | None = None,
) -> "DataFrame":
    """Return a row for each contender, ranked within protocol and budget class; `where` holds `generator_lr<1e-3`."""
    from pandas import DataFrame

    from orchestrator.leaderboard import flat
    from orchestrator.leaderboard.selecting import arrange, select

    expect(str | None, metric, "the name of a metric, such as 'fd'")
    expect(str | None, sort, "the name of a column, such as 'seconds'")
    expect(list | tuple, where, "a list of conditions, such as ['generator_lr<1e-3']")
    shown = select(groups(Home.at(home), names, metric=metric, everything=everything), where)
    return DataFrame(flat(arrange(shown, sort) if sort is not None else shown))


def runs(*names: str, home: str | Path | None = None, everything: bool = False) -> "DataFrame":
    """Return a row for each replica: how it ended, what it cost, its final scores, and its hyperparameters."""
    from pandas import DataFrame

    return DataFrame([row for record in records(Home.at(home), names, everything=everything) for row in _rows(record)])


def curves(*names: str, home: str | Path | None = None, everything: bool = False) -> "DataFrame":
    """Return the learning curves of what is recorded as a frame: a row for each replica, tick and metric."""
    from pandas import DataFrame

    place = Home.at(home)
    return DataFrame(rows_of(place, records(place, names, everything=everything)), columns=list(COLUMNS))


def _rows(record: ContenderRecord) -> Iterator[dict[str, Any]]:
    """Yield a row for each replica; a contender that failed before it had any has one without a seed."""
    about = {
        "experiment": record.experiment,
        "attempt": record.attempt,
        "contender": record.contender,
        "variant": record.variant,
    }
    meaning = {"protocol": record.protocol, "budget_class": record.budget_class}
    digests = {key: None if value is None else digest(value) for key, value in meaning.items()}
    config = {name: plain(text) for name, text in record.params.items() if name not in ("variant", "seeds")}
    ended = {"seed": None, "run_id": record.run_id, "status": record.status, "reason": record.reason}
    for replica in record.replicas:
        yield about | _of_replica(replica) | digests | config
    if not record.replicas:
        yield about | ended | digests | config


def _of_replica(replica: ReplicaRecord) -> dict[str, Any]:
    costs = ("images", "seconds", "device_seconds", "parameters")
    return {
        "seed": replica.seed,
        "run_id": replica.run_id,
        "status": replica.status,
        "reason": replica.reason,
        "steps": replica.step,
        **{cost: getattr(replica, cost) for cost in costs},
        **{key: score.value for key, score in replica.final.items()},
    }
