"""A baseline, fitted without a game, is looked at once: at the end of the budget."""

import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.space import Contender
from orchestrator.trial.reporting import Report, tick

if TYPE_CHECKING:
    from orchestrator.watch.ticks import Watch


def fit(contender: Contender, watch: "Watch", report: Report) -> None:
    """Fit a baseline once for each seed, and report the only tick that it has, at the end of the budget."""
    import gans

    began = time.time()
    amount = contender.budget.get("images") or contender.budget["steps"]
    state: Mapping[str, Any] = {}
    for index, watched in enumerate(watch.replicas):
        mark = time.time()
        fitted = gans.baseline(contender.variant, contender.hyperparameters).fit(watch.judge.dataset, watched.seed)
        state = fitted.generator_state
        at = {"step": amount, "images": amount if "images" in contender.budget else 0}
        watch.look(index, fitted.sample, **at, share=1.0, trained=time.time() - mark)
        watch.conclude(index, partial(fitted.sample, stream="final"), status="finished")
    with tempfile.TemporaryDirectory(prefix="ganarena-") as temporary:
        for watched in watch.replicas:
            if watched.picture is not None:
                watched.picture.save(Path(temporary) / f"samples_{watched.seed}.png")
        report(tick(contender, watch, state) | {"began": began, "busy": time.time() - began}, Path(temporary))
