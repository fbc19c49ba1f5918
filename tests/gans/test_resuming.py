"""What is promised about going on: after a kill, under a larger budget, as a clone, from a checkpoint."""

from itertools import islice

import pytest
import torch

from gans import Budget, ConfigError, reopen, train
from tests.gans.cases import CASES


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
