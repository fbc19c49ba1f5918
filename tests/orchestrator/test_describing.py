"""What a record says of how it was made."""

from orchestrator.config.models import SearchExperiment
from orchestrator.config.plain import document
from orchestrator.recording.describing import REPEATED, experiment_file

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
