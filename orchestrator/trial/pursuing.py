"""One contender, or a pack of them, from its start or its last checkpoint to its end."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.code import TRAINERS
from orchestrator.space import Contender
from orchestrator.trial.brief import Brief
from orchestrator.trial.fitting import fit
from orchestrator.trial.metering import metered
from orchestrator.trial.reporting import Report
from orchestrator.trial.training import Member, train
from orchestrator.trial.watching import ready

if TYPE_CHECKING:
    from orchestrator.watch.ticks import Watch


def pursue(
    contender: Contender,
    brief: Brief,
    report: Report,
    *,
    resume: Path | None = None,
    cloned: Mapping[str, Any] | None = None,
) -> None:
    """Train `contender` and call `report(event, folder)` at every tick; the folder holds checkpoint and pictures.

    A slot of a population that was `cloned` resumes from its original's folder, under numbers of its own.
    """
    import gans

    if time.time() >= brief.deadline:
        return
    watch = ready(contender, brief)
    with metered(report, brief.device, wanted=brief.log_system_metrics) as told:
        if contender.variant in gans.BASELINES:
            fit(contender, watch, told)
            return
        if resume:
            watch.restore(resume)
            if watch.over:
                return
            if cloned and watch.replicas[0].history[-1].step == cloned["step"]:
                for watched, seconds in zip(watch.replicas, cloned["seconds"], strict=True):
                    watched.seconds = seconds  # what the original took is on its own account
        if contender.variant == brief.trainer:
            _follow(contender, brief, watch, told, resume)
            return
        member = Member(contender=contender, watch=watch, changes=cloned["now"] if cloned else {})
        train([member], brief, told, resume, adopt=cloned is not None)


def pursue_pack(contenders: Sequence[Contender], brief: Brief, report: Report, *, resume: Path | None = None) -> None:
    """Train contenders that differ in numbers as one program; what is reported holds the tick of each."""
    if time.time() >= brief.deadline:
        return
    members = [
        Member(contender=contender, watch=ready(contender, brief), folder=contender.name) for contender in contenders
    ]
    if resume:
        for member in members:
            member.watch.restore(resume / member.folder)
    if not all(member.watch.over for member in members):
        with metered(report, brief.device, wanted=brief.log_system_metrics) as told:
            train(members, brief, told, resume)


def _follow(contender: Contender, brief: Brief, watch: "Watch", report: Report, resume: Path | None) -> None:
    """Let somebody's own loop train, once for each seed, and look at all of them at every tick."""
    from orchestrator.watch.pace import Pace
    from orchestrator.watch.rounds import Rounds
    from orchestrator.watch.turns import take_turns

    rounds = Rounds(watch, contender.name, Pace.of(brief.budget), brief.generator, report)
    take_turns(TRAINERS[contender.variant], contender.hyperparameters, rounds, resume)
