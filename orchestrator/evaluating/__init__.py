"""Scores of samples from anywhere, without training anything.

Light to import, for it is where `orchestrator.evaluate` comes from: all else comes with the first samples.
"""

from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from orchestrator.errors import expect

if TYPE_CHECKING:
    from pandas import DataFrame


def evaluate(real: "str | PathLike[str]", fake: "str | PathLike[str]", **how: Any) -> "DataFrame":
    """Judge samples from Python; return a row for each score."""
    from pandas import DataFrame

    from orchestrator.evaluating.judgement import judge

    for side in (real, fake):
        expect(str | PathLike, side, "a dataset's name, a folder or a file (metrics.evaluate takes tensors)")
    document = judge(fspath(real), fspath(fake), **how)
    return DataFrame([{"score": key, **score} for key, score in document["scores"].items()])
