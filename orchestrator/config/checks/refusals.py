"""A refusal, from whichever layer it comes, is told with its place in the file."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import gans
import metrics
from orchestrator.config.document import Document, Location
from orchestrator.errors import RequestError, did_you_mean


@contextmanager
def located(document: Document, location: Location) -> Iterator[None]:
    """Tell a refusal from any layer with its place in the file."""
    try:
        yield
    except (RequestError, gans.ConfigError, metrics.MetricsError) as error:
        document.fail(location, str(error))


def check_name(kind: str, name: str, known: Collection[str], document: Document, location: Location) -> None:
    if name not in known:
        hint = did_you_mean(name, known) or f"; expected one of {', '.join(known)}"
        document.fail(location, f"no {kind} {name!r}{hint}")
