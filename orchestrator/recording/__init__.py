"""Records: the journal of an attempt, the outbox that sends it, and MLflow, where it is read."""

import os

# MLflow reads them when it is imported, which only modules of this package do.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
