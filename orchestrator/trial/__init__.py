"""One contender with all of its replicas: train, score at every tick, report, and leave when there is a reason."""

import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.code import TRAINERS, Code
from orchestrator.config.models import Budget, Data, Evaluation, Experiment, Generator, SearchExperiment, Stop
from orchestrator.space import Contender
from orchestrator.trial.crowding import back_off
from orchestrator.wording import REASON, one_line

if TYPE_CHECKING:
    from gans import Progress, Replica, Variant
    from orchestrator.home import Home
    from orchestrator.judging import Judge
    from orchestrator.search.planning import Plan
    from orchestrator.trial.companions import Tell
    from orchestrator.watch import Replica as Watched
    from orchestrator.watch import Watch

Report = Callable[[dict[str, Any], Path], None]

TOGETHER = "+"
"""Stands between the names of the contenders that train as one pack."""

WORST = 1e300
"""What Ray sees where there is no score: it ranks below every score, and is never recorded."""


def seen(objective: float | None, sign: int) -> float:
    """Return an objective as schedulers see it: there is always one, and less is better."""
    return WORST if objective is None else sign * objective


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What every trial of an attempt is told; it travels to the workers once."""

    evaluation: Evaluation
    budget: Budget
    seeds: tuple[int, ...]
    stop: tuple[Stop, ...]
    objective: str
    cache: Path | None
    device: str = "cpu"
    threads: int = 1
    processes: int = 1
    deadline: float = math.inf
    """When nobody starts any more, by the clock on the wall."""
    together: int | None = None
    """So many replicas train at once, where memory did not suffice for all."""
    code: Code = field(default_factory=Code)
    trainer: str | None = None
    generator: Generator = field(default_factory=Generator)

    @classmethod
    def of(cls, plan: "Plan", home: "Home", seeds: tuple[int, ...] | None = None) -> "Brief":
        """Return what the trials of this plan need to know, on the experiment's seeds or on others."""
        experiment = plan.experiment
        return cls(
            evaluation=experiment.evaluation,
            budget=experiment.budget,
            seeds=seeds or experiment.seeds,
            stop=experiment.stop,
            objective=experiment.objective,
            cache=home.cache,
            device=plan.device,
            threads=plan.threads,
            processes=experiment.resources.processes,
            code=experiment.code,
            **_own_loop(experiment),
        )


@dataclass(frozen=True, kw_only=True)
class Member:
    """One contender of a pack, with the watch over its replicas and the folder of a checkpoint that is its own."""

    contender: Contender
    watch: "Watch"
    changes: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""

    @property
    def variant(self) -> "Variant":
        """What it trains, under numbers that a population may have changed."""
        import gans

        return gans.variant(self.contender.variant, {**self.contender.hyperparameters, **self.changes})


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
    watch = _ready(contender, brief)
    if contender.variant in gans.BASELINES:
        _fit(contender, watch, report)
        return
    if resume:
        watch.restore(resume)
        if watch.over:
            return
        if cloned and watch.replicas[0].history[-1].step == cloned["step"]:
            for watched, seconds in zip(watch.replicas, cloned["seconds"], strict=True):
                watched.seconds = seconds  # what the original took is on its own account
    if contender.variant == brief.trainer:
        _follow(contender, brief, watch, report, resume)
        return
    member = Member(contender=contender, watch=watch, changes=cloned["now"] if cloned else {})
    _train([member], brief, report, resume, adopt=cloned is not None)


def pursue_pack(contenders: Sequence[Contender], brief: Brief, report: Report, *, resume: Path | None = None) -> None:
    """Train contenders that differ in numbers as one program; what is reported holds the tick of each."""
    if time.time() >= brief.deadline:
        return
    members = [
        Member(contender=contender, watch=_ready(contender, brief), folder=contender.name) for contender in contenders
    ]
    if resume:
        for member in members:
            member.watch.restore(resume / member.folder)
    if not all(member.watch.over for member in members):
        _train(members, brief, report, resume)


def _ready(contender: Contender, brief: Brief) -> "Watch":
    """Return the watch over a contender, with all loaded that looking takes."""
    import torch

    torch.set_num_threads(brief.threads)
    brief.code.load()
    judge = judge_of(contender, brief)
    judge.prepare()
    return watch_of(brief, judge)


def _train(
    members: Sequence[Member], brief: Brief, report: Report, resume: Path | None, *, adopt: bool = False
) -> None:
    """Let all replicas of all members take turns with those who look at them, until none is left."""
    from orchestrator.trial.companions import Training, accompanied

    training = Training(
        variants=[member.variant for member in members for _ in brief.seeds],
        data=members[0].contender.data,
        budget=members[0].contender.budget,
        seeds=brief.seeds * len(members),
        resume=resume and resume / "training",
        adopt=adopt,
        device=brief.device,
        threads=brief.threads,
        processes=brief.processes,
        cache=brief.cache,
        code=brief.code,
        together=brief.together,
    )
    with accompanied(training) as tell:
        _follow_training(members, brief, report, training.ticks(members[0].watch.judge.dataset), tell)


def _follow_training(
    members: Sequence[Member], brief: Brief, report: Report, training: "Iterator[Progress]", tell: "Tell"
) -> None:
    """Look at every replica at every tick, save, and report."""
    mark = began = time.time()
    for progress in training:
        seats = [(member, index) for member in members for index in range(len(brief.seeds))]
        live = [(*seat, each) for seat, each in zip(seats, progress.replicas, strict=True) if each.alive]
        trained = (time.time() - mark) / len(live)
        ended = [replica for member, index, replica in live if _look(member, index, replica, progress, brief, trained)]
        tell([replica.index for replica in ended])
        with tempfile.TemporaryDirectory(prefix="ganarena-") as temporary:
            folder = Path(temporary)
            progress.save(folder / "training")
            for member in members:
                (folder / member.folder).mkdir(exist_ok=True)
                member.watch.save(folder / member.folder)
            for member, index, replica in live:
                _keep(member.watch.replicas[index], replica, folder / member.folder, ended=replica in ended)
            now = {
                "began": began,
                "parameters": live[0][2].parameters,
                "replicas_at_once": brief.together or len(seats),
            }
            present = list({id(member): member for member, *_ in live}.values())
            now["busy"] = (time.time() - mark) / len(present)
            state = live[0][2].generator_state
            events = [_tick(each.contender, each.watch, state) | now | {"folder": each.folder} for each in present]
            report(events[0] if len(members) == 1 else packed(events), folder)
            mark = time.time()  # waiting for the driver is nobody's training
        if all(member.watch.over for member in members):
            return


def judge_of(contender: Contender, brief: Brief) -> "Judge":
    """Return the judge of this contender; a worker keeps it for the next one."""
    from orchestrator.judging import judge_for

    data = Data.model_validate(contender.data)
    return judge_for(data.model_dump_json(), brief.evaluation.model_dump_json(), brief.cache, brief.device)


def watch_of(brief: Brief, judge: "Judge") -> "Watch":
    """Return the watch over all seeds of a contender."""
    from orchestrator.stopping import acting, observing
    from orchestrator.watch import Watch

    rules = brief.stop, brief.evaluation.metrics, brief.objective
    return Watch(
        judge, acting=acting(*rules), observing=observing(*rules), objective=brief.objective, seeds=brief.seeds
    )


def _look(member: Member, index: int, replica: "Replica", progress: "Progress", brief: Brief, trained: float) -> bool:
    """Score one replica, and end it if there is a reason or if the budget is spent; say whether it ended."""
    reason = member.watch.look(
        index,
        replica.sample,
        step=progress.step,
        images=progress.images,
        share=min(1.0, brief.budget.spent(progress) / brief.budget.amount),
        diagnostics=replica.diagnostics,
        trained=trained,
    )
    if not reason and not progress.done:
        return False
    final = partial(replica.sample, stream="final")
    member.watch.conclude(index, final, status="stopped" if reason else "finished", reason=reason)
    replica.end()
    return True


def _keep(watched: "Watched", replica: "Replica", folder: Path, *, ended: bool) -> None:
    """Write what must outlive the checkpoint: the picture, and the generator of one that has ended."""
    if watched.picture is not None:
        watched.picture.save(folder / f"samples_{watched.seed}.png")
    if ended and watched.final is not None:
        replica.save_generator(folder / f"generator_{watched.seed}")


def packed(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the ticks of several contenders as one report."""
    first = events[0]
    return {"kind": "pack", "pack": list(events), "objective": None} | {key: first[key] for key in ("step", "spent")}


def unpacked(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the ticks that a report holds."""
    return [dict(each) for each in event.get("pack", [event])]


def _own_loop(experiment: Experiment) -> dict[str, Any]:
    """Return what a trial is told of somebody's own loop, where one stands in place of a variant."""
    if not isinstance(experiment, SearchExperiment) or experiment.trainer is None:
        return {}
    return {"trainer": experiment.trainer, "generator": experiment.generator or Generator()}


def _follow(contender: Contender, brief: Brief, watch: "Watch", report: Report, resume: Path | None) -> None:
    """Let somebody's own loop train, once for each seed, and look at all of them at every tick."""
    from orchestrator.watch.pace import Pace
    from orchestrator.watch.rounds import Rounds
    from orchestrator.watch.turns import take_turns

    rounds = Rounds(watch, contender.name, Pace.of(brief.budget), brief.generator, report)
    take_turns(TRAINERS[contender.variant], contender.hyperparameters, rounds, resume)


def _fit(contender: Contender, watch: "Watch", report: Report) -> None:
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
        report(_tick(contender, watch, state) | {"began": began, "busy": time.time() - began}, Path(temporary))


def _tick(contender: Contender, watch: "Watch", generator_state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a tick has come to, with all that a reader must know to compare it."""
    # One that diverged has no final score, and puts nobody into a class of its own.
    stopped = any(replica.status == "stopped" and replica.final for replica in watch.replicas)
    return watch.event() | {
        "contender": contender.name,
        "spent": watch.images if "images" in contender.budget else watch.step,
        "time": time.time(),
        "protocol": watch.judge.protocol("final", generator_state),
        "budget_class": budget_class(contender, stopped=stopped),
    }


def budget_class(contender: Contender, *, stopped: bool) -> dict[str, Any]:
    """Return what a score was allowed to cost: unit and amount, training split, and which checkpoint is scored."""
    unit, amount = next((unit, contender.budget[unit]) for unit in ("images", "steps") if unit in contender.budget)
    return {"unit": unit, "amount": amount, "training": "train", "checkpoint": "stopped" if stopped else "final"}


def run(
    config: Mapping[str, Any],
    brief: Brief,
    contenders: Mapping[str, Contender],
    saved: Mapping[str, str],
    crowded: Mapping[str, int],
) -> None:
    """What Ray calls on a worker: what is named in `config`, from its last checkpoint where there is one.

    Where memory was known to be short for it, it begins with as many replicas at once as `crowded` says.
    """
    import ray
    from ray import tune

    from metrics import METRICS
    from orchestrator.machine import chosen_device

    brief.code.load()
    placed = {"node": ray.get_runtime_context().get_node_id(), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", "")}
    sign = -1 if METRICS[brief.objective].higher_is_better else 1
    noted: dict[str, Any] = {}

    def report(event: dict[str, Any], folder: Path) -> None:
        result = {
            "objective": seen(event["objective"], sign),  # Ray always minimises
            "spent": event["spent"],
            "event": json.dumps(event | {"placed": placed} | noted, allow_nan=False),
        }
        noted.clear()
        checkpoint = tune.Checkpoint.from_directory(str(folder))
        checkpoint.set_metadata({"step": event["step"]})
        tune.report(result, checkpoint=checkpoint)

    name = config["contender"]
    pack = [contenders.get(each) or Contender.named(each, config["configuration"]) for each in name.split(TOGETHER)]
    replicas = len(pack) * len(brief.seeds)

    def attempt(together: int) -> None:
        checkpoint = tune.get_checkpoint()
        if checkpoint is None and name in saved:
            checkpoint = tune.Checkpoint(saved[name])
        if (cloned := config.get("cloned")) and (checkpoint is None or _reached(checkpoint) <= cloned["step"]):
            checkpoint = tune.Checkpoint(cloned["checkpoint"])
        here = replace(brief, device=chosen_device(brief.device), together=min(together, replicas))
        with checkpoint.as_directory() if checkpoint else nullcontext() as folder:
            resume = Path(folder) if folder else None
            if len(pack) > 1:
                pursue_pack(pack, here, report, resume=resume)
            else:
                pursue(pack[0], here, report, resume=resume, cloned=cloned)

    try:
        back_off(
            attempt, config.get("together") or crowded.get(name, replicas), lambda told: noted.update(crowded=told)
        )
    except Exception as error:
        reason = one_line(error, REASON)
        failure = {"kind": "failure", "contender": name, "reason": reason}
        tune.report({"objective": WORST, "spent": 0, "event": json.dumps(failure)})


def _reached(checkpoint: Any) -> int:
    """Return the step that was saved."""
    return int(checkpoint.get_metadata()["step"])
