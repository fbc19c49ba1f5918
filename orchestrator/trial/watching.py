"""Who looks at a contender: its judge, and the watch over its seeds."""

from typing import TYPE_CHECKING

from orchestrator.config.data import Data
from orchestrator.space import Contender
from orchestrator.trial.brief import Brief

if TYPE_CHECKING:
    from orchestrator.judging import Judge
    from orchestrator.watch.ticks import Watch


def ready(contender: Contender, brief: Brief) -> "Watch":
    """Return the watch over a contender, with all loaded that looking takes."""
    import torch

    torch.set_num_threads(brief.threads)
    brief.code.load()
    judge = judge_of(contender, brief)
    judge.prepare()
    return watch_of(brief, judge)


def judge_of(contender: Contender, brief: Brief) -> "Judge":
    """Return the judge of this contender; a worker keeps it for the next one."""
    from orchestrator.judging import judge_for

    data = Data.model_validate(contender.data)
    return judge_for(data.model_dump_json(), brief.evaluation.model_dump_json(), brief.cache, brief.device)


def watch_of(brief: Brief, judge: "Judge") -> "Watch":
    """Return the watch over all seeds of a contender."""
    from orchestrator.stopping import acting, observing
    from orchestrator.watch.ticks import Watch

    rules = brief.stop, brief.evaluation.metrics, brief.objective
    return Watch(
        judge, acting=acting(*rules), observing=observing(*rules), objective=brief.objective, seeds=brief.seeds
    )
