"""Tiny worlds for the tests of training: a few samples, a few channels, a few steps."""

from types import SimpleNamespace

import pytest
import torch

from gans import Budget, Progress, Variant, train, variant
from gans.data import Dataset, Finite, Split, load


@pytest.fixture(scope="session")
def points() -> Dataset:
    return load("ring8")


@pytest.fixture(scope="session")
def pictures() -> Dataset:
    """Random images, so small that a step takes a millisecond."""
    random = torch.Generator().manual_seed(0)

    def split() -> Split:
        images = torch.randint(0, 256, (40, 1, 8, 8), generator=random, dtype=torch.uint8)
        return Split(images, torch.arange(40) % 4)

    return Finite(name="pictures", splits={name: split() for name in ("train", "select", "final")})


@pytest.fixture(scope="session")
def world(points, pictures) -> SimpleNamespace:
    """Data by kind, and the few words that the tests of training speak."""
    data = {"points": points, "pictures": pictures}
    return SimpleNamespace(data=data, small=small, after=after, weights=weights, equal=equal)


def small(name: str, **changes: object) -> Variant:
    """A variant with the networks of a dwarf."""
    return variant(name, {"width": 4, "batch": 8, "latent": 4, **changes})


def after(variant: Variant, dataset: Dataset, steps: int, seeds: tuple[int, ...] = (0,)) -> Progress:
    """The progress after `steps`."""
    *_, last = train(variant, dataset, Budget(steps=steps, tick=steps), seeds)
    return last


def weights(progress: Progress) -> dict[str, torch.Tensor]:
    """Everything that training depends on, by stack and name."""
    stacks = progress._pack.stacks
    return {f"{i}.{name}": rows.clone() for i, stack in enumerate(stacks) for name, rows in stack.state.items()}


def equal(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    """Whether two states are the same, bit for bit."""
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
