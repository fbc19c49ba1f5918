"""MLflow's client: how a store is opened and searched, without its noise."""

import logging
import os
from collections.abc import Iterator, Sequence

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from orchestrator.home import Home
from orchestrator.recording.database import refuse_another

for noisy in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
    logging.getLogger(noisy).setLevel(logging.WARNING)


def client(home: Home) -> MlflowClient:
    """Return a client of this home's store, which is created on first use."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        home.path.mkdir(parents=True, exist_ok=True)
    refuse_another(home)
    return MlflowClient(tracking_uri=home.tracking_uri)


def search(store: MlflowClient, experiments: Sequence[str], query: str = "") -> Iterator[Run]:
    """Yield every run of the experiments that `query` selects."""
    token = None
    while True:
        page = store.search_runs(list(experiments), query, ViewType.ACTIVE_ONLY, max_results=10_000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
