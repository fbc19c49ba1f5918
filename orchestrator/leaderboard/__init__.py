"""The leaderboard: contenders ranked by final scores, only against those of equal protocol and budget class.

`rank` gathers each contender's replicas to a `Row`, puts those that may be compared into a `Group`, and gives places;
`flat` and `as_json` tell the groups in plain values.
"""

from orchestrator.leaderboard.grouping import key_of, latest, rank
from orchestrator.leaderboard.means import half_width, summary
from orchestrator.leaderboard.placing import FEWEST_SEEDS
from orchestrator.leaderboard.rows import Group, Row
from orchestrator.leaderboard.telling import UNKNOWN, as_json, flat

__all__ = [
    "FEWEST_SEEDS",
    "UNKNOWN",
    "Group",
    "Row",
    "as_json",
    "flat",
    "half_width",
    "key_of",
    "latest",
    "rank",
    "summary",
]
