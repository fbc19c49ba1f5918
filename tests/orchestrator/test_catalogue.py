"""The catalogues of `ganarena list`: whatever there is, from the code itself."""

import json

import pytest

import gans
import metrics
from orchestrator.catalogue import CATALOGUES, entries
from orchestrator.cli.about import CATALOGUES as OFFERED
from orchestrator.stopping import RULES

CODE = {
    "variants": gans.VARIANTS,
    "baselines": gans.BASELINES,
    "losses": gans.LOSSES,
    "penalties": gans.PENALTIES,
    "networks": gans.NETWORKS,
    "datasets": gans.data.DATASETS,
    "metrics": metrics.METRICS,
    "extractors": metrics.EXTRACTORS,
    "rules": RULES,
}


def test_the_command_offers_every_catalogue():
    assert set(OFFERED) == set(CATALOGUES) == set(CODE)


@pytest.mark.parametrize("catalogue", CODE)
def test_a_catalogue_lists_every_name_with_a_summary_in_one_line(ganarena, catalogue):
    listed = ganarena("list", catalogue, "--json").document
    assert listed == json.loads(json.dumps(entries(catalogue), allow_nan=False))
    assert [entry["name"] for entry in listed] == list(CODE[catalogue])
    for entry in listed:
        assert entry["summary"].strip()
        assert "\n" not in entry["summary"]
        assert entry["paper"] is None or entry["paper"].strip()


@pytest.mark.parametrize("catalogue", CODE)
def test_a_catalogue_is_printed_for_people_too(ganarena, catalogue):
    answer = ganarena("list", catalogue)
    assert answer.status == 0
    assert all(name in answer.out for name in CODE[catalogue])


def test_variants_carry_what_they_read_with_the_values_that_they_have():
    listed = {entry["name"]: entry for entry in entries("variants")}
    for name, entry in listed.items():
        known = gans.hyperparameters(gans.variant(name))
        assert {each["name"]: each["default"] for each in entry["hyperparameters"]} == {
            key: each.default for key, each in known.items()
        }
        assert all(each["summary"] and each["unit"] for each in entry["hyperparameters"])
        assert entry["paper"]
        assert all(isinstance(sentence, str) for sentence in entry["evidence"])


def test_metrics_say_what_is_better_and_what_they_need():
    listed = {entry["name"]: entry for entry in entries("metrics")}
    assert (listed["fd"]["higher_is_better"], listed["fd"]["needs"]) == (False, "features")
    assert [listed[name]["right_at_one"] for name in ("fd", "spread")] == [False, True]
    assert (listed["is"]["higher_is_better"], listed["is"]["needs"]) == (True, "logits")
    assert (listed["modes"]["higher_is_better"], listed["modes"]["needs"]) == (True, "modes")


def test_rules_carry_their_settings():
    listed = {entry["name"]: entry["settings"] for entry in entries("rules")}
    assert listed["diverged"] == []
    assert {"name": "patience", "default": 0.4} in listed["plateaued"]


def test_a_catalogue_that_there_is_not_is_refused(ganarena):
    answer = ganarena("list", "variant")
    assert (answer.status, answer.out) == (2, "")
    assert "'variants'" in answer.err
