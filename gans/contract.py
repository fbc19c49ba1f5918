"""What the engine expects of somebody's own loss, penalty, networks or variant, as checks for their tests.

    from gans.contract import check_variant

    def test_my_variant_keeps_the_contract():
        check_variant(my_variant(), gans.data.load("ring8"))

Every check returns nothing, or raises a `ContractError` that says which promise is broken. The catalogue passes all.
"""

import pickle
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .budget import Budget
from .data.dataset import Dataset
from .losses import Loss
from .networks import Modes, Networks
from .penalties import Penalty
from .streams import generator, seeded
from .training import Progress, train
from .variants import Variant

_STEPS = 6
_SEEDS = (3, 5, 4)
_ROUNDING = 1e-3  # how far a few steps may carry a replica of a pack from its solo run


class ContractError(AssertionError):
    """A promise that the engine relies on is broken."""


def check_loss(loss: Loss) -> None:
    """A value per sample; the discriminator parts reals from fakes, the generator raises the logits of its samples."""
    _check_value(loss)
    real, fake = (torch.tensor([row], dtype=torch.float64) for row in ([0.75, -1.0, 0.5], [0.25, 0.9, 0.5]))
    real.requires_grad_()
    fake.requires_grad_()
    judged, answered = loss.discriminator(real, fake), loss.generator(real, fake)
    _require(judged.shape == real.shape == answered.shape, "a loss is one value per sample; the caller takes the mean")
    for_real, for_fake = torch.autograd.grad(judged.sum(), (real, fake))
    _require(bool((for_real < 0).all()), "the discriminator should gain by raising the logits of reals")
    _require(bool((for_fake > 0).all()), "the discriminator should gain by lowering the logits of fakes")
    (for_fake,) = torch.autograd.grad(answered.sum(), (fake,))
    _require(bool((for_fake < 0).all()), "the generator should gain by raising the logits of its samples")
    moved = loss.generator(real + 1, fake)
    _require(loss.pairs or torch.equal(moved, answered), "a generator's loss that reads reals has to say pairs = True")


def check_penalty(penalty: Penalty) -> None:
    """A value per sample that is not negative, that the weights can learn from, whatever the rest of the batch is."""
    _check_value(penalty)
    with seeded(0, "contract"):
        network = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    real, fake = _points(5, 2), _points(5, 2, "fake")

    def value(rows: slice) -> Tensor:
        return penalty(
            lambda samples: network(samples).squeeze(2), real[:, rows], fake[:, rows],
            lambda shape: torch.full(shape, 0.5, dtype=torch.float64),
        )  # fmt: skip

    whole = value(slice(None))
    _require(whole.shape == (1, 5), f"a penalty is one value per sample, [R, N], but {tuple(whole.shape)} came")
    _require(bool((whole >= 0).all()), "a penalty should not be negative")
    slopes = torch.autograd.grad(whole.sum(), list(network.parameters()), allow_unused=True)
    learns = any(slope is not None and bool(slope.any()) for slope in slopes)
    _require(learns, "nothing leads from the penalty to the weights: take its slope with create_graph=True")
    alone = torch.allclose(whole[:, :2], value(slice(2)))
    _require(alone or not penalty.per_sample, "a penalty per sample must not depend on the other samples")


def check_networks(networks: Networks, shape: tuple[int, ...], *, latent: int = 5) -> None:
    """Shapes `[R, N, ...]`, images within -1 and 1, replicas apart, and the truth about who sees whom."""
    _check_value(networks)
    _require(networks.supports(shape) is None, f"{networks} do not support {shape}: {networks.supports(shape)}")
    replicas = 3 if networks.stacks(shape) else 1
    for outputs in (1, 4):
        with seeded(0, "contract"):
            g = networks.generator(shape, latent, replicas)
            d = networks.discriminator(shape, replicas, outputs)
        samples = g(_points(6, latent, replicas=replicas).float())
        _require(samples.shape == (replicas, 6, *shape), f"a generator gave {tuple(samples.shape)}")
        _require(len(shape) == 1 or float(samples.detach().abs().max()) <= 1, "images lie between -1 and 1")
        Modes(d).set("visiting")
        answers = d(samples)
        wanted = (replicas, 6) if outputs == 1 else (replicas, 6, outputs)
        _require(answers.shape == wanted, f"a discriminator gave {tuple(answers.shape)} in place of {wanted}")
        alone = torch.allclose(d(samples[:, :3]), answers[:, :3], atol=1e-5)
        _require(
            alone or networks.discriminator_mixes_samples,
            "discriminator_mixes_samples is False, but a logit depends on the rest of its batch",
        )
        others = torch.cat([samples[:1], samples[1:] + 1])
        _require(torch.equal(d(others)[0], answers[0]), "a replica's logits depend on another replica's samples")


def check_variant(variant: Variant, dataset: Dataset) -> None:
    """It trains to finite samples, repeats bit by bit, resumes bit by bit, and is the same alone as in a pack."""
    _check_value(variant)
    start, whole = _after(variant, dataset, 1), _after(variant, dataset, _STEPS)
    replica = whole.replicas[0]
    samples = replica.sample(5)
    _require(samples.shape == (5, *dataset.shape), f"samples have the shape {tuple(samples.shape)}")
    _require(bool(samples.isfinite().all()) and replica.diagnostics["nonfinite"] == 0, "numbers are not finite")
    _require(dataset.kind == "points" or float(samples.abs().max()) <= 1, "images lie between -1 and 1")
    _require(not torch.equal(samples, whole.replicas[1].sample(5)), "two seeds give the same samples")

    state, before = _state(whole), _state(start)
    for player in ("generator", "discriminator"):
        moved = any(not torch.equal(state[name], before[name]) for name in state if name.endswith(f"{player}.weights"))
        _require(moved, f"the {player} did not move")
    torch.rand(3)  # somebody else draws from the global stream
    _require(_equal(_state(_after(variant, dataset, _STEPS)), state), "the same training gave other bits")

    with tempfile.TemporaryDirectory() as folder:
        path, budget = Path(folder), Budget(steps=_STEPS, tick=2)
        (stopped,) = islice(train(variant, dataset, budget, _SEEDS), 1)
        stopped.replicas[0].sample(9)
        stopped.save(path)
        *_, resumed = train(variant, dataset, budget, _SEEDS, resume=path)
    _require(_equal(_state(resumed), state), "a training that was looked at, stopped and resumed gave other bits")

    alone = _after(variant, dataset, _STEPS, _SEEDS[:1]).replicas[0].sample(5)
    _require(torch.allclose(alone, samples, atol=_ROUNDING), "a replica differs alone from what it is in a pack")


def _after(variant: Variant, dataset: Dataset, steps: int, seeds: tuple[int, ...] = _SEEDS) -> Progress:
    *_, last = train(variant, dataset, Budget(steps=steps, tick=steps), seeds)
    return last


def _state(progress: Progress) -> dict[str, Tensor]:
    """All that training depends on; copies, because the rows move on."""
    stacks = progress._pack.stacks
    return {f"{i}.{name}": rows.clone() for i, stack in enumerate(stacks) for name, rows in stack.state.items()}


def _equal(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def _points(count: int, width: int, name: str = "real", replicas: int = 1) -> Tensor:
    return torch.randn(replicas, count, width, generator=generator(0, "contract", name), dtype=torch.float64)


def _check_value(part: Any) -> None:
    """A part of a configuration travels to workers, is compared and is written down."""
    try:
        travelled = pickle.loads(pickle.dumps(part))  # noqa: S301
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ContractError(f"{part!r} cannot travel to a worker: {error}") from None
    _require(travelled == part, f"{part!r} is not equal to its own copy; make it a frozen dataclass")


def _require(kept: bool, otherwise: str) -> None:
    if not kept:
        raise ContractError(otherwise)
