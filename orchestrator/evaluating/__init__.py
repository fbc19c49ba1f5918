"""Scores of samples from anywhere, without training anything.

Light to import, for it is where `orchestrator.evaluate` comes from: all else comes with the first samples.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame


def evaluate(real: str, fake: str, **how: Any) -> "DataFrame":
    """Judge samples from Python; return a row for each score."""
    from pandas import DataFrame

    from orchestrator.evaluating.judgement import judge

    document = judge(real, fake, **how)
    return DataFrame([{"score": key, **score} for key, score in document["scores"].items()])
