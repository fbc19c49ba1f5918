"""Whatever else lives in the store: it is listed, never ranked, and breaks nothing."""

import pytest

from orchestrator.home import Home
from orchestrator.recording.client import client


@pytest.fixture
def visited(home: Home) -> Home:
    """A store in which somebody else has recorded a run."""
    store = client(home)
    run = store.create_run(store.create_experiment("sklearn"), run_name="forest [bold]<script>", tags={"fid": "1.0"})
    store.log_metric(run.info.run_id, "fid", 0.1)
    return home


def test_runs_of_others_are_listed_as_unranked(ganarena, visited, monkeypatch):
    monkeypatch.setenv("GANARENA_HOME", str(visited.path))
    document = ganarena("leaderboard", "--json").document
    assert document["groups"] == []
    (run,) = document["foreign"]
    assert (run["experiment"], run["name"], run["status"]) == ("sklearn", "forest [bold]<script>", "running")
    assert run["unranked"] == "unranked: protocol unknown"
    told = ganarena("leaderboard", "sklearn").out
    assert "unranked: protocol unknown" in told
    assert "forest [bold]<script>" in told


def test_an_unknown_name_is_refused_beside_them(ganarena, visited, monkeypatch):
    monkeypatch.setenv("GANARENA_HOME", str(visited.path))
    refused = ganarena("leaderboard", "sklaern")
    assert refused.status == 2
    assert "no experiment 'sklaern'" in refused.err


@pytest.mark.parametrize("options", [(), ("--json",), ("--expected-best", "--importance"), ("--pareto", "seconds")])
def test_an_empty_home_says_so(ganarena, options):
    answer = ganarena("leaderboard", *options)
    assert answer.status == 0
    assert "nothing is recorded yet" in answer.out or answer.document == {"groups": [], "foreign": []}
