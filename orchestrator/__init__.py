"""Experiments with GANs: configured, scheduled on Ray, judged at every tick, recorded in MLflow, ranked."""

from orchestrator.evaluating import evaluate
from orchestrator.generators import load_generator
from orchestrator.leaderboard.comparing import compare
from orchestrator.review.frames import curves, leaderboard, runs
from orchestrator.search import search
from orchestrator.study import study
from orchestrator.watch import watch

__all__ = ["compare", "curves", "evaluate", "leaderboard", "load_generator", "runs", "search", "study", "watch"]
