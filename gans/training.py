"""The training loop: an iterator of progress. The caller takes samples and checkpoints from it, and may leave."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .checkpoint import read, write
from .configuration import ConfigError, describe, differences, whole
from .data.dataset import Dataset, class_shares
from .engine import Engine
from .replicas import Stack
from .sampling import Generator
from .streams import Device, generator
from .variants import OWN_NUMBERS, Variant

_FILE = "training.safetensors"
_FORMAT = 1
# Without an average there is none to go on with, so its half-life stays what it was.
_ADOPTED = {f"variant.{name}" for name in OWN_NUMBERS if name != "ema_half_life"}


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long to train, in generator updates or in real images shown, and how often to look, in the same unit."""

    steps: int | None = None
    images: int | None = None
    tick: int

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.images is None):
            raise ConfigError(
                f"a budget is either steps or images, but steps={self.steps} and images={self.images} came"
            )
        whole(self.unit, self.total)
        whole("tick", self.tick)
        if self.tick > self.total:
            raise ConfigError(f"the tick of {self.tick} {self.unit} is beyond the budget of {self.total} {self.unit}")

    @property
    def unit(self) -> str:
        return "steps" if self.images is None else "images"

    @property
    def total(self) -> int:
        return (self.steps if self.images is None else self.images) or 0

    def ticks(self, variant: Variant) -> list[int]:
        """The steps after which a tick is due: the first to reach each multiple of the tick, and the budget's end."""
        per_step = variant.images_per_step if self.unit == "images" else 1
        marks = [*range(self.tick, self.total, self.tick), self.total]
        return sorted({-(-mark // per_step) for mark in marks})


class Replica:
    """One seed of a training, at the tick that was just reached; it moves on with the training."""

    def __init__(self, index: int, stack: Stack, place: int, sampler: Generator) -> None:
        self.index, self.seed = index, stack.seeds[place]
        self._stack, self._place, self._sampler = stack, place, sampler

    @property
    def alive(self) -> bool:
        return self._stack.alive(self._place)

    @property
    def step(self) -> int:
        """The step that its weights have reached."""
        return self._stack.step_of(self._place)

    @property
    def diagnostics(self) -> dict[str, float]:
        """Losses, logits, gradient norms and the number of weights that are not finite, at the last step."""
        return self._stack.diagnostics(self._place)

    @property
    def parameters(self) -> int:
        """How many numbers learn, of both players."""
        return int(self._stack.generator.weights.shape[1] + self._stack.discriminator.weights.shape[1])

    @property
    def generator_state(self) -> dict[str, str | None]:
        """What a score of its samples depends on, beside the weights."""
        return self._sampler.state

    def sample(self, n: int, stream: str = "tick") -> Tensor:
        """`n` samples, `[n, ...]`: images from -1 to 1, points as they are; given by seed, step and stream alone."""
        return self.sample_labelled(n, stream)[0]

    def sample_labelled(self, n: int, stream: str = "tick") -> tuple[Tensor, Tensor | None]:
        """What `sample` gives, and the classes `[n]` that the generator was told, if it is told any."""
        self._show()
        random = generator(self.seed, "sample", stream, self.step, device=self._stack.device)
        return self._sampler.draw_labelled(n, random)

    def logits(self, samples: Tensor, known: Tensor | None = None) -> Tensor:
        """The discriminator's logits of being real, `[n]`, for samples as `sample` gives them, moving nothing.

        `known` is what a structure joins to samples: labels as rows with a single 1, or latents.
        """
        return self._stack.look(self._place, samples, known)

    def save_generator(self, folder: Path) -> None:
        """Write the generator that `sample` draws from, for `load_generator`."""
        self._show()
        about = {"variant": describe(self._stack.variants[self._place]), "seed": self.seed, "step": self.step}
        data = {"name": self._stack.dataset.name, "digest": self._stack.dataset.digest}
        self._sampler.save(Path(folder), **about, data=data)

    def end(self) -> None:
        """Freeze it as it is; its neighbours go on, with the same bits as before."""
        self._stack.end(self._place)

    def _show(self) -> None:
        row = slice(self._place, self._place + 1)
        player, average = self._stack.generator, self._stack.average
        self._sampler.show((player.weights if average is None else average)[row], player.statistics[row])


@dataclass(frozen=True)
class Progress:
    """A tick: where the training is, and its replicas."""

    step: int
    images: int
    total: int  # of the budget, in the budget's unit
    unit: str
    done: bool
    replicas: tuple[Replica, ...]
    _pack: "_Pack"

    def save(self, folder: Path) -> None:
        """All that is needed to go on bit by bit, as one file in `folder`."""
        self._pack.save(Path(folder))


class _Pack:
    """All replicas, in stacks that take turns: one for all, or for `together` of them, if networks have an axis."""

    def __init__(
        self, variants: Sequence[Variant], dataset: Dataset, seeds: Sequence[int], device: Device, engine: Engine,
        together: int | None = None,
    ) -> None:  # fmt: skip
        variant, everyone = variants[0], range(len(seeds))
        size = together or len(seeds) if variant.networks.stacks(dataset.shape) else 1
        self.parts = [everyone[first : first + size] for first in everyone[::size]]
        self.stacks = [
            Stack([variants[i] for i in part], dataset, [seeds[i] for i in part], device=device, engine=engine)
            for part in self.parts
        ]
        alike = all(each == variant for each in variants)
        self.description = {
            "variant": describe(variant) if alike else [describe(each) for each in variants],
            "data": {"name": dataset.name, "digest": dataset.digest},
            "seeds": list(seeds),
            "engine": describe(engine),
        }
        first = self.stacks[0].generator
        sampler = Generator(
            variant.networks, variant.structure, dataset.shape, variant.latent, shares=class_shares(dataset),
            averaged=variant.ema_half_life is not None, weights=first.weights[:1],
            statistics=first.statistics[:1],
        )  # fmt: skip
        places = [(stack, place) for stack in self.stacks for place in range(len(stack.seeds))]
        self.replicas = tuple(Replica(index, *where, sampler) for index, where in enumerate(places))

    @property
    def step(self) -> int:
        return max(stack.step for stack in self.stacks)

    def run(self, until: int) -> None:
        for stack in self.stacks:
            stack.run(until)

    def save(self, folder: Path) -> None:
        tensors = {f"{i}.{name}": rows for i, stack in enumerate(self.stacks) for name, rows in stack.state.items()}
        stacks = [{"step": stack.step, "ended_at": list(stack.ended_at.items())} for stack in self.stacks]
        write(folder / _FILE, tensors, {"format": _FORMAT, **self.description, "stacks": stacks})

    def load(self, folder: Path, last: int, *, adopt: bool = False) -> None:
        """Go on from what `save` wrote, if that is this very training and not beyond step `last`.

        With `adopt` it may have had other numbers of its own; those that hold from here on are the ones given now.
        """
        tensors, saved = read(folder / _FILE)
        expected = {"format": _FORMAT, **self.description}
        theirs = {name: saved.get(name) for name in expected}
        found = [each for each in differences(expected, theirs) if not (adopt and each.partition(": ")[0] in _ADOPTED)]
        if found:
            raise ConfigError(f"{folder} was saved by another training, so it cannot go on here: {'; '.join(found)}")
        if (reached := max(where["step"] for where in saved["stacks"])) > last:
            raise ConfigError(
                f"{folder} has reached step {reached}, beyond this budget of {last} steps; raise the budget"
            )
        replicas = list(_apart(tensors, saved["stacks"]))  # who trained together then need not do so now
        for stack, part in zip(self.stacks, self.parts, strict=True):
            rows, steps, ends = zip(*(replicas[i] for i in part), strict=True)
            state = {name: torch.cat([each[name] for each in rows]) for name in stack.state}
            stack.restore(state, max(steps), {place: end for place, end in enumerate(ends) if end is not None})


def _apart(
    tensors: dict[str, Tensor], stacks: Sequence[dict[str, Any]]
) -> Iterator[tuple[dict[str, Tensor], int, int | None]]:
    """Every replica that was saved by itself: its rows, the step of its stack, and where it ended."""
    for i, stack in enumerate(stacks):
        mine = {name.removeprefix(f"{i}."): rows for name, rows in tensors.items() if name.startswith(f"{i}.")}
        ended = dict(stack["ended_at"])
        for place in range(len(next(iter(mine.values())))):
            yield {name: rows[place : place + 1] for name, rows in mine.items()}, stack["step"], ended.get(place)


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
    variants = [variant] * len(seeds) if isinstance(variant, Variant) else list(variant)
    pack = _prepared(variants, dataset, seeds, device, engine or Engine(), together)
    first, ticks = variants[0], budget.ticks(variants[0])
    if resume is not None:
        pack.load(Path(resume), ticks[-1], adopt=adopt)
    return _ticks(pack, first, budget, ticks)


def reopen(saved: Path, target: Path, seeds: Sequence[int]) -> None:
    """Write what `Progress.save` wrote in `saved` to `target`, with the replicas of these `seeds` awake again.

    Those that ended because their budget was spent can so go on under a larger one, as if it had been theirs all along.
    """
    tensors, description = read(Path(saved) / _FILE)
    stacks, everyone = description["stacks"], description["seeds"]
    for i, stack in enumerate(stacks):
        inside = everyone if len(stacks) == 1 else everyone[i : i + 1]
        stack["ended_at"] = [
            [place, step] for place, step in stack["ended_at"] if inside[place] not in seeds or step < stack["step"]
        ]
    write(Path(target) / _FILE, tensors, description)


def _prepared(
    variants: Sequence[Variant], dataset: Dataset, seeds: Sequence[int], device: Device, engine: Engine,
    together: int | None,
) -> _Pack:  # fmt: skip
    """The pack, or the reason why there cannot be one."""
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
    parts = engine.accumulate * engine.processes
    if variant.batch % (parts * variant.packing):
        raise ConfigError(f"a batch of {variant.batch} cannot be cut into {parts} parts; take a multiple")
    if engine.compiled and variant.penalty is not None:
        raise ConfigError(
            f"{variant.name} cannot be compiled: {variant.penalty} takes slopes of slopes; run it as it is"
        )
    return _Pack(variants, dataset, seeds, torch.device(device), engine, together)


def _ticks(pack: _Pack, variant: Variant, budget: Budget, ticks: list[int]) -> Iterator[Progress]:
    # A training that was saved at its end is shown once more, for whoever has not yet looked at its last tick.
    for tick in [tick for tick in ticks if tick > pack.step] or ticks[-1:]:
        pack.run(tick)
        images, done = tick * variant.images_per_step, tick == ticks[-1]
        yield Progress(tick, images, budget.total, budget.unit, done, pack.replicas, pack)
        if not any(replica.alive for replica in pack.replicas):
            return
