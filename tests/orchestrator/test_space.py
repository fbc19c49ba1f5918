"""Which contenders a search draws: all of them up front, from the search's own seed."""

import math
import random
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from spaces import SPACE, experiment

import gans
from orchestrator.config import StudyExperiment, validate
from orchestrator.config.document import Document
from orchestrator.errors import RequestError
from orchestrator.space import Contender, canonical, contenders, digest


def drawn(space: dict[str, Any], **search: Any) -> list[Contender]:
    return contenders(experiment(space, search=search))


def grid(space: dict[str, Any], **search: Any) -> list[Contender]:
    return drawn(space, contenders=None, sampler="grid", **search)


def values(found: list[Contender], name: str) -> list[Any]:
    return [contender.hyperparameters[name] for contender in found if name in contender.hyperparameters]


def test_the_seed_of_the_search_alone_decides_what_is_drawn():
    first = drawn(SPACE, seed=7)
    random.seed(1)
    assert drawn(SPACE, seed=7) == first
    assert drawn(SPACE, seed=8) != first


def test_a_wider_search_begins_with_the_same_contenders():
    assert drawn(SPACE, contenders=20)[:8] == drawn(SPACE, contenders=8)


def test_a_dimension_that_is_new_gone_or_elsewhere_leaves_the_draws_of_the_others():
    rates = values(drawn(SPACE), "generator_lr")
    assert values(drawn({"width": {"choice": [8, 16]}, **SPACE}), "generator_lr") == rates
    assert values(drawn(dict(reversed(SPACE.items()))), "generator_lr") == rates
    assert values(drawn({"generator_lr": SPACE["generator_lr"]}), "generator_lr") == rates


@pytest.mark.parametrize("seed", range(5))
def test_every_draw_lies_within_its_law(seed):
    found = drawn(SPACE, contenders=100, seed=seed)
    assert {contender.variant for contender in found} == {"gan", "wgan_gp", "r1gan"}
    assert all(1e-5 <= rate <= 1e-2 for rate in values(found, "generator_lr"))
    assert set(values(found, "batch")) == {2, 3, 4}  # the high end of randint is excluded
    searched = [c for c in found if c.variant in ("gan", "r1gan")]
    assert all(0 <= share <= 0.9 for share in values(searched, "beta1"))


def test_loguniform_is_uniform_in_the_logarithm():
    rates = values(drawn({"generator_lr": {"loguniform": [1e-5, 1e-2]}}, contenders=3000), "generator_lr")
    exponents = sorted((math.log10(rate) + 5) / 3 for rate in rates)
    # The largest gap to the diagonal, by Kolmogorov and Smirnov: 1.63 / sqrt(n) at 1 %.
    gap = max(abs(share - (index + 0.5) / len(exponents)) for index, share in enumerate(exponents))
    assert gap < 1.63 / math.sqrt(len(exponents))


def test_uniform_is_not():
    rates = values(drawn({"generator_lr": {"uniform": [0, 1]}}, contenders=3000), "generator_lr")
    gap = max(abs(rate - (index + 0.5) / len(rates)) for index, rate in enumerate(sorted(rates)))
    assert gap < 1.63 / math.sqrt(len(rates))


def test_a_dimension_exists_only_under_its_condition():
    found = drawn(SPACE, contenders=60)
    defaults = {name: gans.hyperparameters(gans.variant(name)) for name in ("gan", "wgan_gp", "r1gan")}
    for contender in found:
        default = defaults[contender.variant]
        assert contender.hyperparameters.keys() == default.keys()
        if contender.variant == "wgan_gp":
            assert contender.hyperparameters["beta1"] == default["beta1"].default
            assert contender.hyperparameters["penalty.every"] == default["penalty.every"].default
        if "penalty.weight" in default:
            assert contender.hyperparameters["penalty.weight"] != default["penalty.weight"].default
    assert set(values([c for c in found if c.variant == "r1gan"], "penalty.every")) == {1, 4}


def test_a_condition_may_hang_on_another_that_does_not_hold():
    space = {
        "variant": {"choice": ["gan", "r1gan"]},
        "penalty.every": {"choice": [1, 4], "when": {"variant": "r1gan"}},
        "penalty.weight": {"choice": [3], "when": {"penalty.every": 4}},
    }
    document = Document("f", {"name": "x", "data": "ring8", "budget": {"steps": 20, "tick": 10}, "space": space}, {})
    assert validate(document, folder=Path())  # what reads a name is found through all conditions
    found = {
        (c.variant, c.hyperparameters.get("penalty.every"), c.hyperparameters.get("penalty.weight"))
        for c in grid(space)
    }
    default = gans.hyperparameters(gans.variant("r1gan"))["penalty.weight"].default
    assert found == {("gan", None, None), ("r1gan", 1, default), ("r1gan", 4, 3)}


def test_a_grid_is_every_combination_of_the_dimensions_that_exist():
    found = grid(
        {
            "penalty.weight": {"choice": [1, 10], "when": {"variant": "wgan_gp"}},
            "variant": {"choice": ["gan", "wgan_gp"]},
            "generator_lr": {"choice": [1e-4, 1e-3, 1e-2]},
        }
    )
    rates = (1e-4, 1e-3, 1e-2)
    expected = [("gan", rate, None) for rate in rates]
    expected += [("wgan_gp", rate, weight) for rate, weight in product(rates, (1, 10))]
    got = [(c.variant, c.hyperparameters["generator_lr"], c.hyperparameters.get("penalty.weight")) for c in found]
    assert len(got) == 9
    assert sorted(got, key=str) == sorted(expected, key=str)


def test_the_number_of_contenders_is_an_upper_limit_of_a_grid():
    space = {"generator_lr": {"choice": [1e-4, 1e-3, 1e-2]}, "batch": {"choice": [2, 4, 8]}}
    assert drawn(space, sampler="grid", contenders=4) == grid(space)[:4]
    assert len(drawn(space, sampler="grid", contenders=100)) == 9


def test_a_space_without_dimensions_is_the_variant_itself():
    (alone,) = grid({})
    assert alone == contenders(experiment({}, search={"contenders": 1}))[0]
    assert alone.hyperparameters["batch"] == gans.variant("gan").batch


def test_the_configuration_of_a_contender_is_an_experiment_of_its_own():
    for contender in drawn(SPACE, contenders=20):
        document = Document("record", {"name": "again", **contender.configuration}, {})
        (alone,) = contenders(validate(document, folder=Path()))
        assert alone.configuration == contender.configuration


def test_values_that_do_not_go_together_are_refused_where_they_are_searched():
    space = {"batch": {"choice": [6, 8]}, "packing": {"choice": [2, 4]}}
    search = {"sampler": "grid"}
    whole = {"name": "x", "variant": "pacgan", "data": "ring8", "budget": {"steps": 20, "tick": 10}}
    document = Document("f", whole | {"space": space, "search": search}, {("space",): "f:5"})
    with pytest.raises(RequestError, match="f:5: space: a batch of 6 samples cannot be cut into packs of 4"):
        validate(document, folder=Path())
    space["batch"]["choice"] = [8, 16]
    assert len(contenders(validate(document, folder=Path()))) == 4


def test_nothing_is_a_value_where_a_variant_reads_it_so():
    (kept, off) = contenders(
        experiment(
            {"ema_half_life": {"choice": [1000, None]}}, variant="r1gan", search={"contenders": None, "sampler": "grid"}
        )
    )
    assert (kept.hyperparameters["ema_half_life"], off.hyperparameters["ema_half_life"]) == (1000, None)


def test_fixed_hyperparameters_hold_for_every_contender():
    found = contenders(experiment({"generator_lr": {"uniform": [0.1, 0.2]}}, hyperparameters={"batch": 4, "beta1": 0}))
    assert {(c.hyperparameters["batch"], c.hyperparameters["beta1"]) for c in found} == {(4, 0)}


def test_what_a_variant_does_not_read_is_refused_even_without_a_file():
    with pytest.raises(gans.ConfigError, match=r"gan does not read 'penalty\.weight'"):
        contenders(experiment({}, hyperparameters={"penalty.weight": 3}))


def test_equal_configurations_have_equal_digests_and_the_place_in_the_plan_is_in_the_name():
    first, second, other = grid({"generator_lr": {"choice": [1, 0.5]}}) + grid({"generator_lr": {"choice": [1.0]}})
    assert first.configuration == other.configuration != second.configuration
    names = [first.name, second.name, other.name]
    assert [name.partition("-")[0] for name in names] == ["000", "001", "000"]
    assert first.name == other.name
    assert first.name.partition("-")[2] == digest(first.configuration) != second.name.partition("-")[2]


@pytest.mark.parametrize(
    "change",
    [
        {"hyperparameters": {"batch": 4}},
        {"data": "grid25"},
        {"data": {"name": "ring8", "std": 0.2}},
        {"budget": {"steps": 40, "tick": 10}},
        {"budget": {"images": 20, "tick": 10}},
        {"variant": "wgan"},
    ],
    ids=canonical,
)
def test_whatever_changes_the_training_changes_the_digest(change):
    (plain,), (changed,) = (contenders(experiment({}, search={"contenders": 1}, **each)) for each in ({}, change))
    assert plain.name != changed.name


@pytest.mark.parametrize(
    "change", [{"name": "y"}, {"seeds": [3]}, {"resources": {"cpus": 2}}, {"stop": []}], ids=canonical
)
def test_what_does_not_change_the_training_of_a_replica_leaves_the_digest(change):
    (plain,), (changed,) = (contenders(experiment({}, search={"contenders": 1}, **each)) for each in ({}, change))
    assert plain.name == changed.name


def test_canonical_json_does_not_depend_on_the_order_of_keys_and_refuses_nan():
    assert canonical({"b": 1, "a": [1, {"d": 2, "c": 3}]}) == '{"a":[1,{"c":3,"d":2}],"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": math.nan})


def test_conditions_in_a_circle_are_refused_even_without_a_file():
    space = {
        "batch": {"choice": [2], "when": {"width": 4}},
        "width": {"choice": [4], "when": {"latent": 4}},
        "latent": {"choice": [4], "when": {"width": 4}},
    }
    with pytest.raises(RequestError, match="space: the `when` of width and latent goes in a circle"):
        drawn(space)


def test_a_study_crosses_its_variants_with_its_data():
    axes = {"variants": ["gan", "wgan"], "data": ["ring8", "grid25"]}
    study = StudyExperiment(name="x", study=axes, budget={"steps": 20, "tick": 10}, hyperparameters={"batch": 4})
    found = contenders(study)
    assert [(c.index, c.variant, c.data["name"]) for c in found] == [
        (0, "gan", "ring8"),
        (1, "gan", "grid25"),
        (2, "wgan", "ring8"),
        (3, "wgan", "grid25"),
    ]
    assert {c.hyperparameters["batch"] for c in found} == {4}
