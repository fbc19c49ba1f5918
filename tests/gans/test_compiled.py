"""A compiled step is the step that is played: the same numbers for every variant, and refusals where there is none."""

from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch._dynamo.exc import TorchDynamoException

from gans import Budget, ConfigError, Engine, compiled, train, variant
from gans.optimisers import Adam
from gans.replicas import Stack
from gans.schedules import Linear
from gans.variants import VARIANTS

COMPILED = Engine(compiled=True)
ON_POINTS = [name for name in VARIANTS if name not in ("dcgan", "sngan") and variant(name).penalty is None]
ON_PICTURES = ["dcgan", "lsgan", "sngan", "acgan", "bigan"]
PLAYED = [*((name, "points") for name in ON_POINTS), *((name, "pictures") for name in ON_PICTURES)]
FIELDS = [
    {"simultaneous": True}, {"discriminator_steps": 3}, {"ema_half_life": 16.0}, {"schedule": Linear(images=64)},
]  # fmt: skip


def both(world, name, kind, seeds, dtype=torch.float64, **fields):
    """Two stacks of the same replicas, of which the second is compiled."""
    made = replace(world.small(name), **fields)
    mine = seeds if made.networks.stacks(world.data[kind].shape) else seeds[:1]
    return [
        Stack([made] * len(mine), world.data[kind], mine, dtype=dtype, engine=engine) for engine in (Engine(), COMPILED)
    ]


def compare(played, other, *, within, steps=3):
    """Both after so many steps: what they are, what their slopes were, and what was said in the last step."""
    for stack in (played, other):
        for _ in range(steps):
            stack.advance()
    assert other.last.keys() == played.last.keys()
    for ours, theirs in (
        (played.state, other.state),
        (played.last, other.last),
        *(({"slopes": a.gradient}, {"slopes": b.gradient}) for a, b in zip(*sides(played, other), strict=True)),
    ):
        for name, value in ours.items():
            assert torch.allclose(theirs[name], value, rtol=0, atol=within), name


def sides(*stacks):
    return [list(stack.players.values()) for stack in stacks]


@pytest.fixture
def as_it_stands(monkeypatch):
    """The step runs without a compiler."""
    monkeypatch.setattr(compiled, "_compiled", lambda step, _device: step)


@pytest.mark.parametrize(("name", "kind"), PLAYED)
def test_the_step_that_is_compiled_is_the_step_that_is_played(name, kind, world, as_it_stands):
    compare(*both(world, name, kind, (0, 1, 2)), within=1e-9)


@pytest.mark.parametrize("fields", FIELDS, ids=repr)
@pytest.mark.parametrize(("name", "kind"), [("gan", "points"), ("dcgan", "pictures")])
def test_it_is_so_whatever_the_variant_says_of_its_steps(name, kind, fields, world, as_it_stands):
    compare(*both(world, name, kind, (0, 1), **fields), within=1e-9)


def test_replicas_with_numbers_of_their_own_keep_them(world, as_it_stands):
    made = [
        replace(world.small("gan"), generator_lr=lr, optimiser=Adam(beta1=b)) for lr, b in ((1e-3, 0.5), (1e-2, 0.9))
    ]
    compare(*(Stack(made, world.data["points"], (0, 1), engine=engine) for engine in (Engine(), COMPILED)), within=1e-5)


def test_as_many_go_together_as_are_near_and_all_get_their_turn(world, as_it_stands):
    played, other = both(world, "gan", "points", tuple(range(6)), batch=256)
    compare(played, other, within=1e-9)
    assert [part for part, _ in other._compiled.parts] == [slice(0, 2), slice(2, 4), slice(4, 6)]


@pytest.mark.slow
def test_compiled_for_good_it_trains_resumes_and_ends_replicas_as_ever(world, tmp_path):
    made, data, seeds = world.small("gan"), world.data["points"], (0, 1, 2)

    def training(**options):
        return train(made, data, Budget(steps=6, tick=2), seeds, engine=COMPILED, together=2, **options)

    *_, whole = training()
    *_, played = train(made, data, Budget(steps=6, tick=2), seeds)
    for ours, theirs in zip(whole.replicas, played.replicas, strict=True):
        assert torch.allclose(ours.sample(8), theirs.sample(8), atol=1e-4)
        assert ours.diagnostics == pytest.approx(theirs.diagnostics, rel=1e-2, abs=1e-4)
    stopped = next(training())
    stopped.replicas[1].end()
    stopped.save(tmp_path)
    *_, resumed = training(resume=tmp_path)
    assert [replica.step for replica in resumed.replicas] == [6, 2, 6]
    for index in (0, 2):
        assert torch.equal(resumed.replicas[index].sample(8), whole.replicas[index].sample(8))


@pytest.mark.parametrize("fields", [{"accumulate": 2}, {"processes": 2}, {"precision": "fp16"}], ids=repr)
def test_what_cuts_into_a_step_is_refused_beside_it(fields):
    with pytest.raises(ConfigError, match=r"accumulate, processes and fp16 cut into it; leave them at 1, 1"):
        Engine(compiled=True, **fields)


@pytest.mark.parametrize(
    ("missing", "said"),
    [("compiler", "needs a C\\+\\+ compiler, but nowhere is not installed"), ("torch", "needs a newer torch than")],
)
def test_without_what_compiles_it_is_refused_before_anything_is_trained(missing, said, world, monkeypatch):
    if missing == "compiler":
        monkeypatch.setenv("CXX", "nowhere")
    else:
        monkeypatch.delattr(torch._dynamo.config, "trace_autograd_ops")
    with pytest.raises(ConfigError, match=said):
        next(islice(train(world.small("gan"), world.data["points"], Budget(steps=1, tick=1), engine=COMPILED), 1))


def test_what_a_compiler_cannot_follow_is_told_in_a_sentence(world, monkeypatch):
    def follow(step, _device):
        def fail(*_):
            raise TorchDynamoException("Could not guard on data-dependent expression\nand much more")

        return fail

    monkeypatch.setattr(compiled, "_compiled", follow)
    with pytest.raises(
        ConfigError, match=r"^gan cannot be compiled \(Could not guard .* expression\); run it as it is$"
    ):
        both(world, "gan", "points", (0,))[1].advance()


def test_an_optimiser_without_a_formula_is_refused(world):
    class Own:
        """Somebody's own."""

    with pytest.raises(ConfigError, match=r"gan cannot be compiled: .* is no formula"):
        train(
            replace(world.small("gan"), optimiser=Own()), world.data["points"], Budget(steps=1, tick=1), engine=COMPILED
        )
