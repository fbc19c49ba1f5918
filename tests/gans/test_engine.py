"""The ways of computing a training: each changes what it says, and nothing else."""

import math
from dataclasses import replace

import pytest
import torch

from gans import Budget, ConfigError, Engine, train, variant
from gans.replicas import Stack
from gans.schedules import Constant, Cosine, Linear


def stack(world, name="gan", kind="points", *, seeds=(0,), engine=None, dtype=torch.float64, **fields):
    made = replace(world.small(name), **fields)
    return Stack([made] * len(seeds), world.data[kind], seeds, dtype=dtype, engine=engine)


def moved(stack, steps=3):
    for _ in range(steps):
        stack.advance()
    return stack.generator.weights, stack.discriminator.weights


@pytest.mark.parametrize(
    ("name", "kind"), [("gan", "points"), ("r1gan", "points"), ("r3gan", "points"), ("acgan", "points")]
)
def test_accumulated_parts_add_up_to_the_whole_batch(name, kind, world):
    whole = moved(stack(world, name, kind))
    parts = moved(stack(world, name, kind, engine=Engine(accumulate=4)))
    for ours, theirs in zip(parts, whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_simultaneous_players_both_move_from_where_both_stood(world):
    alternating, simultaneous = stack(world), stack(world, simultaneous=True)
    shown = simultaneous.shown(0, 0, graph=True)
    simultaneous.generator.look_downhill(simultaneous.generator_loss(shown))
    expected = simultaneous.generator.gradient.clone()
    for each in (alternating, simultaneous):
        each.advance()
    assert torch.equal(alternating.discriminator.weights, simultaneous.discriminator.weights)
    assert torch.allclose(simultaneous.generator.gradient, expected)
    assert not torch.allclose(alternating.generator.gradient, expected)


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        (Constant(), [1, 1, 1, 1]),
        (Linear(images=32), [1, 0.75, 0.5, 0]),
        (Cosine(images=32), [1, 0.853553, 0.5, 0]),
        (Cosine(images=32, floor=0.5), [1, 0.926777, 0.75, 0.5]),
    ],
    ids=repr,
)
def test_rates_follow_their_schedule_by_images(schedule, shares, world):
    assert [schedule(images) for images in (0, 8, 16, 1000)] == pytest.approx(shares, abs=1e-6)
    made = stack(world, schedule=schedule)
    rates = []
    for _ in range(3):
        made.advance()
        rates.append(made.generator.numbers["lr"].item())
    assert rates == pytest.approx([2e-4 * share for share in shares[:3]], rel=1e-5)


def test_a_schedule_that_has_ended_stands_still(world):
    made = stack(world, schedule=Linear(images=8))
    made.advance()
    before = made.generator.weights.clone()
    made.advance()
    assert torch.equal(made.generator.weights, before)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize(("name", "kind"), [("gan", "points"), ("dcgan", "pictures")])
def test_half_precision_stays_near_the_whole(name, kind, precision, world):
    whole = moved(stack(world, name, kind, seeds=(0,), dtype=torch.float32), 1)
    start = stack(world, name, kind).generator.weights
    half = moved(stack(world, name, kind, seeds=(0,), dtype=torch.float32, engine=Engine(precision=precision)), 1)
    assert half[0].dtype == torch.float32
    assert not torch.equal(half[0], whole[0])
    # Adam's first update has the length of the rate wherever the sign of the slope is right.
    agreeing = ((half[0] - start).sign() == (whole[0] - start).sign()).double().mean()
    assert agreeing > 0.9


def test_a_replica_whose_scaled_slopes_overflow_stays_and_halves_its_scale(world):
    made = stack(world, seeds=(0, 1), dtype=torch.float32, engine=Engine(precision="fp16"))
    player = made.generator
    player.gradient.fill_(1.0)[1, 0] = float("inf")
    before = player.weights.clone()
    player.descend(1)
    assert not torch.equal(player.weights[0], before[0])
    assert torch.equal(player.weights[1], before[1])
    assert player.memory["momentum"][1].isfinite().all()
    assert player.memory["scale"][1].item() == 2.0**11 < player.memory["scale"][0].item()


def test_channels_last_changes_the_layout_and_not_the_numbers(world):
    plain = moved(stack(world, "dcgan", "pictures"))
    layout = moved(stack(world, "dcgan", "pictures", engine=Engine(channels_last=True)))
    for ours, theirs in zip(layout, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("engine", "name", "said"),
    [
        ({"accumulate": 3}, "gan", "a batch of 8 cannot be cut into 3 parts"),
        ({"compiled": True}, "r1gan", "r1gan cannot be compiled: ZeroSlope.* takes slopes of slopes"),
    ],
)
def test_engines_that_cannot_drive_a_variant_are_refused(engine, name, said, world):
    with pytest.raises(ConfigError, match=said):
        train(world.small(name), world.data["points"], Budget(steps=1, tick=1), engine=Engine(**engine))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"precision": "int8"}, "must be float32, bf16 or fp16, but 'int8' came"),
        ({"compiled": "no"}, "engine.compiled must be True or False, but 'no' came"),
        ({"channels_last": 1}, "engine.channels_last must be True or False, but 1 came"),
    ],
    ids=repr,
)
def test_what_no_engine_has_is_refused(fields, said):
    with pytest.raises(ConfigError, match=said):
        Engine(**fields)


def test_resuming_on_another_engine_is_refused(world, tmp_path):
    world.after(world.small("gan"), world.data["points"], 1).save(tmp_path)
    with pytest.raises(ConfigError, match=r"engine\.precision: 'bf16' against 'float32'"):
        train(
            world.small("gan"), world.data["points"], Budget(steps=2, tick=1),
            resume=tmp_path, engine=Engine(precision="bf16"),
        )  # fmt: skip


def test_diagnostics_tell_what_the_logits_mean(world):
    def said(name):
        return world.after(world.small(name), world.data["points"], 2).replicas[0].diagnostics

    everywhere = {"generator_loss", "discriminator_loss", "generator_gradient", "discriminator_gradient",
                  "generator_update", "discriminator_update", "real_logit", "fake_logit", "nonfinite"}  # fmt: skip
    judged = {"discriminator_precision", "discriminator_recall"}
    likely = judged | {"real_probability", "fake_probability", "value_above_equilibrium"}
    assert said("gan").keys() - likely == everywhere
    assert said("lsgan").keys() - judged == everywhere
    assert said("wgan").keys() - everywhere == {"wasserstein_estimate"}
    assert said("r3gan").keys() == everywhere
    assert said("acgan").keys() - everywhere - likely == {"class_accuracy", "fake_class_accuracy"}
    assert said("sgan").keys() - everywhere - likely == {"class_accuracy"}
    assert said("infogan").keys() - everywhere - likely == {"code_accuracy"}


def test_diagnostics_are_the_numbers_that_they_name(world):
    made = stack(world, "wgan")
    made.last = {
        "real_logits": torch.tensor([[3.0, 1.0]]), "fake_logits": torch.tensor([[1.0, -1.0]]),
        "g_loss": torch.zeros(1), "d_loss": torch.zeros(1),
    }  # fmt: skip
    assert made.diagnostics(0)["wasserstein_estimate"] == 2.0
    made.variant = variant("gan")
    costs = sum(math.log(1 + math.exp(logit)) for logit in (-3, -1, 1, -1)) / 2
    told = made.diagnostics(0)
    assert told["discriminator_recall"] == 1.0
    assert told["discriminator_precision"] == pytest.approx(2 / 3)
    assert told["value_above_equilibrium"] == pytest.approx(math.log(4) - costs)


def test_update_to_weight_is_the_length_of_the_update_over_that_of_the_weights(world):
    made = stack(world)
    made.advance()
    before = made.generator.weights.clone()
    made.advance()
    expected = (made.generator.weights - before).norm() / made.generator.weights.norm()
    assert made.diagnostics(0)["generator_update"] == pytest.approx(expected.item(), rel=1e-6)
