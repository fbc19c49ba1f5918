"""The replicas of one training: in stacks that take turns, saved as one file, and taken up again."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .checkpoint import read, write
from .configuration import ConfigError, describe, differences
from .data.dataset import Dataset, class_shares
from .engine import Engine
from .replicas import Replica, Stack
from .sampling import Generator
from .streams import Device
from .variants import OWN_NUMBERS, Variant

_FILE = "training.safetensors"
_FORMAT = 1
# Without an average there is none to go on with, so its half-life stays what it was.
_ADOPTED = {f"variant.{name}" for name in OWN_NUMBERS if name != "ema_half_life"}


class Pack:
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
        """The step that those have reached that went furthest."""
        return max(stack.step for stack in self.stacks)

    def run(self, until: int) -> None:
        """Let every stack take all steps up to `until`."""
        for stack in self.stacks:
            stack.run(until)

    def save(self, folder: Path) -> None:
        """Write all that training depends on, as one file in `folder`."""
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


def reopen(saved: Path, target: Path, seeds: Sequence[int]) -> None:
    """Write what `Progress.save` wrote in `saved` to `target`, with the replicas of these `seeds` awake again.

    Those that ended because their budget was spent can so go on under a larger one, as if it had been theirs all along.
    """
    tensors, description = read(Path(saved) / _FILE)
    everyone = iter(description["seeds"])
    for i, stack in enumerate(description["stacks"]):
        inside = list(islice(everyone, len(tensors[f"{i}.generator.weights"])))
        stack["ended_at"] = [
            [place, step] for place, step in stack["ended_at"] if inside[place] not in seeds or step < stack["step"]
        ]
    write(Path(target) / _FILE, tensors, description)


def _apart(
    tensors: dict[str, Tensor], stacks: Sequence[dict[str, Any]]
) -> Iterator[tuple[dict[str, Tensor], int, int | None]]:
    """Every replica that was saved by itself: its rows, the step of its stack, and where it ended."""
    for i, stack in enumerate(stacks):
        mine = {name.removeprefix(f"{i}."): rows for name, rows in tensors.items() if name.startswith(f"{i}.")}
        ended = dict(stack["ended_at"])
        for place in range(len(next(iter(mine.values())))):
            yield {name: rows[place : place + 1] for name, rows in mine.items()}, stack["step"], ended.get(place)
