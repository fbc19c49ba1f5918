"""A search whose best are confirmed on new seeds, from the command line."""

import pytest
from arena import RING, document, ganarena, journal, kill, recorded, start, wait_for

SEARCH = "search: {contenders: 2, sampler: random, scheduler: none, confirm: {top: 1, seeds: [5, 6, 7]}}"


@pytest.mark.long
def test_a_search_killed_in_its_confirmation_goes_on_with_what_it_had_chosen(tmp_path):
    from orchestrator.home import Home
    from orchestrator.recording.reading import read

    file, home = tmp_path / "ring.yaml", tmp_path / "home"
    file.write_text(RING[: RING.index("search:")] + SEARCH)
    driver = start("search", file, home=home)
    wait_for(driver, home, ticks=2 * 3 + 1)
    kill(driver)
    told = journal(home)
    found = document(ganarena("search", file, "--resume", "--json", home=home))
    assert (found["contenders"], found["finished"]) == (2, 2)
    again, usual = found["confirmed"]
    assert usual["confirms"] == "default"
    assert found["optimism"] == again["optimism"] == again["selected"]["value"] - again["score"]["value"]

    assert journal(home)[: len(told)] == told
    (chosen,) = (event for event in journal(home) if event["kind"] == "confirming")
    assert chosen["confirms"] == {row["contender"]: row["confirms"] for row in found["confirmed"]}
    kinds, series = recorded(home)
    assert kinds == {("search", "FINISHED"): 1, ("contender", "FINISHED"): 4, ("replica", "FINISHED"): 2 * 2 + 2 * 3}
    assert series == [(20, 40, 60)] * 10
    seeds = {record.confirms: [replica.seed for replica in record.replicas] for record in read(Home.at(home))}
    assert seeds == {None: [0, 1], again["confirms"]: [5, 6, 7], "default": [5, 6, 7]}
