"""A search, or a study: contenders scheduled by Ray Tune, every report recorded on the driver.

Light to import, for it is where `orchestrator.search` comes from: all else comes with the first search.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.home import Home

if TYPE_CHECKING:
    from pandas import DataFrame

    from orchestrator.config.models import SearchExperiment


def search(
    experiment: "SearchExperiment | str | Path", home: str | Path | None = None, *,
    trust_code: bool = False, quiet: bool = False, **how: Any,
) -> "DataFrame":  # fmt: skip
    """Run a search from Python, given its file or its model; return a row for each contender, the best first.

    How it goes is shown on stderr unless it is `quiet`; `resume`, `again`, `address` and `device` are the command's.
    """
    from orchestrator.config import SearchExperiment, asked
    from orchestrator.review.frames import leaderboard
    from orchestrator.search.attempts import ARGUMENTS
    from orchestrator.search.conducting import conduct_in_view

    meant = asked(SearchExperiment, experiment, trust_code=trust_code)
    conduct_in_view(meant, Home.at(home), quiet=quiet, ways=ARGUMENTS, **how)
    return leaderboard(meant.name, home=home)
