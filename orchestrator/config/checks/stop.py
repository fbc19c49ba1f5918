"""What the key `stop` must also satisfy: every rule finds what it reads."""

from collections.abc import Sequence

from orchestrator.config.checks.refusals import located
from orchestrator.config.document import Document
from orchestrator.config.stop import Stop
from orchestrator.stopping import acting


def check_stop(items: Sequence[Stop], families: Sequence[str], objective: str, document: Document) -> None:
    """Every rule has a name and settings that are known, and reads what is evaluated."""
    for index, item in enumerate(items):
        with located(document, ("stop", index)):
            acting([item], families, objective)
