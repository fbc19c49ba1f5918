"""What is due to MLflow, gathered by run, so that one call writes all that events have to say of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from orchestrator.recording.database import Database
from orchestrator.recording.layout import LONGEST_PARAM

MOST, MOST_WORDS = 1000, 100
"""How much MLflow takes in one call, and how many params or tags of that; more it cuts up in an order of its own."""


@dataclass
class Due:
    """What is to be written of one run; of a tag the last value counts."""

    params: dict[str, str] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Does MLflow take it in one call?"""
        words = len(self.params), len(self.tags)
        return max(words) <= MOST_WORDS and sum(words) + len(self.metrics) <= MOST


class Batch:
    """Writes a run's tags after its params and metrics: they say that these are there.

    Of whom the last was told comes last, so that nobody reads of a contender that ended before its replicas. A database
    whose tables are known is told of all at once: MLflow itself takes 0.4 ms for each point.
    """

    def __init__(self, client: MlflowClient, database: Database | None = None) -> None:
        self.client = client
        self.database = database
        self.due: dict[str, Due] = {}

    def add(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] = {},
        metrics: Sequence[Metric] = (),
        tags: Mapping[str, str] = {},
    ) -> None:
        """Let this be written of a run with the next `send`."""
        due = self.due[run_id] = self.due.pop(run_id, Due())
        due.params.update({key: value[:LONGEST_PARAM] for key, value in params.items()})
        due.metrics.extend(metrics)
        due.tags.update(tags)

    def send(self) -> None:
        """Write all that is due."""
        if self.database is None:
            for run_id, due in self.due.items():
                self._log(run_id, due)
        elif self.due:
            self._write(self.database)
        self.due.clear()

    def _write(self, database: Database) -> None:
        told = self.due.items()
        database.write(
            self.due,
            params=((run_id, *param) for run_id, due in told for param in due.params.items()),
            points=((run_id, at.key, at.value, at.timestamp, at.step) for run_id, due in told for at in due.metrics),
            tags=((run_id, *tag) for run_id, due in told for tag in due.tags.items()),
        )

    def _log(self, run_id: str, due: Due) -> None:
        params = [Param(key, value) for key, value in due.params.items()]
        tags = [RunTag(key, value) for key, value in due.tags.items()]
        if due.fits:
            self.client.log_batch(run_id, params=params, metrics=due.metrics, tags=tags)
        else:
            self.client.log_batch(run_id, params=params, metrics=due.metrics)
            self.client.log_batch(run_id, tags=tags)
