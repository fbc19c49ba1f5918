"""The ticks of training: every replica is looked at, ended if there is a reason, saved and reported."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.space import Contender
from orchestrator.trial.brief import Brief
from orchestrator.trial.reporting import Report, packed, tick

if TYPE_CHECKING:
    from gans import Progress, Replica, Variant
    from orchestrator.trial.companions import Tell
    from orchestrator.watch.replicas import Replica as Watched
    from orchestrator.watch.ticks import Watch


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


def train(members: Sequence[Member], brief: Brief, report: Report, resume: Path | None, *, adopt: bool = False) -> None:
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
        engine=brief.engine,
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
            _save(progress, members, live, ended, folder)
            now = {
                "began": began,
                "parameters": live[0][2].parameters,
                "replicas_at_once": brief.together or len(seats),
            }
            present = list({id(member): member for member, *_ in live}.values())
            now["busy"] = (time.time() - mark) / len(present)
            state = live[0][2].generator_state
            events = [tick(each.contender, each.watch, state) | now | {"folder": each.folder} for each in present]
            report(events[0] if len(members) == 1 else packed(events), folder)
            mark = time.time()  # waiting for the driver is nobody's training
        if all(member.watch.over for member in members):
            return


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


def _save(
    progress: "Progress",
    members: Sequence[Member],
    live: Sequence[tuple[Member, int, "Replica"]],
    ended: Sequence["Replica"],
    folder: Path,
) -> None:
    """Write the checkpoint: the state of the training, and for each member what was seen of it."""
    progress.save(folder / "training")
    for member in members:
        (folder / member.folder).mkdir(exist_ok=True)
        member.watch.save(folder / member.folder)
    for member, index, replica in live:
        _keep(member.watch.replicas[index], replica, folder / member.folder, ended=replica in ended)


def _keep(watched: "Watched", replica: "Replica", folder: Path, *, ended: bool) -> None:
    """Write what must outlive the checkpoint: the picture, and the generator of one that has ended."""
    if watched.picture is not None:
        watched.picture.save(folder / f"samples_{watched.seed}.png")
    if ended and watched.final is not None:
        replica.save_generator(folder / f"generator_{watched.seed}")
