"""One contender over several processes of its worker: the first looks, decides and reports, the others train along."""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.code import Code
from orchestrator.config.engine import Engine

if TYPE_CHECKING:
    from gans import Progress, Variant
    from gans.data import Dataset

Tell = Callable[[Sequence[int]], object]
"""Says to the others which replicas have ended at this tick."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """What every process of a trial trains, each on its share of every batch."""

    variants: Sequence["Variant"]
    data: dict[str, Any]
    budget: Mapping[str, Any]
    seeds: Sequence[int]
    resume: Path | None
    adopt: bool
    device: str
    threads: int
    processes: int
    engine: Engine
    cache: Path | None
    code: Code
    together: int | None = None

    def ticks(self, dataset: "Dataset", rank: int = 0) -> Iterator["Progress"]:
        """Train in this process, as the one of this rank."""
        import torch

        import gans

        torch.set_num_threads(max(1, self.threads // self.processes))
        device = f"cuda:{rank}" if self.device == "cuda" and self.processes > 1 else self.device
        return gans.train(
            self.variants,
            dataset,
            gans.Budget(**self.budget),
            seeds=self.seeds,
            device=device,
            resume=self.resume,
            adopt=self.adopt,
            engine=self.engine.driving(self.processes),
            together=self.together,
        )


@contextmanager
def accompanied(training: Training) -> Iterator[Tell]:
    """Start the other processes, and let them go at the end, whatever the end is."""
    if training.processes == 1:
        yield len  # nobody is there to be told
        return
    from torch import distributed

    starting = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="ganarena-") as folder:
        meeting = f"file://{folder}/meeting"
        others = [
            starting.Process(target=_train_along, args=(training, rank, meeting), daemon=True)
            for rank in range(1, training.processes)
        ]
        for other in others:
            other.start()
        try:
            _meet(training, 0, meeting)
            yield _told
        finally:
            if distributed.is_initialized():
                distributed.destroy_process_group()
            for other in others:
                other.kill()  # it has nothing of its own to save
                other.join()


def _train_along(training: Training, rank: int, meeting: str) -> None:
    """Take every step with the first process, and end what it ends."""
    from gans.data import load

    training.code.load()
    _meet(training, rank, meeting)
    for progress in training.ticks(load(training.data, cache=training.cache), rank):
        for index in _told(()):
            progress.replicas[index].end()


def _meet(training: Training, rank: int, meeting: str) -> None:
    import torch
    from torch import distributed

    if training.device == "cuda":
        torch.cuda.set_device(rank)
    backend = "nccl" if training.device == "cuda" else "gloo"
    distributed.init_process_group(backend, init_method=meeting, rank=rank, world_size=training.processes)


def _told(ended: Sequence[int]) -> Sequence[int]:
    """Send (from the first process) or receive (in the others) which replicas have ended."""
    from torch import distributed

    box: list[Any] = [list(ended)]
    distributed.broadcast_object_list(box, src=0)
    return list(box[0])
