"""What trials need: a few steps of each kind of contender tell memory and time before any of them starts."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.config.models import Experiment, SearchExperiment
from orchestrator.machine import devices
from orchestrator.space import Contender, canonical, contenders, up_front

if TYPE_CHECKING:
    from orchestrator.home import Home
    from orchestrator.judging import Judge
    from orchestrator.search.plan import Plan

TRYING_SECONDS = 5.0
"""After so long no further kind of contender is tried."""
STEPS = 8
SECONDS_OF_STEPS = 0.5
SAMPLES = 64
SELF = Path("/proc/self")


@dataclass(frozen=True, kw_only=True)
class Need:
    """What one trial is expected to take: bytes of a whole worker, bytes on its GPU, seconds of its whole budget."""

    memory: int | None
    gpu_memory: int | None
    seconds: float


def measured(plan: "Plan", home: "Home") -> dict[str, Need]:
    """Return what the contenders need, as far as some of their kind could be tried in a few seconds.

    This process holds what a worker holds besides: libraries, data and judge. What metrics compute from features is
    not tried, nor is somebody's own loop.
    """
    from gans import data
    from orchestrator.judging import Judge

    if plan.device not in devices():
        return {}  # a cluster's workers find their device themselves, and this machine may have another
    experiment, found, spent = plan.experiment, dict[str, Need](), 0.0
    trainable, judges = _trainable(plan), dict[str, Judge]()
    mates = Counter({name: len(pack) for pack in plan.packs for name in pack})
    for contender in trainable:
        if (kind := _kind(contender)) not in found and spent < TRYING_SECONDS:
            if (reals := canonical(contender.data)) not in judges:
                dataset = data.load(contender.data, cache=home.cache, keep=False)  # a dry run writes nothing
                judges[reals] = Judge(dataset, experiment.evaluation, cache=home.cache)
            mark = time.perf_counter()
            with _threads(plan.threads):
                found[kind] = _tried(contender, experiment, judges[reals], plan.device, together=mates[contender.name])
            spent += time.perf_counter() - mark
    return {contender.name: found[kind] for contender in trainable if (kind := _kind(contender)) in found}


def _trainable(plan: "Plan") -> list[Contender]:
    """Return whom a few steps tell something of: neither baselines nor somebody's own loop.

    Of those that are drawn as results come nobody is known yet; what chance would draw stands for them.
    """
    import gans

    experiment, known = plan.experiment, list(plan.contenders.values())
    if isinstance(experiment, SearchExperiment) and experiment.adaptive:
        known = contenders(up_front(experiment))
    return [contender for contender in known if contender.variant in gans.VARIANTS]


def _kind(contender: Contender) -> str:
    """Return what contenders share that take equally long: all but the rates."""
    shape = {name: "some" if isinstance(value, float) else value for name, value in contender.hyperparameters.items()}
    return canonical([contender.variant, shape, contender.data])


def _tried(contender: Contender, experiment: Experiment, judge: "Judge", device: str, *, together: int) -> Need:
    """Take a few steps and read a few samples; with so many contenders in a pack, each is one seed more of this one."""
    import gans
    from metrics.features import extract

    variant = gans.variant(contender.variant, contender.hyperparameters)
    replicas = len(experiment.seeds) * max(1, together)
    engine = replace(experiment.engine.driving(1), compiled=False)  # to compile takes longer than all that is tried
    with _peak(device) as peak:
        training = gans.train(
            variant,
            judge.dataset,
            gans.Budget(steps=STEPS, tick=1),
            seeds=range(replicas),
            device=device,
            engine=engine,
        )
        last = next(training)  # the first step also sets up what the others use
        mark = time.perf_counter()
        while time.perf_counter() - mark < SECONDS_OF_STEPS and (following := next(training, None)):
            last = following
        step = (time.perf_counter() - mark) / (last.step - 1)
        for _ in range(2):  # the second time counts, for the first one also sets up
            mark = time.perf_counter()
            samples = last.replicas[0].sample(SAMPLES).cpu().nan_to_num(0, 0, 0)  # to diverge takes as long
            extract(judge.extractor, samples, range="-1..1" if judge.dataset.kind == "images" else "features")
            sample = (time.perf_counter() - mark) / SAMPLES
    ticks = gans.Budget(**contender.budget).ticks(variant)
    scored = replicas * (len(ticks) * judge.count("select") + judge.count("final"))
    return Need(memory=peak.memory, gpu_memory=peak.gpu_memory, seconds=ticks[-1] * step + scored * sample)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute with as many threads as a trial."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class _Peak:
    memory: int | None = None
    gpu_memory: int | None = None


@contextmanager
def _peak(device: str) -> Iterator[_Peak]:
    """Tell the most bytes that this process has held within, in all and on its GPU, where the system says so."""
    import torch

    found, watched = _Peak(), (SELF / "clear_refs").exists()
    if watched:
        (SELF / "clear_refs").write_text("5")  # Linux forgets the peak before
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    yield found
    if watched:
        lines = (SELF / "status").read_text().splitlines()
        found.memory = next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    if device == "cuda":
        found.gpu_memory = torch.cuda.max_memory_allocated()


def largest(numbers: Iterable[float | None]) -> float | None:
    """Return the largest that is known."""
    return max((number for number in numbers if number is not None), default=None)
