"""What Ray calls on a worker, and what Ray is told."""

import json
import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
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
