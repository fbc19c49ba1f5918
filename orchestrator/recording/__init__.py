"""Records: the journal of an attempt, the outbox that sends it, and MLflow, where it is read."""
