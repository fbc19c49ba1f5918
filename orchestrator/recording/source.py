"""Where the records of a home are read from."""

from orchestrator.home import Home
from orchestrator.recording.database import Database
from orchestrator.recording.runs import Source


def source(home: Home) -> Source:
    """Return the database file itself where its tables are known, else MLflow, which knows every store."""
    if (database := Database.of(home)) is not None:
        return database
    from orchestrator.recording.served import Served

    return Served(home)
