"""The decisions of an attempt: what stands in the file, in which order, and the leaderboard that follows from it."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from arena import board

from orchestrator.errors import WorkError
from orchestrator.home import Home
from orchestrator.leaderboard import rank
from orchestrator.recording.decisions import DECISIONS, Decisions, complete, read, replay
from orchestrator.recording.journal import Event, Journal, events
from orchestrator.recording.recorder import Recorder
from orchestrator.search.driver import Driver
from orchestrator.space import Contender

KEY = "fd_identity"


def contender(index: int, variant: str = "gan") -> Contender:
    return Contender(index=index, variant=variant, hyperparameters={}, data={"name": "ring8"}, budget={"steps": 3})


GMM = contender(9, "gmm")


def attempt(*up_front: Contender, **changes: Any) -> Event:
    return {
        "kind": "attempt",
        "attempt": 1,
        "folder": "tiny",
        "experiment": {"name": "tiny", "seeds": [0, 1], "evaluation": {}, "baselines": ["gmm"]},
        "contenders": {each.name: each.configuration for each in up_front},
        "objective": KEY,
        "objectives": [KEY, "seconds"],
        "directions": {KEY: False, "modes": True},
        "ticks": 3,
        "confirm": True,
        "environment": {"device": "cpu"},
        **changes,
    }


def score(value: float) -> Event:
    return {"value": value, "low": None, "high": value + 1, "higher_is_better": False}


def tick(name: str, step: int, value: float | None, *statuses: str) -> Event:
    """A look at two replicas; the second is a little worse, and has diverged where it is said to have stopped."""
    replicas = []
    for seed, status in enumerate(statuses or ("running", "running")):
        lost = value is None or status == "stopped"
        scores = {} if lost else {KEY: score(value + seed), "modes": score(8.0)}
        final = {"scores": {KEY: score((value or 0) + seed + 0.5)}, "floors": {}} if status == "finished" else None
        reason = "diverged: not finite" if status == "stopped" else None
        replica = {"seed": seed, "status": status, "reason": reason, "step": step, "images": step * 16}
        replica |= {"seconds": step * 1.5, "scores": scores, "floors": {}, "diagnostics": {}, "final": final}
        replicas.append(replica | {"fired": {"diverged": "step 3: not finite"} if lost else {}})
    told = {"kind": "tick", "contender": name, "step": step, "images": step * 16, "spent": step, "objective": value}
    told |= {"protocol": {"dataset": {"name": "ring8"}}, "budget_class": {"unit": "steps", "checkpoint": "final"}}
    return told | {"replicas": replicas, "began": 0.0, "busy": 1.0}


def tell(driver: Driver, folder: Path) -> None:
    """The story of a search in which everything happens once."""
    names = [contender(index, "gan" if index else "wgan").name for index in range(6)]
    for index in range(6):
        driver.draw(contender(index, "gan" if index else "wgan"), suggestion={"batch": index}, seen={"complete": 0})
    finished, better, pruned, diverged, failed, audited = names
    driver.tick(tick(GMM.name, 3, 1.0, "finished", "finished"), folder)
    driver.tick(tick(finished, 1, 50.0), folder)
    driver.tick(tick(better, 1, 40.0), folder)
    driver.tick(tick(pruned, 1, 60.0), folder)
    driver.pruned[pruned] = "asha at 1 steps: not in the best 1/2 of 3"
    driver.left_by_ray(pruned, None)
    driver.lost(better)
    driver.tick(tick(finished, 3, 30.0, "finished", "finished"), folder)
    driver.tick(tick(diverged, 1, 45.0), folder)
    driver.left_by_ray(diverged, None, interrupted=True)
    driver.close(interrupted=True)
    driver.tick(tick(diverged, 3, None, "finished", "stopped"), folder)
    driver.tick(tick(better, 3, 20.0, "finished", "finished"), folder)
    driver.end(failed, "failed", "ValueError: no")
    driver.audits[audited] = {"at": 1, "probability": 0.2, "reason": "asha at 1 steps: not in the best 1/2 of 5"}
    driver.tick(tick(audited, 1, 70.0), folder)
    driver.tick(tick(audited, 3, 5.0, "finished", "finished"), folder)
    again = contender(10)
    chosen = {"contenders": {again.name: again.configuration}, "confirms": {again.name: better}, "seeds": [7, 8]}
    driver.recorder.append({"kind": "confirming"} | chosen)
    driver.tick(tick(again.name, 3, 25.0, "finished", "finished"), folder)
    driver.close(interrupted=False)


@pytest.fixture(scope="module")
def told(empty_store: Path, tmp_path_factory) -> SimpleNamespace:
    """A home in which that search is recorded, and the folder of its attempt."""
    home, files = Home(tmp_path_factory.mktemp("home")), tmp_path_factory.mktemp("nothing")
    shutil.copy(empty_store, home.path / "mlflow.db")
    folder = home.path / "tune" / "tiny" / "attempt-001"
    recorder = Recorder(home, folder)
    recorder.append(attempt(GMM))
    tell(Driver(SimpleNamespace(), recorder), files)
    assert recorder.close(timeout=60)
    return SimpleNamespace(home=home, folder=folder, lines=read(folder / DECISIONS))


def test_decisions_stand_in_the_order_in_which_they_were_made(told):
    short = [(line["kind"], line.get("contender", "")[:3], line.get("status")) for line in told.lines]
    assert short == [
        ("begun", "", None),
        *(("suggested", f"{index:03d}", None) for index in range(6)),
        ("ended", "009", "finished"),
        ("pruned", "002", "pruned"),
        ("lost", "001", None),
        ("ended", "000", "finished"),
        ("ended", "003", "interrupted"),
        ("ended", "003", "stopped"),
        ("ended", "001", "finished"),
        ("ended", "004", "failed"),
        ("audited", "005", None),
        ("ended", "005", "finished"),
        ("confirming", "", None),
        ("ended", "010", "finished"),
    ]


def test_the_file_is_the_same_when_it_is_written_again_from_the_journal(told):
    first = (told.folder / DECISIONS).read_text()
    (told.folder / DECISIONS).write_text("torn")
    assert Decisions(told.folder / "journal.jsonl").lines == told.lines
    assert (told.folder / DECISIONS).read_text() == first


def test_decisions_replay_to_the_leaderboard_of_the_store_which_holds_them(told):
    from orchestrator.recording.client import client, search
    from orchestrator.recording.reading import read

    replayed = replay(told.lines)
    assert board(replayed) == board(read(told.home))
    (group,) = rank(replayed)
    assert [row.contender[:3] for row in group.rows][:3] == ["010", "001", "000"]
    assert [row.contender[:3] for row in group.rows if row.audited] == ["005"]
    assert [row.contender[:3] for row in group.rows if row.status == "pruned"] == ["002"]
    store = client(told.home)
    (run,) = search(store, [store.get_experiment_by_name("tiny").experiment_id], "tags.`arena.kind` = 'search'")
    kept = store.download_artifacts(run.info.run_id, DECISIONS)
    assert Path(kept).read_text() == (told.folder / DECISIONS).read_text()


def test_a_pruning_says_what_was_compared(told):
    (line,) = (line for line in told.lines if line["kind"] == "pruned")
    assert line["reason"] == "asha at 1 steps: not in the best 1/2 of 3"
    assert line["compared"] == {"spent": 1, "objective": 60.0, "others": 2, "better": 2}
    assert line["objectives"] is None
    assert line["curve"] == [[1, 60.0]]


def test_an_audit_says_what_was_known_when_it_began(told):
    (line,) = (line for line in told.lines if line["kind"] == "audited")
    assert (line["at"], line["probability"], line["curve"]) == (1, 0.2, [[1, 70.0]])
    assert line["compared"] == {"spent": 1, "objective": 70.0, "others": 4, "better": 4}


def test_only_who_got_to_its_end_has_objectives_and_seconds_are_those_of_all_replicas(told):
    objectives = {line["contender"][:3]: line["objectives"] for line in told.lines if line["kind"] == "ended"}
    assert objectives == {
        "009": {KEY: 1.5, "seconds": 9.0},
        "000": {KEY: 30.5, "seconds": 9.0},
        "001": {KEY: 20.5, "seconds": 9.0},
        "003": None,
        "004": None,
        "005": {KEY: 5.5, "seconds": 9.0},
        "010": {KEY: 25.5, "seconds": 9.0},
    }


def test_what_is_told_is_judged_on_select_and_never_on_final():
    whole = tick("000-a", 3, 30.0, "finished", "finished")
    assert complete(whole, [KEY]) == {KEY: 30.5}
    for replica in whole["replicas"]:
        replica["final"]["scores"][KEY]["value"] = 1e9
    assert complete(whole, [KEY]) == {KEY: 30.5}
    assert complete(tick("000-a", 3, 30.0), [KEY]) is None
    assert complete(whole, ["kd_identity"]) is None


def test_without_sampler_and_scheduler_there_are_only_ends(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    decisions = Decisions(journal.path)
    only = contender(0)
    final = tick(only.name, 3, 5.0, "finished", "finished")
    end = {"kind": "end", "contender": only.name, "status": "finished", "reason": None, "tick": final}
    for event in (attempt(only), tick(only.name, 1, 9.0), final, end, {"kind": "close"}):
        journal.append(event)
        decisions.take(event)
    journal.close()
    assert [line["kind"] for line in decisions.lines] == ["begun", "ended"]
    assert len(list(events(journal.path))) == 5


@pytest.mark.parametrize(
    ("again", "refusal"),
    [
        ({"kind": "suggested", "contender": "000-a", "suggestion": {}}, "line 4: 000-a had ended"),
        ({"kind": "ended", "contender": "000-a", "status": "finished"}, "line 4: 000-a had ended"),
        ({"kind": "pruned", "contender": "000-a", "status": "pruned"}, "line 4: 000-a had ended"),
    ],
)
def test_decisions_that_contradict_each_other_are_refused(again, refusal):
    begun = {"kind": "begun", "experiment": "x", "attempt": 1, "objectives": [KEY], "directions": {}, "baselines": []}
    drawn = {"kind": "suggested", "contender": "000-a", "suggestion": {}}
    end = {"kind": "ended", "contender": "000-a", "variant": "gan", "status": "failed", "reason": "no", "replicas": []}
    assert [record.status for record in replay([begun, drawn, end])] == ["failed"]
    with pytest.raises(WorkError, match="000-a is suggested twice"):
        replay([begun, drawn, drawn])
    with pytest.raises(WorkError, match=refusal):
        replay([begun, drawn, end, again])


def test_a_clone_is_told_without_the_folder_that_it_was_made_from(tmp_path):
    decisions = Decisions(tmp_path / "journal.jsonl")
    told = {"kind": "cloned", "contender": "000-a", "from": "001-b", "step": 4, "was": {"lr": 1.0}, "now": {"lr": 2.0}}
    decisions.take(told | {"checkpoint": "/somewhere/else"})
    assert decisions.lines == [told]
