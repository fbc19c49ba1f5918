"""The duality gap: how much either player could still win alone, on unseen data (Grnarova et al., 2019)."""

import torch
from torch import Tensor

from .data.dataset import Dataset, Finite, Split
from .replicas import Replica, Stack
from .rules import Shown

_BATCHES = 20  # on which a value is taken


def duality_gap(replica: Replica, *, steps: int = 100) -> float:
    """max over D' of V(D', G) minus min over G' of V(D, G'): 0 at an equilibrium, large where either can win at once.

    Both maxima are looked for from where the replica stands, by `steps` updates on one half of the `select` split, and
    the values are taken on the other half: minus the discriminator's loss, without penalties. Training is left alone.
    """
    stack, place = replica._stack, replica._place
    seen, unseen = _halves(stack.dataset)
    sharper, luckier = stack.alone(place, seen), stack.alone(place, seen)
    for _ in range(steps):
        _sharpen(sharper)
        _undercut(luckier)
    return _value(sharper.alone(0, unseen)) - _value(luckier.alone(0, unseen))


def _sharpen(stack: Stack) -> None:
    """A step of the discriminator alone."""
    turns = stack.variant.discriminator_steps
    shown = stack.shown(0, 0, graph=False)
    stack.discriminator.look_downhill(stack.discriminator_loss(shown, 0, 0))
    stack.discriminator.descend(stack.step * turns + 1)
    stack.constrain()
    stack.step += 1


def _undercut(stack: Stack) -> None:
    """A step of the generator alone, down the value that the discriminator climbs."""
    shown = stack.shown(0, 0, graph=True)
    with stack.discriminator.visited():
        value = _game(stack, shown)
    stack.generator.look_downhill(value)
    stack.generator.descend(stack.step + 1)
    stack.step += 1


@torch.no_grad()
def _value(stack: Stack) -> float:
    """The mean value of the game over the same batches for everyone."""
    total = 0.0
    for stack.step in range(_BATCHES):
        with stack.discriminator.aside():
            total += float(_game(stack, stack.shown(0, 0, graph=False)))
    return total / _BATCHES


def _game(stack: Stack, shown: Shown) -> Tensor:
    """V(D, G) on a batch, `[R]`."""
    judged = stack.rules.judge(stack.discriminator, shown.real, shown.fake)
    logits = (stack.variant.structure.logits(answers) for answers in judged)
    return -stack.variant.loss.discriminator(*logits).mean(1)


def _halves(dataset: Dataset) -> tuple[Finite, Finite]:
    """The `select` split as two data sets to learn from."""
    select = dataset.split("select")
    middle = len(select) // 2
    parts = [
        Split(select.samples[part], None if select.labels is None else select.labels[part])
        for part in (slice(None, middle), slice(middle, None))
    ]
    seen, unseen = (
        Finite(name=dataset.name, splits=dict.fromkeys(("train", "select", "final"), part), classes=dataset.classes)
        for part in parts
    )
    return seen, unseen
