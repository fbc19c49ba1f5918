"""A compiled step is the step that is played: the same numbers for every variant, and refusals where there is none."""

import platform
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import pytest
import torch
from torch._dynamo.exc import TorchDynamoException

from gans import Budget, ConfigError, Engine, compiled, compiling, engine, train, variant
from gans.networks import products
from gans.networks.products import Inlined
from gans.optimisers import Adam
from gans.penalties import Clip
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
    monkeypatch.setattr(compiled, "one_function", lambda step, _device, **_: step)


@pytest.mark.parametrize(("name", "kind"), PLAYED)
def test_the_step_that_is_compiled_is_the_step_that_is_played(name, kind, world, as_it_stands):
    compare(*both(world, name, kind, (0, 1, 2)), within=1e-9)


@pytest.mark.parametrize("fields", FIELDS, ids=repr)
@pytest.mark.parametrize(("name", "kind"), [("gan", "points"), ("dcgan", "pictures")])
def test_it_is_so_whatever_the_variant_says_of_its_steps(name, kind, fields, world, as_it_stands):
    compare(*both(world, name, kind, (0, 1), **fields), within=1e-9)


@pytest.mark.parametrize("batch", [8, 256], ids=["all together", "two by two"])
@pytest.mark.parametrize("name", ["gan", "wgan"])
def test_replicas_with_numbers_of_their_own_keep_them(name, batch, world, as_it_stands):
    small, seeds = replace(world.small(name), batch=batch), range(6)
    own = [
        {"optimiser": Adam(beta1=0.1 * seed)} if name == "gan" else {"constraint": Clip(0.01 + 0.01 * seed)}
        for seed in seeds
    ]
    made = [replace(small, generator_lr=1e-3 * (seed + 1), **mine) for seed, mine in zip(seeds, own, strict=True)]
    played, other = (Stack(made, world.data["points"], seeds, engine=engine) for engine in (Engine(), COMPILED))
    compare(played, other, within=1e-5)


def test_as_many_go_together_as_are_near_and_all_get_their_turn(world, as_it_stands):
    played, other = both(world, "gan", "points", tuple(range(6)), batch=256)
    compare(played, other, within=1e-9)
    assert [part for part, _ in other._whole.parts] == [slice(0, 2), slice(2, 4), slice(4, 6)]


@pytest.mark.parametrize(
    ("count", "batch", "device", "size"),
    [(16, 64, "cpu", 8), (16, 256, "cpu", 2), (12, 64, "cpu", 6), (11, 64, "cpu", 1), (3, 1024, "cpu", 1),
     (5, 8, "cpu", 5), (64, 256, "cuda", 64), (11, 1024, "mps", 11)],
)  # fmt: skip
def test_how_many_go_together(count, batch, device, size):
    assert compiled.together(count, batch, device) == size


@pytest.mark.parametrize(("name", "kind"), [("gan", "points"), ("dcgan", "pictures")])
def test_products_are_as_precise_as_the_engine_says(name, kind, world, as_it_stands):
    made, data = world.small(name), world.data[kind]
    half, whole, played = (
        Stack([made], data, (0,), engine=engine)
        for engine in (Engine(compiled=True, precision="bf16"), COMPILED, Engine(precision="bf16"))
    )
    compare(played, half, within=1e-6, steps=1)
    whole.advance()
    assert not torch.equal(half.last["d_loss"], whole.last["d_loss"])


def test_images_lie_in_memory_as_the_engine_says(world, as_it_stands, monkeypatch):
    met = []
    monkeypatch.setattr(engine, "_channels_last", lambda module, _inputs: met.append(module))
    for asked in (False, True):
        Stack(
            [world.small("dcgan")],
            world.data["pictures"],
            (0,),
            engine=Engine(compiled=True, channels_last=asked),
        ).advance()
        assert bool(met) == asked


def test_more_variants_than_eight_may_be_compiled_in_a_process(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    compiling.one_function(lambda: None, torch.device("cpu"), loops=False)
    assert torch._dynamo.config.recompile_limit >= 256


@pytest.mark.parametrize(("inner", "columns"), [(1, 8), (5, 1), (5, 2), (5, 8)])
def test_a_product_that_is_inlined_is_the_product_both_ways(inner, columns):
    random = torch.Generator().manual_seed(0)
    left, right = (
        torch.randn(3, *shape, generator=random, dtype=torch.float64, requires_grad=True)
        for shape in ((7, inner), (inner, columns))
    )
    assert torch.allclose(Inlined.apply(left, right), left @ right, rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(Inlined.apply, (left, right))


@pytest.mark.parametrize(
    ("machine", "precision", "loops"),
    [("x86_64", "float32", True), ("x86_64", "bf16", False), ("arm64", "float32", False)],
)
def test_layers_and_compiler_know_alike_whether_products_are_loops(machine, precision, loops, world, monkeypatch):
    asked, inlined, apply = [], [], Inlined.apply
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(torch, "compile", lambda function, options, **_: asked.append(options) or function)
    monkeypatch.setattr(Inlined, "apply", lambda *both: inlined.append(both) or apply(*both))
    engine = Engine(compiled=True, precision=precision)
    Stack([world.small("gan")], world.data["points"], (0,), engine=engine).advance()
    assert bool(inlined) == loops
    assert [options.get("max_autotune_gemm_backends") for options in asked] == ["CPP,ATEN" if loops else None]


def test_a_torch_that_does_not_take_the_flag_compiles_without_loops(monkeypatch):
    device = torch.device("cpu")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert compiling.makes_loops(device, halves=False)
    monkeypatch.setattr(torch._inductor, "config", SimpleNamespace(cpp=SimpleNamespace()))
    assert not compiling.makes_loops(device, halves=False)


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="elsewhere torch's library multiplies")
def test_products_of_a_compiled_step_are_loops_of_its_own():
    from torch._inductor.select_algorithm import (  # loads the compiler
        ExternKernelCaller,
        clear_preprocessing_fns,
        get_algorithm_selector_cache,
    )
    from torch._inductor.utils import run_and_get_code

    layer = products.Multiplying()
    products.multiply_in_loops(layer)

    def slopes(x, weight, bias):
        return torch.autograd.grad(layer.affine(bias, x, weight).square().sum(), [x, weight])

    operands = [torch.randn(2, *shape, requires_grad=True) for shape in ((16, 32), (32, 24), (1, 24))]
    clear_preprocessing_fns()  # as somebody else may
    found, [code] = run_and_get_code(compiling.one_function(slopes, operands[0].device, loops=True), *operands)
    assert "micro_gemm" in code
    assert "bmm_out(" not in code
    for ours, theirs in zip(found, slopes(*operands), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-3)
    assert get_algorithm_selector_cache().preprocessing_fns.count(compiling._loops_first) == 1
    choices = [object.__new__(ExternKernelCaller), object()]
    assert compiling._loops_first(choices) == choices, "those of somebody else's function are left alone"
    with torch._inductor.config.patch({"cpp.march": f"native {compiling._FLAG}"}):
        assert compiling._loops_first(choices) == choices[1:], "no stopwatch decides"


@pytest.mark.long
@pytest.mark.parametrize(("name", "kind"), [("wgan", "points"), ("bigan", "points"), ("lsgan", "pictures")])
def test_what_is_written_in_place_is_written_by_a_compiled_step_as_well(name, kind, world):
    compare(*both(world, name, kind, (0, 1), dtype=torch.float32), within=1e-4)


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


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            TorchDynamoException("Could not guard on data-dependent expression\nand much more"),
            ConfigError,
            r"^gan cannot be compiled \(Could not guard on data-dependent expression\); run it as it is$",
        ),
        (
            TorchDynamoException(
                "CppCompileError: C++ compile error\n\nOutput:\n/x.h:3:10: fatal error: Python.h: none"
            ),
            ConfigError,
            r"^gan cannot be compiled \(/x.h:3:10: fatal error: Python.h: none\); run it as it is$",
        ),
        (FileExistsError(17, "File exists", "/x"), ConfigError, r"compiled \(\[Errno 17\] File exists: '/x'\); run it"),
        (RuntimeError("out of memory"), RuntimeError, "^out of memory$"),
    ],
    ids=["not followed", "not compiled", "nowhere to put it", "another failure"],
)
def test_what_a_compiler_cannot_follow_is_told_in_a_sentence(error, kind, said, world, monkeypatch):
    def follow(_step, _device, **_):
        def fail(*_):
            raise error

        return fail

    monkeypatch.setattr(compiled, "one_function", follow)
    with pytest.raises(kind, match=said):
        both(world, "gan", "points", (0,))[1].advance()


def test_an_optimiser_without_a_formula_is_refused(world):
    class Own:
        """Somebody's own, which has half of it."""

        def move(self, *_):
            raise NotImplementedError

    with pytest.raises(ConfigError, match=r"gan cannot be compiled: .* is no formula"):
        train(
            replace(world.small("gan"), optimiser=Own()), world.data["points"], Budget(steps=1, tick=1), engine=COMPILED
        )
