"""Training loops under watch: `orchestrator.watch` is where somebody's own loop begins.

Light to import: torch and the judges come with the first watch.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.config.values import Value
    from orchestrator.watch.loop import Loop


def watch(
    name: str,
    *,
    data: "str | Mapping[str, Any]",
    evaluation: Mapping[str, Any] | None = None,
    config: "Mapping[str, Value] | None" = None,
    variant: str = "own loop",
    seed: int = 0,
    budget: Mapping[str, int] | None = None,
    every: int = 1,
    stop: Sequence[Any] = ("diverged",),
    generator: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
    device: str = "cpu",
    resume: bool = False,
    again: bool = False,
    log_system_metrics: bool = False,
) -> "Loop":
    """Watch a training loop of your own: `if watch.tick(step, sample): break`, where `sample(n)` returns n samples.

    Scores, alarms and reasons are recorded under `name` as those of any search are. `data`, `evaluation`, `budget`
    and `stop` are written as in an experiment file, `config` holds what the records should tell of your loop, and
    `generator` says what `sample` returns: `{"range": "-1..1"}` for images. With a budget the last tick is the one
    that reaches it; without one `finish()`, the end of a `with` block or of the program ends the watch, and ticks come
    `every` so many steps. `device` is where samples are judged. `log_system_metrics` tells MLflow of processors, memory
    and GPUs at every tick.
    """
    from orchestrator.watch.beginning import begin

    asked = {"name": name, "variant": variant, "data": data, "seed": seed, "stop": stop}
    asked["log_system_metrics"] = log_system_metrics
    given = {"evaluation": evaluation, "config": config, "budget": budget, "generator": generator}
    asked |= {key: dict(it) if isinstance(it, Mapping) else it for key, it in given.items() if it is not None}
    if budget is None:
        asked["every"] = every
    return begin(asked, home=home, device=device, resume=resume, again=again)
