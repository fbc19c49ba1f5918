"""The training loop: an iterator of progress. The caller takes samples and checkpoints from it, and may leave."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .budget import Budget
from .configuration import ConfigError, as_path, expect, whole
from .data.dataset import Dataset
from .engine import Engine
from .pack import Pack
from .replicas import Replica
from .streams import Device, present
from .variants import Variant

_VARIANT = "a variant, such as gans.variant('gan'), or one for each seed"


@dataclass(frozen=True)
class Progress:
    """A tick: where the training is, and its replicas."""

    step: int
    images: int
    total: int  # of the budget, in the budget's unit
    unit: str
    done: bool
    replicas: tuple[Replica, ...]
    _pack: Pack

    def save(self, folder: Path) -> None:
        """All that is needed to go on bit by bit, as one file in `folder`."""
        self._pack.save(as_path("folder", folder))


def train(
    variant: Variant | Sequence[Variant], dataset: Dataset, budget: Budget, seeds: Sequence[int] = (0,), *,
    device: Device = "cpu", resume: Path | None = None, adopt: bool = False, engine: Engine | None = None,
    together: int | None = None,
) -> Iterator[Progress]:  # fmt: skip
    """Train `variant` once per seed and yield at every tick of `budget`; after `resume`, at those that are left.

    A sequence of variants gives each of the seeds its own: they may differ in the numbers that a replica has to itself.
    With `adopt` the state to resume may come from a variant that differs from this one in such numbers: weights,
    optimisers and averages are taken over, and learning rates, betas and weights of penalties are the new ones.
    At most `together` replicas are computed as one; the others wait for their turn, which takes less memory.
    """
    # What cannot be meant is refused here, before the first tick is asked for.
    expect(Budget, budget, "a budget, such as gans.Budget(images=64_000, tick=6_400)")
    expect(Sequence, seeds, "a sequence of seeds, such as (3,) for seed 3 or range(3) for three seeds")
    if isinstance(variant, str):  # which is a sequence, too
        expect(Variant, variant, _VARIANT)
    variants = list(variant) if isinstance(variant, Sequence) else [variant] * len(seeds)
    pack = _prepared(variants, dataset, seeds, device, Engine() if engine is None else engine, together)
    first, ticks = variants[0], budget.ticks(variants[0])
    if resume is not None:
        pack.load(as_path("resume", resume), ticks[-1], adopt=adopt)
    return _ticks(pack, first, budget, ticks)


def _prepared(
    variants: Sequence[Variant], dataset: Dataset, seeds: Sequence[int], device: Device, engine: Engine,
    together: int | None,
) -> Pack:  # fmt: skip
    """The pack, or the reason why there cannot be one."""
    for each in variants:
        expect(Variant, each, _VARIANT)
    if not hasattr(dataset, "digest"):
        raise ConfigError(f"expected a dataset, such as gans.data.load('ring8'), but {dataset!r} came")
    expect(Engine, engine, "an engine, such as gans.Engine(precision='bf16')")
    if together is not None:
        whole("together", together)
    for seed in seeds:
        whole("a seed", seed, least=0)
    if len(variants) != len(seeds):
        raise ConfigError(f"expected a variant for each seed, but {len(variants)} came for {len(seeds)} seeds")
    if not seeds or len({(repr(each), seed) for each, seed in zip(variants, seeds, strict=True)}) != len(seeds):
        raise ConfigError(f"seeds must be distinct whole numbers, at least one, but {list(seeds)} came")
    variant = variants[0]
    for other in variants:
        if reason := other.fits_beside(variant):
            raise ConfigError(reason)
    if reason := variant.supports(dataset):
        raise ConfigError(f"{variant.name} cannot learn from {dataset.name}: {reason}")
    if reason := engine.misfit(variant):
        raise ConfigError(reason)
    found = present(device)
    engine.check(found)
    return Pack(variants, dataset, seeds, found, engine, together)


def _ticks(pack: Pack, variant: Variant, budget: Budget, ticks: list[int]) -> Iterator[Progress]:
    # A training that was saved at its end is shown once more, for whoever has not yet looked at its last tick.
    for tick in [tick for tick in ticks if tick > pack.step] or ticks[-1:]:
        pack.run(tick)
        images, done = tick * variant.images_per_step, tick == ticks[-1]
        yield Progress(tick, images, budget.total, budget.unit, done, pack.replicas, pack)
        if not any(replica.alive for replica in pack.replicas):
            return
