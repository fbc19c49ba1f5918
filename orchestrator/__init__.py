"""Experiments with GANs: configured, scheduled on Ray, judged at every tick, recorded in MLflow, ranked."""

from orchestrator.curves import curves
from orchestrator.evaluating import evaluate
from orchestrator.leaderboard import leaderboard
from orchestrator.search import search
from orchestrator.study import study
from orchestrator.watch import watch

__all__ = ["curves", "evaluate", "leaderboard", "search", "study", "watch"]
