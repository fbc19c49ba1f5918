"""The duality gap is small at the equilibrium, large far from it, and leaves no trace."""

import pytest

from gans import Budget, duality_gap, train


def test_the_gap_falls_as_the_game_is_learned_and_moves_nothing(world):
    made = world.small("r1gan", generator_lr=2e-3, discriminator_lr=2e-3, batch=64, width=16, ema_half_life=64)
    gaps = []
    for progress in train(made, world.data["points"], Budget(steps=1500, tick=750)):
        before = world.weights(progress)
        gaps.append(duality_gap(progress.replicas[0], steps=50))
        assert world.equal(world.weights(progress), before)
    start = next(iter(train(made, world.data["points"], Budget(steps=1, tick=1)))).replicas[0]
    assert duality_gap(start, steps=50) > 3 * gaps[-1]
    assert gaps[-1] < 0.25


@pytest.mark.parametrize(
    ("name", "kind"), [("wgan", "points"), ("dcgan", "pictures"), ("cgan", "pictures"), ("bigan", "points")]
)
def test_every_structure_has_a_gap_that_is_the_same_whenever_it_is_asked_for(name, kind, world):
    replica = world.after(world.small(name), world.data[kind], 3, seeds=(0, 1)).replicas[1]
    assert duality_gap(replica, steps=3) == duality_gap(replica, steps=3)
