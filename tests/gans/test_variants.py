"""The catalogue, and the strict door through which a variant is changed."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from gans import VARIANTS, ConfigError, hyperparameters, override, variant
from gans.data import Finite, Split, load
from gans.losses import Minimax, NonSaturating
from gans.networks import Convolutional
from gans.penalties import UnitSlope, ZeroSlope

STANDARD = [  # those of the design, in the order of the catalogue
    "generator_lr", "discriminator_lr", "beta1", "beta2", "batch", "latent", "discriminator_steps", "penalty.weight",
    "penalty.every", "ema_half_life", "width",
]  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_a_value_under_its_own_name(name):
    made = variant(name)
    assert made.name == name
    assert made.summary
    assert made.paper
    assert pickle.loads(pickle.dumps(made)) == made == variant(name)  # noqa: S301
    assert made != replace(made, batch=2 * made.batch)
    assert f"name={name!r}" in repr(made)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_hyperparameter_that_is_listed_is_read(name):
    before = variant(name)
    for hyperparameter in hyperparameters(before).values():
        if (name, hyperparameter.name) == ("r3gan", "penalty.every"):
            continue  # 1 is all that it may be
        other = 4 if hyperparameter.kind == "int" else 0.25
        after = variant(name, {hyperparameter.name: other})
        assert after != before
        assert hyperparameters(after)[hyperparameter.name].default == other


@pytest.mark.parametrize(
    ("name", "unread"),
    [("gan", "penalty.weight"), ("wgan", "beta1"), ("wgan", "penalty.every"), ("dcgan", "constraint.limit")],
)
def test_a_name_that_the_variant_does_not_read_is_an_error_that_lists_what_it_reads(name, unread):
    with pytest.raises(ConfigError, match=rf"{name} does not read '{unread}'; it reads generator_lr, "):
        variant(name, {unread: 0.5})


def test_flat_names_come_in_the_order_of_the_catalogue():
    names = list(hyperparameters(variant("r1gan")))
    assert names == STANDARD
    assert list(hyperparameters(variant("pacgan"))) == [*names[:7], "packing", *names[9:]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"generator_lr": 0}, "generator_lr must be a finite number above 0, but 0 came"),
        ({"generator_lr": "1e-4"}, "generator_lr must be a finite number above 0, but '1e-4' came"),
        ({"discriminator_lr": float("nan")}, "discriminator_lr must be a finite number above 0, but nan came"),
        ({"batch": 1}, "batch must be a whole number of at least 2, but 1 came"),
        ({"batch": 65_537}, "batch must be a whole number of at most 65536, but 65537 came; lower it"),
        ({"width": 20_000}, "width must be a whole number of at most 16384, but 20000 came; lower it"),
        ({"batch": 64.0}, "batch must be a whole number of at least 2, but 64.0 came"),
        (
            {"batch": np.int64(64)},
            "batch must be a whole number of at least 2, but np.int64(64) came; make it one of Python's by int()",
        ),
        ({"latent": True}, "latent must be a whole number of at least 1, but True came"),
        ({"beta1": 1.0}, "beta1 must be a finite number of at least 0 and below 1, but 1.0 came"),
        ({"penalty.every": 0}, "penalty.every must be a whole number of at least 1, but 0 came"),
        ({"width": -3}, "width must be a whole number of at least 1, but -3 came"),
        ({"ema_half_life": 0}, "ema_half_life must be a finite number above 0, but 0 came"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_value_is_answered_with_what_was_expected_and_what_came(changes, said):
    with pytest.raises(ConfigError) as error:
        variant("r1gan", changes)
    assert str(error.value) == said


def test_an_unknown_variant_is_answered_with_those_that_there_are():
    with pytest.raises(ConfigError, match="there is no variant 'gam'; there are gan_minimax, gan, dcgan"):
        variant("gam")


def test_override_changes_a_dotted_name_and_refuses_others():
    before = variant("wgan_gp")
    assert override(before, {"penalty.weight": 3.0}).penalty.weight == 3.0
    assert before.penalty.weight == 10.0
    with pytest.raises(ConfigError, match=r"UnitSlope has no 'wait' \(from 'wait'\); it has weight, every"):
        override(before, {"penalty.wait": 3.0})


def test_changes_that_are_valid_together_are_taken_together_in_any_order():
    for names in (("batch", "packing"), ("packing", "batch")):
        made = variant("pacgan", {name: {"batch": 9, "packing": 3}[name] for name in names})
        assert (made.batch, made.packing) == (9, 3)
    with pytest.raises(ConfigError, match="a batch of 10 samples cannot be cut into packs of 3"):
        variant("pacgan", {"batch": 10, "packing": 3})


def test_override_reaches_into_a_part_that_it_has_just_replaced():
    made = override(variant("wgan_gp"), {"penalty.weight": 3.0, "penalty": UnitSlope(weight=1.0, every=2)})
    assert made.penalty == UnitSlope(weight=3.0, every=2)


def test_the_two_first_gans_differ_in_their_loss_alone():
    assert replace(variant("gan_minimax"), name="gan", loss=NonSaturating()) == variant("gan")
    assert variant("gan_minimax").loss == Minimax()


@pytest.mark.parametrize("name", VARIANTS)
def test_convolutions_need_images_and_all_else_takes_points_too(name, points, pictures):
    made = variant(name)
    assert made.supports(pictures) is None
    reason = made.supports(points)
    assert (reason is None) == (name not in ("dcgan", "sngan"))
    assert reason is None or "convolutions need images" in reason


def test_labels_that_there_are_not_are_asked_for(pictures):
    unlabelled = Finite(
        name="unlabelled", splits={name: Split(split.samples) for name, split in pictures.splits.items()}
    )
    assert "labels of two classes or more" in variant("cgan").supports(unlabelled)
    assert "labels of two classes or more" in variant("acgan").supports(load("gaussian1d"))
    assert variant("infogan").supports(unlabelled) is None


def test_impossible_pairs_are_refused_with_the_reason():
    with pytest.raises(ConfigError, match=r"Conditional\(\) joins other numbers to them"):
        replace(variant("cgan"), penalty=ZeroSlope())
    with pytest.raises(ConfigError, match="a batch of 64 samples cannot be cut into packs of 3"):
        variant("pacgan", {"batch": 64, "packing": 3})
    with pytest.raises(ConfigError, match="must be one of batch, layer, group, none, but 'instance' came"):
        Convolutional(discriminator_norm="instance")


def test_published_recipes_are_the_defaults():
    wgan, gp, dcgan = variant("wgan"), variant("wgan_gp"), variant("dcgan")
    assert (wgan.generator_lr, wgan.constraint.limit, wgan.discriminator_steps) == (5e-5, 0.01, 5)
    assert (gp.penalty.weight, gp.optimiser.beta1, gp.optimiser.beta2, gp.discriminator_steps) == (10, 0, 0.9, 5)
    assert (dcgan.generator_lr, dcgan.optimiser.beta1, dcgan.batch) == (2e-4, 0.5, 64)
