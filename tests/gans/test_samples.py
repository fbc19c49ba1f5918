"""What a generator gives: by which seed, whoever looked at it before, and read back from its file."""

import json

import pytest
import torch

from gans import Budget, load_generator, train
from tests.gans.cases import CASES


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


def test_who_watches_samples_being_drawn_is_told_of_each_part_and_gets_the_same(world, tmp_path):
    world.after(world.small("gan"), world.data["points"], 1).replicas[0].save_generator(tmp_path)
    generator, parts = load_generator(tmp_path), []
    assert torch.equal(generator.sample(1200, 3, parts.append), generator.sample(1200, 3))
    assert parts == [500, 500, 200]
