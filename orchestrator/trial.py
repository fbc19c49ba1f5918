"""One contender with all of its replicas: train, score at every tick, report, and leave when there is a reason."""

import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.code import TRAINERS, Code
from orchestrator.config.models import Budget, Data, Evaluation, Experiment, Generator, SearchExperiment, Stop
from orchestrator.space import Contender

if TYPE_CHECKING:
    from orchestrator.home import Home
    from orchestrator.judging import Judge
    from orchestrator.search.planning import Plan
    from orchestrator.watch import Watch

Report = Callable[[dict[str, Any], Path], None]

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
    deadline: float = math.inf
    """When nobody starts any more, by the clock on the wall."""
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
            code=experiment.code,
            **_own_loop(experiment),
        )


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
    import torch

    import gans

    torch.set_num_threads(brief.threads)
    if time.time() >= brief.deadline:
        return
    brief.code.load()
    judge = judge_of(contender, brief)
    watch = watch_of(brief, judge)
    judge.prepare()
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
    training = gans.train(
        gans.variant(contender.variant, contender.hyperparameters | (cloned["now"] if cloned else {})),
        judge.dataset,
        gans.Budget(**contender.budget),
        seeds=brief.seeds,
        device=brief.device,
        resume=resume and resume / "training",
        adopt=cloned is not None,
    )
    mark = began = time.time()
    for progress in training:
        ended = []
        live = [replica for replica in progress.replicas if replica.alive]
        trained = (time.time() - mark) / len(live)
        for replica in live:
            reason = watch.look(
                replica.index,
                replica.sample,
                step=progress.step,
                images=progress.images,
                share=min(1.0, brief.budget.spent(progress) / brief.budget.amount),
                diagnostics=replica.diagnostics,
                trained=trained,
            )
            if reason or progress.done:
                status = "stopped" if reason else "finished"
                final = partial(replica.sample, stream="final")
                watch.conclude(replica.index, final, status=status, reason=reason)
                replica.end()
                ended.append(replica)
        with tempfile.TemporaryDirectory(prefix="ganarena-") as temporary:
            folder = Path(temporary)
            progress.save(folder / "training")
            watch.save(folder)
            for replica in live:
                watched = watch.replicas[replica.index]
                if watched.picture is not None:
                    watched.picture.save(folder / f"samples_{watched.seed}.png")
                if replica in ended and watched.final is not None:
                    replica.save_generator(folder / f"generator_{watched.seed}")
            state = progress.replicas[0].generator_state
            event = _tick(contender, watch, state) | {"began": began, "busy": time.time() - mark}
            event["parameters"] = progress.replicas[0].parameters
            report(event, folder)
            mark = time.time()  # waiting for the driver is nobody's training
        if watch.over:
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


def _own_loop(experiment: Experiment) -> dict[str, Any]:
    """Return what a trial is told of somebody's own loop, where one stands in place of a variant."""
    if not isinstance(experiment, SearchExperiment) or experiment.trainer is None:
        return {}
    return {"trainer": experiment.trainer, "generator": experiment.generator or Generator()}


def _follow(contender: Contender, brief: Brief, watch: "Watch", report: Report, resume: Path | None) -> None:
    """Let somebody's own loop train, once for each seed, and look at all of them at every tick."""
    from orchestrator.pace import Pace
    from orchestrator.rounds import Rounds
    from orchestrator.turns import take_turns

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


def run(config: Mapping[str, Any], brief: Brief, contenders: Mapping[str, Contender], saved: Mapping[str, str]) -> None:
    """What Ray calls on a worker: the contender named in `config`, from its last checkpoint where there is one."""
    import ray
    from ray import tune

    from metrics import METRICS
    from orchestrator.machine import chosen_device

    brief.code.load()
    placed = {"node": ray.get_runtime_context().get_node_id(), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", "")}
    sign = -1 if METRICS[brief.objective].higher_is_better else 1

    def report(event: dict[str, Any], folder: Path) -> None:
        result = {
            "objective": seen(event["objective"], sign),  # Ray always minimises
            "spent": event["spent"],
            "event": json.dumps(event | {"placed": placed}, allow_nan=False),
        }
        checkpoint = tune.Checkpoint.from_directory(str(folder))
        checkpoint.set_metadata({"step": event["step"]})
        tune.report(result, checkpoint=checkpoint)

    name = config["contender"]
    contender = contenders.get(name) or Contender.named(name, config["configuration"])
    checkpoint = tune.get_checkpoint()
    if checkpoint is None and contender.name in saved:
        checkpoint = tune.Checkpoint(saved[contender.name])
    if (cloned := config.get("cloned")) and (checkpoint is None or _reached(checkpoint) <= cloned["step"]):
        checkpoint = tune.Checkpoint(cloned["checkpoint"])
    try:
        brief = replace(brief, device=chosen_device(brief.device))
        if checkpoint is None:
            pursue(contender, brief, report)
        else:
            with checkpoint.as_directory() as folder:
                pursue(contender, brief, report, resume=Path(folder), cloned=cloned)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        failure = {"kind": "failure", "contender": contender.name, "reason": reason}
        tune.report({"objective": WORST, "spent": 0, "event": json.dumps(failure)})


def _reached(checkpoint: Any) -> int:
    """Return the step that was saved."""
    return int(checkpoint.get_metadata()["step"])
