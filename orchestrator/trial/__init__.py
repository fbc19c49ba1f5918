"""One contender with all of its replicas: train, score at every tick, report, and leave when there is a reason."""

from orchestrator.trial.brief import Brief
from orchestrator.trial.pursuing import pursue, pursue_pack
from orchestrator.trial.reporting import Report, budget_class, seen, unpacked
from orchestrator.trial.watching import judge_of, watch_of
from orchestrator.trial.worker import TOGETHER, run

__all__ = [
    "TOGETHER",
    "Brief",
    "Report",
    "budget_class",
    "judge_of",
    "pursue",
    "pursue_pack",
    "run",
    "seen",
    "unpacked",
    "watch_of",
]
