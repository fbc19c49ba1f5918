"""What is promised about repeating, packing, ending and resuming, each down to the bit."""

import json
from itertools import islice

import pytest
import torch

from gans import VARIANTS, Budget, ConfigError, load_generator, override, reopen, train

CASES = [("gan", "points"), ("wgan_gp", "points"), ("r1gan", "pictures"), ("dcgan", "pictures"), ("wgan", "pictures")]


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
def test_sampling_and_saving_move_no_training_stream_and_no_global_one(name, kind, world, tmp_path):
    variant, data, budget = world.small(name), world.data[kind], Budget(steps=6, tick=2)
    undisturbed = world.weights(world.after(variant, data, 6))
    before = torch.get_rng_state()
    for progress in train(variant, data, budget):
        progress.replicas[0].sample(10)
        progress.replicas[0].save_generator(tmp_path)
        progress.save(tmp_path)
    assert world.equal(world.weights(progress), undisturbed)
    assert torch.equal(torch.get_rng_state(), before)


def test_samples_are_given_by_seed_step_and_stream(world):
    ticks = train(world.small("gan"), world.data["points"], Budget(steps=4, tick=2), seeds=(0, 1))
    replica = next(ticks).replicas[0]
    sample = replica.sample(8)
    assert torch.equal(replica.sample(8), sample)
    assert not torch.equal(replica.sample(8, stream="final"), sample)
    next(ticks)
    assert not torch.equal(replica.sample(8), sample)


@pytest.mark.parametrize("stop", [1, 4, 6])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_resuming_gives_the_bits_of_the_training_that_was_never_stopped(name, kind, stop, world, tmp_path):
    variant, data, seeds = world.small(name), world.data[kind], (0, 1)
    *_, whole = train(variant, data, Budget(steps=7, tick=1), seeds)
    *_, stopped = islice(train(variant, data, Budget(steps=7, tick=1), seeds), stop)
    stopped.save(tmp_path)
    *_, resumed = train(variant, data, Budget(steps=7, tick=2), seeds, resume=tmp_path)
    assert resumed.step == 7
    assert world.equal(world.weights(resumed), world.weights(whole))


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


@pytest.mark.parametrize("together", [1, 2, 3])
def test_who_ended_with_the_budget_goes_on_under_a_larger_one_whoever_took_turns(together, world, tmp_path):
    variant, data = world.small("gan"), world.data["points"]
    (last,) = train(variant, data, Budget(steps=10, tick=10), (0, 1, 2), together=together)
    for replica in last.replicas:
        replica.end()
    last.save(tmp_path / "spent")
    reopen(tmp_path / "spent", tmp_path / "open", [0, 2])
    (further,) = train(variant, data, Budget(steps=20, tick=20), (0, 1, 2), resume=tmp_path / "open", together=together)
    assert [replica.step for replica in further.replicas] == [20, 10, 20]


def test_who_trained_together_may_go_on_in_turns_and_who_had_ended_stays_so(world, tmp_path):
    variant, data, budget = world.small("gan"), world.data["points"], Budget(steps=20, tick=10)
    whole = train(variant, data, budget, (0, 1, 2))
    first = next(whole)
    first.replicas[1].end()
    first.save(tmp_path)
    kept = first.replicas[1].sample(50)
    (turns,) = train(variant, data, budget, (0, 1, 2), resume=tmp_path, together=2)
    *_, one = whole
    assert [replica.step for replica in turns.replicas] == [20, 10, 20]
    assert torch.allclose(turns.replicas[1].sample(50), kept, atol=1e-6)
    for ours, theirs in zip(turns.replicas, one.replicas, strict=True):
        assert torch.allclose(ours.sample(50), theirs.sample(50), atol=1e-4)
    with pytest.raises(ConfigError, match="together"):
        train(variant, data, budget, together=0)


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


def test_a_training_saved_at_its_end_is_shown_once_more(world, tmp_path):
    variant, data, budget = world.small("gan"), world.data["points"], Budget(steps=4, tick=2)
    *_, last = train(variant, data, budget)
    last.save(tmp_path)
    (again,) = train(variant, data, budget, resume=tmp_path)
    assert (again.step, again.done) == (4, True)
    assert torch.equal(again.replicas[0].sample(3), last.replicas[0].sample(3))


def test_a_training_that_has_gone_beyond_the_budget_is_refused(world, tmp_path):
    world.after(world.small("gan"), world.data["points"], 5).save(tmp_path)
    with pytest.raises(ConfigError, match="has reached step 5, beyond this budget of 4 steps"):
        train(world.small("gan"), world.data["points"], Budget(steps=4, tick=2), resume=tmp_path)


@pytest.mark.parametrize(
    ("changes", "seeds", "said"),
    [({"batch": 9}, (0,), r"variant\.batch: 9 against 8"), ({}, (1,), r"seeds: \[1\] against \[0\]")],
)
def test_resuming_another_training_is_refused_with_the_difference(changes, seeds, said, world, tmp_path):
    world.after(world.small("gan"), world.data["points"], 1).save(tmp_path)
    with pytest.raises(ConfigError, match=said):
        train(world.small("gan", **changes), world.data["points"], Budget(steps=2, tick=1), seeds, resume=tmp_path)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_clone_has_the_bits_of_its_donor_and_numbers_of_its_own(name, kind, world, tmp_path):
    donor = world.after(world.small(name), world.data[kind], 4)
    donor.save(tmp_path)
    numbers = {"generator_lr": 0.003, "discriminator_lr": 0.005}
    numbers |= {"penalty.weight": 7.0} if world.small(name).penalty else {}
    clone = world.small(name, **numbers)
    (progress,) = train(clone, world.data[kind], Budget(steps=4, tick=4), resume=tmp_path, adopt=True)
    assert world.equal(world.weights(progress), world.weights(donor))
    *_, onward = train(clone, world.data[kind], Budget(steps=5, tick=1), resume=tmp_path, adopt=True)
    for stack in onward._pack.stacks:
        assert float(stack.generator.numbers["lr"]) == pytest.approx(0.003)
        assert float(stack.discriminator.numbers["lr"]) == pytest.approx(0.005)
        assert float(stack.penalty_weight) == pytest.approx(7.0 if "penalty.weight" in numbers else 0.0)
    same, other = (
        world.weights(train_on) for train_on in (world.after(world.small(name), world.data[kind], 5), onward)
    )
    assert not torch.equal(same["0.generator.weights"], other["0.generator.weights"])


def test_a_clone_that_changes_nothing_goes_on_like_its_donor(world, tmp_path):
    variant, data = world.small("gan"), world.data["points"]
    world.after(variant, data, 3).save(tmp_path)
    *_, onward = train(variant, data, Budget(steps=6, tick=1), resume=tmp_path, adopt=True)
    assert world.equal(world.weights(onward), world.weights(world.after(variant, data, 6)))


@pytest.mark.parametrize("changes", [{"batch": 16}, {"width": 8}, {"latent": 8}, {"ema_half_life": 100.0}])
def test_nothing_is_cloned_across_architectures(changes, world, tmp_path):
    world.after(world.small("gan"), world.data["points"], 1).save(tmp_path)
    with pytest.raises(ConfigError, match="was saved by another training"):
        train(world.small("gan", **changes), world.data["points"], Budget(steps=2, tick=1), resume=tmp_path, adopt=True)


@pytest.mark.parametrize("content", [None, b"", b"not safetensors at all", b"\x80\x04pickle"])
def test_a_missing_or_damaged_checkpoint_is_named(content, world, tmp_path):
    if content is not None:
        (tmp_path / "training.safetensors").write_bytes(content)
    with pytest.raises(ConfigError, match=r"training\.safetensors"):
        train(world.small("gan"), world.data["points"], Budget(steps=2, tick=1), resume=tmp_path)


def test_a_checkpoint_is_written_whole_or_not_at_all(world, tmp_path):
    progress = world.after(world.small("gan"), world.data["points"], 1)
    progress.save(tmp_path)
    progress.save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["training.safetensors"]


@pytest.mark.parametrize(("name", "kind"), [("gan", "points"), ("r1gan", "pictures"), ("dcgan", "pictures")])
def test_a_saved_generator_is_the_one_that_was_sampled(name, kind, world, tmp_path):
    replica = world.after(world.small(name), world.data[kind], 3).replicas[0]
    replica.save_generator(tmp_path)
    loaded = load_generator(tmp_path)
    random = [torch.Generator().manual_seed(0) for _ in range(2)]
    replica._show()
    assert torch.equal(loaded.draw(6, random[0]), replica._sampler.draw(6, random[1]))
    assert loaded.state == replica.generator_state
    assert torch.equal(loaded.sample(4, seed=1), loaded.sample(4, seed=1))
    about = json.loads((tmp_path / "generator.json").read_text())
    assert about["variant"]["name"] == name
    assert about["state"] == replica.generator_state


def test_generator_state_tells_averages_and_batch_norms(world):
    def state(name, kind, **changes):
        return world.after(world.small(name, **changes), world.data[kind], 1).replicas[0].generator_state

    plain = {"truncation": None, "labels": None}
    assert state("gan", "points") == {"weights": "raw", "batch_norm": "none", **plain}
    assert state("dcgan", "pictures") == {"weights": "raw", "batch_norm": "running", **plain}
    assert state("gan", "points", ema_half_life=100) == {"weights": "averaged", "batch_norm": "none", **plain}


def test_a_sample_does_not_depend_on_its_batch(world):
    replica = world.after(world.small("dcgan"), world.data["pictures"], 3).replicas[0]
    replica._show()
    latents = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network = replica._sampler.network
        assert torch.allclose(network(latents)[:, :2], network(latents[:, :2]), atol=1e-6)


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


@pytest.mark.parametrize(
    ("name", "kind", "seeds"),
    [
        ("gan", "points", (0, 1, 2)),
        ("wgan_gp", "points", (3,)),
        ("r3gan", "points", (0, 1)),
        ("acgan", "points", (0, 1)),
        ("bigan", "points", (4,)),
        ("pacgan", "points", (0, 1)),
        ("dcgan", "pictures", (0, 1)),
        ("sngan", "pictures", (5,)),
        ("sgan", "pictures", (0,)),
    ],
)
def test_killed_at_twenty_random_steps_the_last_weights_are_those_of_the_training_that_was_not(
    name, kind, seeds, world, tmp_path
):
    variant, data, steps = world.small(name, ema_half_life=50), world.data[kind], 60
    *_, whole = train(variant, data, Budget(steps=steps, tick=1), seeds)
    order = torch.randperm(steps - 1, generator=torch.Generator().manual_seed(len(name)))
    reached = None
    for kill in sorted((order[:20] + 1).tolist()):
        for progress in train(variant, data, Budget(steps=steps, tick=1), seeds, resume=reached):
            if progress.step == kill:
                progress.save(tmp_path)
                break
        reached = tmp_path
    *_, resumed = train(variant, data, Budget(steps=steps, tick=steps), seeds, resume=tmp_path)
    assert resumed.step == steps
    assert world.equal(world.weights(resumed), world.weights(whole))
