"""What is promised about repeating, packing and ending, each down to the bit."""

import pytest
import torch

from gans import VARIANTS, Budget, ConfigError, override, train
from tests.gans.cases import CASES


@pytest.mark.parametrize("kind", ["points", "pictures"])
@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_trains_on_every_kind_of_data_that_it_supports(name, kind, world):
    variant, data = world.small(name), world.data[kind]
    if variant.supports(data):
        assert kind == "points"
        with pytest.raises(ConfigError, match=f"{name} cannot learn from ring8: convolutions need images"):
            train(variant, data, Budget(steps=1, tick=1))
        return
    replica = world.after(variant, data, 3).replicas[0]
    samples = replica.sample(5)
    assert samples.shape == (5, *data.shape)
    assert samples.dtype == torch.float32
    assert samples.isfinite().all()
    assert kind == "points" or samples.abs().max() <= 1
    assert replica.diagnostics["nonfinite"] == 0
    assert {"generator_loss", "discriminator_loss", "generator_gradient"} <= replica.diagnostics.keys()
    assert ("real_probability" in replica.diagnostics) == variant.loss.probabilistic


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_same_training_gives_the_same_bits_whatever_ran_in_between(name, kind, world):
    variant, data = world.small(name), world.data[kind]
    first = world.weights(world.after(variant, data, 5))
    torch.manual_seed(1)
    world.after(world.small("wgan"), world.data["points"], 3, seeds=(7,))
    torch.rand(3)
    assert world.equal(world.weights(world.after(variant, data, 5)), first)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_seeds_differ(name, kind, world):
    rows = world.after(world.small(name), world.data[kind], 2, seeds=(0, 1)).replicas
    assert not torch.equal(rows[0].sample(4), rows[1].sample(4))


@pytest.mark.parametrize(("name", "kind"), [("gan", "points"), ("r1gan", "points"), ("dcgan", "pictures")])
def test_a_replica_in_a_pack_follows_its_solo_trajectory_over_100_steps(name, kind, world):
    variant, data = world.small(name), world.data[kind]
    pack = world.after(variant, data, 100, seeds=(3, 5, 4))
    for replica in pack.replicas:
        alone = world.after(variant, data, 100, seeds=(replica.seed,)).replicas[0]
        assert torch.allclose(replica.sample(50), alone.sample(50), atol=2e-4)
    assert [replica.seed for replica in pack.replicas] == [3, 5, 4]


@pytest.mark.parametrize(
    ("name", "kind", "numbers"),
    [
        ("gan", "points", {"generator_lr": 1e-3, "discriminator_lr": 3e-4, "beta1": 0.9}),
        ("wgan_gp", "points", {"penalty.weight": 1.0, "beta2": 0.5}),
        ("wgan", "points", {"constraint.limit": 0.5}),
        ("r1gan", "points", {"ema_half_life": 16.0, "penalty.weight": 50.0, "generator_lr": 1e-2}),
        ("dcgan", "pictures", {"generator_lr": 1e-2}),
    ],
)
def test_replicas_of_a_pack_may_differ_in_their_own_numbers(name, kind, numbers, world, tmp_path):
    variants = [world.small(name), override_all(world.small(name), numbers), world.small(name)]
    data, seeds, budget = world.data[kind], (3, 3, 4), Budget(steps=20, tick=10)
    ticks = train(variants, data, budget, seeds)
    next(ticks).save(tmp_path)
    *_, pack = ticks
    for replica, variant in zip(pack.replicas, variants, strict=True):
        alone = world.after(variant, data, 20, seeds=(replica.seed,)).replicas[0]
        assert torch.allclose(replica.sample(50), alone.sample(50), atol=2e-4)
    assert not torch.allclose(pack.replicas[0].sample(50), pack.replicas[1].sample(50), atol=2e-3)
    *_, resumed = train(variants, data, budget, seeds, resume=tmp_path)
    assert world.equal(world.weights(resumed), world.weights(pack))
    with pytest.raises(ConfigError, match="was saved by another training"):
        train(list(reversed(variants)), data, budget, (4, 3, 3), resume=tmp_path)


def override_all(variant, numbers):
    names = {"beta1": "optimiser.beta1", "beta2": "optimiser.beta2"}
    return override(variant, {names.get(name, name): value for name, value in numbers.items()})


def test_what_is_no_variant_or_no_dataset_is_refused_with_what_makes_one(world):
    budget = Budget(steps=1, tick=1)
    with pytest.raises(
        ConfigError, match=r"expected a variant, such as gans.variant\('gan'\), or one for each seed, but"
    ):
        train("gan", world.data["points"], budget)
    with pytest.raises(ConfigError, match=r"expected a dataset, such as gans.data.load\('ring8'\), but 'ring8' came"):
        train(world.small("gan"), "ring8", budget)


@pytest.mark.parametrize(
    ("changes", "seeds", "said"),
    [
        ({"batch": 16}, (0, 1), "cannot train in one pack: batch: 8 against 16"),
        ({"discriminator_steps": 2}, (0, 1), "discriminator_steps: 1 against 2"),
        ({"ema_half_life": 100.0}, (0, 1), "ema_half_life: None against 100"),
        ({"generator_lr": 1.0}, (0,), "expected a variant for each seed, but 2 came for 1 seeds"),
        ({}, (1, 1), "seeds must be distinct"),
    ],
)
def test_a_pack_of_what_is_not_one_program_is_refused(changes, seeds, said, world):
    variants = [world.small("gan"), world.small("gan", **changes)]
    with pytest.raises(ConfigError, match=said):
        train(variants, world.data["points"], Budget(steps=1, tick=1), seeds)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_an_ended_replica_freezes_and_leaves_its_neighbours_their_bits(name, kind, world, tmp_path):
    variant, data, seeds = world.small(name), world.data[kind], (0, 1, 2)
    together = world.weights(world.after(variant, data, 6, seeds))
    ticks = train(variant, data, Budget(steps=6, tick=2), seeds)
    first = next(ticks)
    first.replicas[1].end()
    frozen, said = first.replicas[1].sample(5), first.replicas[1].diagnostics
    # Stopped and resumed in between, an ended replica stays ended.
    second = next(ticks)
    assert second.replicas[1].diagnostics == said
    second.save(tmp_path)
    *_, last = train(variant, data, Budget(steps=6, tick=2), seeds, resume=tmp_path)
    assert [replica.alive for replica in last.replicas] == [True, False, True]
    assert torch.equal(last.replicas[1].sample(5), frozen)
    ended = world.weights(last)
    for name, rows in together.items():
        solo = len(rows) == 1
        for replica in (0, 2):
            if not solo:
                assert torch.equal(ended[name][replica], rows[replica])
            elif name.startswith(f"{replica}."):
                assert torch.equal(ended[name], rows)


@pytest.mark.parametrize("together", [1, 2, 5])
def test_replicas_that_take_turns_train_as_those_that_are_computed_as_one(together, world):
    variant, budget = world.small("gan"), Budget(steps=20, tick=20)
    (turns,) = train(variant, world.data["points"], budget, (0, 1, 2), together=together)
    assert [len(stack.seeds) for stack in turns._pack.stacks] == {1: [1, 1, 1], 2: [2, 1], 5: [3]}[together]
    one = after_all(world, variant, budget)
    for ours, theirs in zip(turns.replicas, one.replicas, strict=True):
        assert torch.allclose(ours.sample(50), theirs.sample(50), atol=1e-4)


def after_all(world, variant, budget):
    *_, last = train(variant, world.data["points"], budget, (0, 1, 2))
    return last


def test_a_replica_that_is_not_finite_leaves_its_neighbours_their_bits(world):
    variant, data = world.small("gan"), world.data["points"]
    healthy = world.after(variant, data, 4, seeds=(0, 1)).replicas[0].sample(9)
    ticks = train(variant, data, Budget(steps=4, tick=2), (0, 1))
    stack = next(ticks)._pack.stacks[0]
    stack.generator.weights[1] = float("nan")
    last = next(ticks)
    assert last.replicas[1].diagnostics["nonfinite"] > 0
    assert last.replicas[0].diagnostics["nonfinite"] == 0
    assert torch.equal(last.replicas[0].sample(9), healthy)


def test_a_training_whose_replicas_have_all_ended_is_over(world):
    ticks = train(world.small("gan"), world.data["points"], Budget(steps=9, tick=3), (0, 1))
    for replica in next(ticks).replicas:
        replica.end()
    assert list(ticks) == []


def test_each_player_stands_still_while_the_other_moves(world):
    stack = world.after(world.small("dcgan", discriminator_steps=2), world.data["pictures"], 1)._pack.stacks[0]
    players = {"generator": stack.generator, "discriminator": stack.discriminator}
    order, moved = [], []

    def everything():
        return {name: (player.weights.clone(), player.statistics.clone()) for name, player in players.items()}

    for name, player in players.items():

        def watched(step, name=name, descend=player.descend):
            before = everything()
            descend(step)
            order.append(name)
            moved.append(
                [other for other, now in everything().items() if not all(map(torch.equal, now, before[other]))]
            )

        player.descend = watched
    stack.advance()
    assert order == ["discriminator", "discriminator", "generator"]
    assert moved == [[name] for name in order]


def test_the_generator_remembers_one_batch_a_step_however_often_it_is_looked_at(world):
    stack = world.after(world.small("dcgan", discriminator_steps=3), world.data["pictures"], 1)._pack.stacks[0]
    norm = stack.generator.modes.norms[0]
    modes = []
    norm.register_forward_pre_hook(lambda *_: modes.append(norm.mode))
    stack.advance()
    assert modes == ["visiting", "visiting", "learning"]


@pytest.mark.parametrize("name", ["dcgan", "wgan", "r1gan"])
def test_statistics_move_only_in_the_players_own_turn(name, world):
    stack = world.after(world.small(name), world.data["pictures"], 1)._pack.stacks[0]
    latents, reals = stack.feed.given(1, 0)[0], stack.feed.reals(1, 0)[0]
    before = stack.generator.statistics.clone(), stack.discriminator.statistics.clone()
    with stack.generator.visited(), stack.discriminator.visited():
        stack.discriminator(stack.generator(latents))
        stack.discriminator(reals)
    assert torch.equal(stack.generator.statistics, before[0])
    assert torch.equal(stack.discriminator.statistics, before[1])
    stack.generator(latents)
    assert not torch.equal(stack.generator.statistics, before[0])


def test_clipped_weights_stay_within_the_limit(world):
    stack = world.after(world.small("wgan", **{"constraint.limit": 0.02}), world.data["points"], 5)._pack.stacks[0]
    assert stack.discriminator.weights.abs().max() <= 0.02
    assert stack.generator.weights.abs().max() > 0.02


def test_the_average_moves_half_way_to_the_present_per_half_life(world):
    stack = world.after(world.small("gan", ema_half_life=80), world.data["points"], 400)._pack.stacks[0]
    start, stack.generator.weights[:] = stack.average.clone(), stack.average + 1
    for _ in range(10):  # 10 steps of 8 images are one half-life
        stack._remember()
    assert torch.allclose(stack.average - start, torch.tensor(0.5), atol=1e-4)


@pytest.mark.parametrize(
    ("budget", "per_step", "ticks"),
    [
        (Budget(steps=10, tick=4), 8, [4, 8, 10]),
        (Budget(images=100, tick=40), 8, [5, 10, 13]),
        (Budget(images=100, tick=1), 64, [1, 2]),
        (Budget(steps=3, tick=3), 8, [3]),
    ],
)
def test_ticks_are_the_first_steps_to_reach_each_multiple_and_the_end(budget, per_step, ticks, world):
    assert budget.ticks(world.small("gan", batch=per_step)) == ticks


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"steps": 10, "tick": 11}, "the tick of 11 steps is beyond the budget of 10 steps"),
        ({"steps": 10, "images": 10, "tick": 1}, "either steps or images"),
        ({"tick": 1}, "either steps or images"),
        ({"steps": 0, "tick": 1}, "steps must be a whole number of at least 1, but 0 came"),
        ({"images": 1e6, "tick": 1}, "images must be a whole number of at least 1, but 1000000.0 came"),
        ({"steps": 10, "tick": True}, "tick must be a whole number of at least 1, but True came"),
    ],
)
def test_a_budget_that_cannot_be_meant_is_refused(values, said):
    with pytest.raises(ConfigError, match=said):
        Budget(**values)


def test_progress_counts_steps_and_images(world):
    variant = world.small("wgan")
    seen = [(p.step, p.images, p.done) for p in train(variant, world.data["points"], Budget(images=100, tick=40))]
    assert seen == [(1, 40, False), (2, 80, False), (3, 120, True)]


@pytest.mark.parametrize("seeds", [(), (1, 1), (-1,), (0.5,)])
def test_seeds_that_cannot_be_meant_are_refused(seeds, world):
    with pytest.raises(ConfigError, match="seed"):
        train(world.small("gan"), world.data["points"], Budget(steps=1, tick=1), seeds)
