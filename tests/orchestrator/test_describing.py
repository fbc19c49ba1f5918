"""What a record says of how it was made."""

from orchestrator.config.models import SearchExperiment
from orchestrator.config.plain import document
from orchestrator.recording.describing import REPEATED, contender_params, experiment_file

OF_THE_SEARCH = {"space", "search", "baselines", "log_system_metrics"}
OWN = {"variant", "data", "hyperparameters", "budget"}


def test_the_file_of_a_contender_has_all_keys_but_those_of_the_search():
    assert set(REPEATED) | OWN == SearchExperiment.model_fields.keys() - OF_THE_SEARCH


def test_the_file_of_a_contender_says_how_it_was_computed():
    experiment = SearchExperiment.model_validate(
        {"name": "x", "data": "ring8", "budget": {"steps": 2, "tick": 1}, "engine": {"accumulate": 2}}
    )
    attempt = {
        "experiment": experiment.model_dump(mode="json", exclude_none=True),
        "contenders": {"000-a": {"variant": "gan", "data": {"name": "ring8"}, "budget": {"steps": 2, "tick": 1}}},
    }
    read = document(experiment_file(attempt, "000-a"), "x").value
    assert (read["variant"], read["engine"]["accumulate"]) == ("gan", 2)


def test_params_say_how_it_was_computed_where_that_is_not_as_usual():
    fields = {"variant": "gan", "hyperparameters": {}, "data": {"name": "ring8"}, "budget": {"steps": 2, "tick": 1}}
    attempt = {"contenders": {"000-a": fields}, "experiment": {"seeds": [0]}}
    assert not any(name.startswith("engine") for name in contender_params(attempt, "000-a"))
    attempt["experiment"]["engine"] = {"compiled": True, "accumulate": 1}
    params = contender_params(attempt, "000-a")
    assert {name: value for name, value in params.items() if name.startswith("engine")} == {"engine.compiled": "True"}
