"""The report: a page that says what is best and how far to trust it, whatever the records hold."""

import json
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from orchestrator.home import Home
from orchestrator.leaderboard import Group, rank
from orchestrator.recording.client import client, search
from orchestrator.recording.recorder import Recorder
from orchestrator.recording.search_run import REPORT
from orchestrator.records import ContenderRecord, ReplicaRecord, ScoreRecord
from orchestrator.report.happenings import happenings
from orchestrator.report.thumbnails import source, thinned
from orchestrator.report.verdict import verdict
from tests.benchmarks.synthetic_store import Synthetic

HOSTILE = [
    "<script>alert('x')</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"quoted\" 'and' & ampersands",
    "{{ 7 * 7 }} {% raw %}",
    "emoji 🦊 and \u202e right to left \u05d0\u05d1\u05d2",
    "=HYPERLINK($1$)",
    "long" * 2500,
]


class Page(HTMLParser):
    """What a reader's browser makes of a page: its text, its tags, and the data inside."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.inside: list[str] = []
        self.data: Any = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.inside and self.inside[-1] == "script" and ("id", "data") in self.tags[-1][1].items():
            self.data = json.loads(data)
        elif not self.inside or self.inside[-1] not in ("script", "style"):
            self.text.append(data)


def tell(home: Home, story: Synthetic, events: Iterator[dict[str, Any]] | None = None) -> None:
    recorder = Recorder(home, home.experiment(story.name) / "attempt-001")
    for event in events or story.events():
        recorder.append(event)
    assert recorder.close(timeout=60)


@pytest.fixture
def written(ganarena, home: Home, monkeypatch):
    """Write the report of a story and read it."""
    monkeypatch.setenv("GANARENA_HOME", str(home.path))

    def write(name: str) -> Page:
        file = home.path / "page.html"
        assert ganarena("report", name, "-o", file, "--json").document["file"] == str(file)
        return Page(file.read_text())

    return write


def hostile(story: Synthetic) -> Iterator[dict[str, Any]]:
    """The same story, told by people who write the same hostile text wherever they find room for it."""
    said = dict(zip(story.configurations, HOSTILE, strict=True))
    for event in story.events():
        if event["kind"] == "attempt":
            for index, (name, configuration) in enumerate(event["contenders"].items()):
                configuration["variant"] = HOSTILE[index - index % 2][:100]  # two of each, so that a loss was searched
                configuration["hyperparameters"]["loss"] = said[name]
        if event["kind"] in ("tick", "end"):
            ended = {"status": "failed", "reason": said[event["contender"]]}
            told = event.get("tick", event)
            told["replicas"] = [each | ended | {"final": None} for each in told["replicas"]]
            event |= ended
        yield event


def test_whatever_users_wrote_appears_as_text(home, written):
    story = Synthetic(contenders=len(HOSTILE), replicas=1, ticks=1, name=" ".join(HOSTILE)[:200])
    tell(home, story, hostile(story))
    page = written(story.name)
    assert [tag for tag, _ in page.tags].count("script") == 2  # the data and ours
    assert not [attributes for tag, attributes in page.tags if tag == "img" or "onerror" in attributes]
    for text in (story.name, *HOSTILE):
        assert any(text[:100] in each for each in page.text), text
    assert {each["variant"] for each in page.data["contenders"]} == {text[:100] for text in HOSTILE[::2]}
    assert {*page.data["params"]} >= {"variant", "loss"}
    assert {each["reason"] for each in page.data["contenders"]} == {text[:5000] for text in HOSTILE}


@pytest.mark.slow
def test_charts_for_papers_are_drawn_whatever_users_wrote(ganarena, home, monkeypatch):
    monkeypatch.setenv("GANARENA_HOME", str(home.path))
    story = Synthetic(contenders=len(HOSTILE), replicas=1, ticks=1, name="hostile")
    tell(home, story, hostile(story))
    drawn = ganarena("report", "hostile", "--figures", home.path / "figures", "--json").document["figures"]
    assert {Path(path).name for path in drawn} >= {
        "curves-mnist5k-fd_lenet.svg",
        "curves-mnist5k-fd_lenet.png",
        "tried-loss.svg",
    }
    assert all(Path(path).stat().st_size for path in drawn)
    first = Path(drawn[0]).read_bytes()
    ganarena("report", "hostile", "--figures", home.path / "figures")
    assert Path(drawn[0]).read_bytes() == first


def test_the_page_is_one_file_that_asks_nobody_for_anything(home, written):
    tell(home, Synthetic(contenders=2, replicas=3, ticks=2))
    page = written("synthetic")
    asking = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in ("src", "href", "action") and value and not value.startswith(("#", "data:"))
    ]
    assert not asking
    assert "default-src 'none'" in (home.path / "page.html").read_text()


def test_the_data_of_the_charts_is_what_was_recorded(home, written):
    story = Synthetic(contenders=3, replicas=2, ticks=4)
    tell(home, story)
    charts = written("synthetic").data
    assert charts["facets"] == ["mnist5k"]
    assert charts["metrics"] == ["fd_lenet", "is_lenet", "coverage_lenet"]
    assert len(charts["contenders"]) == 3
    for contender in charts["contenders"]:
        assert contender["images"] == [1000, 2000, 3000, 4000]
        assert [len(series) for series in contender["scores"]["fd_lenet"]] == [4, 4]
    scores = [contender["score"] for contender in charts["contenders"]]
    assert scores == sorted(scores)  # lower is better, so the first has the lowest


def test_a_search_that_goes_on_has_a_page_that_says_so(home, written):
    story = Synthetic(contenders=2, replicas=1, ticks=3)
    tell(home, story, (event for event in story.events() if event["kind"] == "attempt" or event.get("step", 99) <= 32))
    page = written("synthetic")
    told = " ".join(page.text)
    assert "No contender has a final score yet" in told
    assert "2 of 2 still running." in told
    assert {each["status"] for each in page.data["contenders"]} == {"running"}


def test_runs_of_others_have_a_page_that_ranks_nothing(home, written):
    store = client(home)
    store.create_run(store.create_experiment("sklearn"), run_name="forest <b>")
    page = written("sklearn")
    assert "unranked: protocol unknown" in page.text
    assert "forest <b>" in page.text
    assert page.data["contenders"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing", "-o", "page.html"), "nothing is recorded in"),
        (("nothing", "-o", "nowhere/page.html"), "there is no folder nowhere that may be written to"),
        (("nothing", "-o", "."), "expected a file, but . is something else"),
        (("nothing", "-o", "/dev/null"), "expected a file, but /dev/null is something else"),
        (("nothing",), "expected -o FILE for the page"),
        (("nothing", "-o", "page.pdf"), "-o page.pdf: the page is HTML, so its name ends in .html or .htm; --figures"),
        (("nothing", "-o", "page"), "-o page: the page is HTML"),
        (("nothing", "--figures", "figures"), "nothing is recorded in"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_writes_nothing(ganarena, tmp_path, arguments, said):
    refused = ganarena("report", *arguments)
    assert refused.status == 2
    assert said in refused.err
    assert not list(tmp_path.rglob("*"))


def test_an_unknown_name_is_refused_with_those_that_there_are(ganarena, home, monkeypatch):
    monkeypatch.setenv("GANARENA_HOME", str(home.path))
    tell(home, Synthetic(contenders=1, replicas=1, ticks=1))
    refused = ganarena("report", "synthetik", "-o", "page.html")
    assert refused.status == 2
    assert "no experiment 'synthetik'" in refused.err
    assert "synthetic" in refused.err
    assert not Path("page.html").exists()


def test_the_page_is_kept_with_the_search_and_replaces_an_older_one(home, written):
    tell(home, Synthetic(contenders=1, replicas=1, ticks=1))
    (home.path / "page.html").write_text("older")
    written("synthetic")
    store = client(home)
    (experiment,) = (each.experiment_id for each in store.search_experiments() if each.name == "synthetic")
    (run,) = search(store, [experiment], "tags.`arena.kind` = 'search'")
    kept = store.download_artifacts(run.info.run_id, REPORT)
    assert Path(kept).read_text() == (home.path / "page.html").read_text()
    assert "older" not in Path(kept).read_text()[:100]


# The verdict, by hand.

PROTOCOL = {"dataset": {"name": "ring8"}, "extractor": {"name": "identity"}, "generated": 100, "reals": 100}


def contender(name: str, *values: float, **changes: Any) -> ContenderRecord:
    replicas = [
        ReplicaRecord(
            run_id=f"{name}-{seed}",
            seed=seed,
            status="finished",
            reason=None,
            step=1,
            images=1,
            seconds=1.0,
            final={"modes": ScoreRecord(value=value, low=None, high=None, higher_is_better=True)},
            last={"modes": value},
        )
        for seed, value in enumerate(values)
    ]
    whole = {"run_id": name, "experiment": "x", "attempt": 1, "contender": name, "variant": "gan", "status": "finished"}
    whole |= {"reason": None, "objective": "modes", "protocol": PROTOCOL, "budget_class": {}, "params": {}}
    return ContenderRecord(**{**whole, "replicas": replicas, **changes})


def only(*records: ContenderRecord) -> Group:
    (group,) = rank(records)
    return group


def test_the_headline_names_the_best_and_how_far_the_next_is():
    told = verdict(only(contender("000-a", 8), contender("001-b", 4)))
    assert told.headline == "gan 000 has the highest modes: 8. Next is gan 001 with 4."
    told = verdict(only(contender("000-a", 3), contender("001-b", 4, variant="r1gan")))
    assert told.headline == "r1gan has the highest modes: 4. Next is gan with 3, 33 % away."


def test_equal_scores_share_the_headline():
    told = verdict(only(contender("000-a", 8), contender("001-b", 8), contender("002-c", 2)))
    assert told.headline == "gan 000 and gan 001 share the highest modes: 8. Next is gan 002 with 2."


def test_the_headline_compares_only_those_that_stand_alike():
    selected = contender("000-a", 8.5), contender("001-b", 7.5, variant="r1gan")
    told = verdict(only(*selected, contender("002-c", 7, 7, 7, confirms="000-a")))
    assert told.headline == "gan 002 has the highest modes of the confirmed: 7 ± 0."
    assert any(each.startswith("Confirmed on new seeds") for each in told.trust)
    told = verdict(only(*selected, contender("002-c", 7, 7, 7)))
    assert told.headline == "gan 002 has the highest modes of the ranked: 7 ± 0."
    torn = contender("002-c", 9, 9)
    torn = replace(torn, replicas=[torn.replicas[0], replace(torn.replicas[1], final={}, status="failed")])
    told = verdict(only(contender("000-a", 8), contender("001-b", 4), torn))
    assert told.headline == "gan 000 has the highest modes of those that lost no replica: 8. Next is gan 001 with 4."


def test_who_was_kept_by_an_audit_is_in_no_headline():
    kept = contender("000-a", 8, audited="asha")
    assert verdict(only(kept, contender("001-b", 4, variant="r1gan"))).best.variant == "r1gan"
    assert verdict(only(kept)).headline == "Only what an audit kept has a final score."


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([contender("000-a", 8), contender("001-b", 4)], "One seed each: with other seeds the order may turn."),
        ([contender("000-a", 8, 7)], "2 seeds each: with other seeds the order may turn."),
        (
            [contender("000-a", 8.0, 8.1, 8.2), contender("001-b", 1.0, 1.1, 1.2)],
            "Over 3 seeds each, nobody else can be first (95 %).",
        ),
        (
            [contender("000-a", 8, 1, 5), contender("001-b", 2, 7, 4)],
            "Over 3 seeds each, its true rank may be anything from 1 to 2 (95 %).",
        ),
        (
            [contender("000-a", 8), contender("001-b", 9, variant="gmm", baseline=True)],
            "It is no better than the baseline gmm with 9.",
        ),
        ([contender("000-a", 8), contender("001-b", status="pruned")], "1 of 2 ended before the budget was spent."),
        (
            [contender("000-a", 8), contender("001-b", 4)],
            "Selected, not confirmed on new seeds: the best of many is also lucky.",
        ),
    ],
)
def test_what_speaks_against_the_headline_is_said(records, said):
    assert said in verdict(only(*records)).trust


def test_defaults_that_win_the_confirmation_are_called_so():
    new = contender("001-b", 9, 9.1, 8.9, confirms="default")
    told = verdict(only(contender("000-a", 8.5), contender("002-c", 7, 7, 7.1, confirms="000-a"), new))
    assert "These are the variant's defaults: on the same new seeds, nothing that was selected is better." in told.trust


def test_a_perfect_generator_is_told_where_it_is_known():
    assert "A perfect generator would get 7.9." in verdict(only(contender("000-a", 8)), floor=7.9).trust


# The album.


def test_a_picture_is_shrunk_to_its_own_pixels(tmp_path):
    small = np.random.default_rng(0).integers(0, 256, (23, 23), dtype=np.uint8)
    Image.fromarray(small.repeat(9, 0).repeat(9, 1)).save(tmp_path / "large.png")
    Image.fromarray(small).save(tmp_path / "small.png")
    assert source(tmp_path / "large.png") == source(tmp_path / "small.png")
    assert source(tmp_path / "small.png").startswith("data:image/png;base64,")


def test_many_ticks_are_thinned_evenly_and_the_first_and_the_last_stay():
    assert thinned([30, 10, 20]) == [10, 20, 30]
    kept = thinned(range(100), most=12)
    assert (kept[0], kept[-1], len(kept)) == (0, 99, 12)
    assert {after - before for before, after in pairwise(kept)} == {9}


# What happened.


def test_what_happened_is_told_in_order_with_its_reason(tmp_path):
    home = Home(tmp_path)
    folder = home.experiment("x") / "attempt-001"
    folder.mkdir(parents=True)
    numbers = {"was": {"generator_lr": 0.001}, "now": {"generator_lr": 0.0012}}
    told = [
        {"kind": "attempt", "time": 60.0},
        {"kind": "tick", "contender": "000-a", "time": 90.0, "step": 5},
        {"kind": "cloned", "contender": "000-a", "from": "001-b", "step": 5, "time": 120.0, **numbers},
        {"kind": "lost", "contender": "000-a", "reason": "its worker was lost", "time": 150.0},
        {"kind": "end", "contender": "001-b", "status": "finished", "reason": None, "time": 150.0, "tick": None},
        {"kind": "end", "contender": "000-a", "status": "pruned", "reason": "asha", "time": 180.0, "tick": {"step": 9}},
        {"kind": "crowded", "contender": "000-a", "together": 1, "reason": "memory did not suffice", "time": 300.0},
    ]
    (folder / "journal.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in told))
    assert [(each.minutes, each.what, each.told, each.step) for each in happenings(home, "x", 1)] == [
        (1.0, "cloned", "goes on as a copy of 001-b, generator_lr from 0.001 to 0.0012", 5),
        (1.5, "lost", "its worker was lost", None),
        (2.0, "pruned", "asha", 9),
        (4.0, "crowded", "memory did not suffice", None),
    ]
    assert list(happenings(home, "y", 1)) == []
