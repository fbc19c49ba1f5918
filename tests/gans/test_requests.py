"""What is given from Python in place of what was meant is answered in one sentence, before anything is computed."""

import pytest

import gans
from gans import Budget, ConfigError, train

BUDGET = Budget(steps=1, tick=1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"variant": None}, "expected a variant, such as gans.variant('gan'), or one for each seed, but None came"),
        ({"variant": "gan"}, "expected a variant, such as gans.variant('gan'), or one for each seed, but 'gan' came"),
        ({"variant": ["gan"]}, "expected a variant, such as gans.variant('gan'), or one for each seed, but 'gan' came"),
        (
            {"budget": {"steps": 5}},
            "expected a budget, such as gans.Budget(images=64_000, tick=6_400), but {'steps': 5",
        ),
        ({"seeds": 3}, "expected a sequence of seeds, such as (3,) for seed 3 or range(3) for three seeds, but 3 came"),
        ({"device": "nope"}, "device must be one of this machine's, such as 'cpu', but 'nope' came (Expected one of"),
        ({"device": "meta"}, "device must be one of this machine's, such as 'cpu', but 'meta' came"),
        ({"device": 5.5}, "device must be one of this machine's, such as 'cpu', but 5.5 came"),
        ({"resume": 5}, "resume must be a path, but 5 came"),
        ({"engine": {}}, "expected an engine, such as gans.Engine(precision='bf16'), but {} came"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_training_that_cannot_be_meant_is_refused_before_its_first_tick(changes, said, world):
    asked = {"variant": world.small("gan"), "dataset": world.data["points"], "budget": BUDGET, **changes}
    assert refusal(train, **asked).startswith(said)


@pytest.mark.parametrize(
    ("door", "given", "said"),
    [
        (gans.load_generator, 5, "folder must be a path, but 5 came"),
        (gans.variant, ["gan"], "expected the name of a variant, such as 'dcgan', but ['gan'] came"),
        (gans.baseline, None, "expected the name of a baseline, such as 'gmm', but None came"),
        (
            gans.data.load,
            None,
            "expected the name of data, such as 'ring8', or a mapping, such as {'npz': 'points.npz'}",
        ),
        (gans.data.load, {"name": ["ring8"]}, "expected the name of data, such as 'ring8', but ['ring8'] came"),
        (gans.data.load, {"npz": None}, "npz must be a path, but None came"),
        (gans.data.load, {"images": 5}, "images must be a path, but 5 came"),
        (gans.data.load, {"name": "mnist", "root": 5}, "root must be a path, but 5 came"),
    ],
)
def test_a_name_or_a_path_that_is_none_is_refused(door, given, said):
    assert refusal(door, given).startswith(said)


@pytest.mark.parametrize("n", [-1, "5", 2.0, None])
def test_samples_are_drawn_in_whole_numbers(n, world, tmp_path):
    (progress,) = train(world.small("gan"), world.data["points"], BUDGET)
    said = f"n must be a whole number of at least 0, but {n!r} came"
    assert refusal(progress.replicas[0].sample, n) == said
    progress.replicas[0].save_generator(tmp_path)
    assert refusal(gans.load_generator(tmp_path).sample, n) == said


def refusal(door, *given, **named):
    with pytest.raises(ConfigError) as error:
        door(*given, **named)
    assert "\n" not in str(error.value)
    return str(error.value)
