"""Backing off: where memory does not suffice for all replicas of a trial at once, it goes on with half as many."""

import gc
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator.wording import one_line

Attempt = Callable[[int], None]
"""Trains with at most so many replicas at once, from the last checkpoint."""
Note = Callable[[dict[str, Any]], None]
"""Is told with how many replicas at once it goes on, and why."""

RAYS_WORDS = ("low on memory", "memory_usage_threshold")
"""What only Ray's own reports of killing for memory hold; that the system may have done it, it says of every death."""
KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)
COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))
"""Where Linux counts the processes that it killed for memory: those of our container, and those of the machine."""


def back_off(attempt: Attempt, together: int, note: Note) -> None:
    """Call `attempt` until memory suffices, every time with half as many replicas at once; one alone is refused."""
    while lack := _tried(attempt, together):
        together = fewer(together)
        note(told(together, lack))
        _let_go()


def fewer(together: int) -> int:
    """Return with how many replicas at once one goes on."""
    return max(1, together // 2)


def told(together: int, lack: str) -> dict[str, Any]:
    """Return what is recorded of a trial that goes on with fewer replicas at once."""
    replicas = f"{together} replica{'' if together == 1 else 's'}"
    return {"together": together, "reason": f"memory did not suffice ({lack}); goes on with {replicas} at once"}


def lacks_memory(error: BaseException) -> bool:
    """Does this error say that memory did not suffice, on a GPU or on the processor?"""
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


def killed_for_memory(error: object, killed_before: int) -> str | None:
    """Return who killed a lost worker for its memory, if anybody did: Ray, which says so, or the system, which counts.

    The system tells no names: a worker that dies for another reason while the system kills somebody is taken for him.
    """
    if any(sign in str(error) for sign in RAYS_WORDS):
        return "Ray killed its worker"
    return "the system killed its worker" if kills() > killed_before else None


def kills() -> int:
    """Return how many processes the system has killed for memory; 0 where it does not say."""
    counted = [KILLS.search(path.read_text()) for path in COUNTERS if path.exists()]
    return sum(int(found[1]) for found in counted if found)


def _tried(attempt: Attempt, together: int) -> str | None:
    """Return what memory did not suffice for, in one line."""
    try:
        attempt(together)
    except Exception as error:
        if together == 1 or not lacks_memory(error):
            raise
        return one_line(error)
    return None


def _let_go() -> None:
    """Free what the attempt held."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
