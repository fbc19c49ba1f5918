"""What Ray calls on a worker, and what Ray is told."""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.space import Contender
from orchestrator.trial.brief import Brief
from orchestrator.trial.crowding import back_off
from orchestrator.trial.pursuing import pursue, pursue_pack
from orchestrator.trial.reporting import WORST, seen
from orchestrator.wording import REASON, one_line

TOGETHER = "+"
"""Stands between the names of the contenders that train as one pack."""


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
    from orchestrator.machine import chosen_device

    leave(brief.begun_in)
    brief.code.load()
    name, cloned = config["contender"], config.get("cloned")
    pack = [contenders.get(each) or Contender.named(each, config["configuration"]) for each in name.split(TOGETHER)]
    replicas = len(pack) * len(brief.seeds)
    messenger = Messenger(brief.objective)

    def attempt(together: int) -> None:
        checkpoint = _checkpoint(saved.get(name), cloned)
        here = replace(brief, device=chosen_device(brief.device), together=min(together, replicas))
        with checkpoint.as_directory() if checkpoint else nullcontext() as folder:
            resume = Path(folder) if folder else None
            if len(pack) > 1:
                pursue_pack(pack, here, messenger.report, resume=resume)
            else:
                pursue(pack[0], here, messenger.report, resume=resume, cloned=cloned)

    try:
        back_off(attempt, config.get("together") or crowded.get(name, replicas), messenger.note)
    except Exception as error:
        messenger.fail(name, one_line(error, REASON))


@cache
def leave(folder: str) -> None:
    """Take a folder off this process' path, once: who names a file there like a module does not ask to run it."""
    with suppress(ValueError):
        sys.path.remove(folder)


class Messenger:
    """Brings the reports of a trial to Ray, with where it trains and what was noted since the last one."""

    def __init__(self, objective: str) -> None:
        import ray

        from metrics import METRICS

        self._sign = -1 if METRICS[objective].higher_is_better else 1  # Ray always minimises
        gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        self._placed = {"placed": {"node": ray.get_runtime_context().get_node_id(), "gpus": gpus}}
        self._noted: dict[str, Any] = {}

    def note(self, crowded: dict[str, Any]) -> None:
        """Keep for the next report that memory did not suffice."""
        self._noted["crowded"] = crowded

    def report(self, event: dict[str, Any], folder: Path) -> None:
        """Report a tick, with its checkpoint."""
        from ray import tune

        result = {
            "objective": seen(event["objective"], self._sign),
            "spent": event["spent"],
            "event": json.dumps(event | self._placed | self._noted, allow_nan=False),
        }
        self._noted.clear()
        checkpoint = tune.Checkpoint.from_directory(str(folder))
        checkpoint.set_metadata({"step": event["step"]})
        tune.report(result, checkpoint=checkpoint)

    def fail(self, name: str, reason: str) -> None:
        """Report that nothing more will come of this trial."""
        from ray import tune

        failure = {"kind": "failure", "contender": name, "reason": reason}
        tune.report({"objective": WORST, "spent": 0, "event": json.dumps(failure)})


def _checkpoint(saved: str | None, cloned: Mapping[str, Any] | None) -> Any:
    """Return what to go on from: Ray's last checkpoint or what is `saved`, but never from before it became a copy."""
    from ray import tune

    checkpoint = tune.get_checkpoint()
    if checkpoint is None and saved is not None:
        checkpoint = tune.Checkpoint(saved)
    if cloned and (checkpoint is None or int(checkpoint.get_metadata()["step"]) <= cloned["step"]):
        checkpoint = tune.Checkpoint(cloned["checkpoint"])
    return checkpoint
