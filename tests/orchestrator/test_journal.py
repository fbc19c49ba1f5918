"""The journal: what was told is kept, what was told twice is kept once, what was cut short is dropped."""

import json
from itertools import combinations
from typing import Any

import pytest

from orchestrator.errors import WorkError
from orchestrator.recording.journal import WORST_FIRST, Event, Journal, State, events, worst

ATTEMPT = {"kind": "attempt", "attempt": 1, "contenders": {"000-a": {}, "001-b": {}}}


def tick(contender: str, step: int, *statuses: str, **changes: Any) -> Event:
    replicas = [{"seed": seed, "status": status, "reason": None} for seed, status in enumerate(statuses or ["running"])]
    return {"kind": "tick", "contender": contender, "step": step, "objective": None, "replicas": replicas, **changes}


def end(contender: str, status: str, reason: str | None = None) -> Event:
    return {"kind": "end", "contender": contender, "status": status, "reason": reason}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "attempt-001" / "journal.jsonl"


@pytest.fixture
def journal(path):
    journal = Journal(path)
    journal.append(ATTEMPT)
    yield journal
    journal.close()


def reopened(path) -> State:
    journal = Journal(path)
    journal.close()
    return journal.state


def test_what_was_appended_adds_up_to_the_same_state_when_it_is_opened_again(journal, path):
    for event in (tick("000-a", 10), tick("001-b", 10), tick("000-a", 20, "finished"), end("000-a", "finished")):
        assert journal.append(event)
    state = reopened(path)
    assert state == journal.state
    assert (state.contenders["000-a"].status, state.contenders["000-a"].ticks) == ("finished", 2)
    assert (state.contenders["001-b"].status, state.contenders["001-b"].ended) == ("running", False)
    assert [event["step"] for event in state.ticks] == [10, 10, 20]


def test_every_event_is_one_line_of_the_file_at_once(journal, path):
    journal.append(tick("000-a", 10, note="two\nlines"))
    assert [json.loads(line)["kind"] for line in path.read_text().splitlines()] == ["attempt", "tick"]


def test_a_tick_that_was_told_before_is_dropped(journal, path):
    assert journal.append(tick("000-a", 10))
    assert journal.append(tick("000-a", 20))
    for step in (20, 10, 5):
        assert not journal.append(tick("000-a", step))
    assert journal.append(tick("001-b", 10))  # another contender's is new
    assert journal.append(tick("000-a", 30))
    assert [(event["contender"], event["step"]) for event in reopened(path).ticks] == [
        ("000-a", 10),
        ("000-a", 20),
        ("001-b", 10),
        ("000-a", 30),
    ]


@pytest.mark.parametrize("kept", [0, 1, 20, -2, -1])
def test_a_last_line_that_was_cut_short_is_dropped_and_written_again(journal, path, kept):
    journal.append(tick("000-a", 10))
    whole = path.read_bytes()
    journal.append(tick("000-a", 20))
    torn = path.read_bytes()[len(whole) :][:kept]
    path.write_bytes(whole + torn)

    again = Journal(path)
    assert path.read_bytes() == whole
    assert again.state.contenders["000-a"].tick == tick("000-a", 10)
    assert again.append(tick("000-a", 20))
    again.close()
    assert reopened(path).contenders["000-a"].ticks == 2


def test_a_damaged_line_in_the_middle_is_told_and_nothing_is_cut_off(journal, path):
    journal.append(tick("000-a", 10))
    damaged = path.read_bytes().replace(b'"step"', b'\0"step')
    path.write_bytes(damaged)
    with pytest.raises(WorkError, match=r"journal\.jsonl: the line at byte \d+ is damaged"):
        Journal(path)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    ("place", "line"),
    [(0, b"5"), (0, b'{"kind": "close"}'), (1, b"{}"), (1, b"[1]"), (1, b'{"kind": "tick", "contender": "zzz"}')],
)
def test_a_line_that_is_json_but_no_event_is_told_and_nothing_is_cut_off(journal, path, place, line):
    journal.append(tick("000-a", 10))
    lines = path.read_bytes().splitlines()
    damaged = b"\n".join([*lines[:place], line, *lines[place:], b""])
    path.write_bytes(damaged)
    begins = sum(len(each) + 1 for each in lines[:place])
    for read in (Journal, State.read):
        with pytest.raises(WorkError, match=rf"journal\.jsonl: the line at byte {begins} is damaged"):
            read(path)
    assert path.read_bytes() == damaged


def test_noise_in_what_was_read_before_is_told_where_it_stands(journal, path):
    journal.append(tick("000-a", 10))
    journal.append(tick("000-a", 20))
    *_, (_, offset), (_, _) = events(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"noise\n", *lines[1:]]))
    for begin in (0, offset):
        with pytest.raises(WorkError, match=rf"journal\.jsonl: the line at byte {len(lines[0])} is damaged"):
            list(events(path, begin))


def test_events_are_read_on_from_where_one_stopped(journal, path):
    offsets = [offset for _, offset in events(path)]
    journal.append(tick("000-a", 10))
    journal.append(tick("000-a", 20))
    fresh = list(events(path, offsets[-1]))
    assert [event["step"] for event, _ in fresh] == [10, 20]
    assert fresh[-1][1] == path.stat().st_size
    assert [event for event, _ in events(path)] == [ATTEMPT, tick("000-a", 10), tick("000-a", 20)]
    assert not list(events(path, path.stat().st_size))
    assert not list(events(path.with_name("nothing")))


def test_a_number_that_json_does_not_know_is_refused_and_leaves_no_trace(journal, path):
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        journal.append(tick("000-a", 10, objective=float("nan")))
    assert path.read_bytes() == before
    assert journal.append(tick("000-a", 10))


@pytest.mark.parametrize(("worse", "better"), [*combinations(WORST_FIRST, 2)])
def test_a_contender_stands_as_its_worst_replica_does(worse, better):
    replicas = tick("000-a", 10, better, worse, better)["replicas"]
    for each in replicas:
        each["reason"] = f"because it {each['status']}"
    assert worst(replicas) == (worse, f"because it {worse}")


def test_the_statuses_are_ranked_as_a_reader_expects():
    assert WORST_FIRST == ("failed", "interrupted", "running", "pruned", "stopped", "finished")


def test_the_first_reason_of_the_worst_is_given_and_none_where_there_is_none():
    def one(status: str, reason: str | None) -> Event:
        return {"status": status, "reason": reason}

    assert worst([one("stopped", None), one("stopped", "b"), one("stopped", "c"), one("finished", "d")]) == (
        "stopped",
        "b",
    )
    assert worst([one("finished", None)]) == ("finished", None)


def test_statuses_are_counted_by_contender(journal):
    journal.append(tick("000-a", 10, "stopped", "finished"))
    journal.append(end("001-b", "failed", "the worker died"))
    assert journal.state.counts() == {"finished": 0, "stopped": 1, "pruned": 0, "failed": 1, "interrupted": 0}
    assert journal.state.contenders["001-b"].reason == "the worker died"


def test_a_contender_that_is_drawn_during_the_search_stands_beside_the_others(journal, path):
    drawn = {"kind": "drawn", "contender": "002-c", "configuration": {"variant": "gan"}, "suggestion": {}}
    assert journal.append(drawn)
    assert not journal.append(drawn)
    assert journal.append(tick("002-c", 10, "finished"))
    state = reopened(path)
    assert state.left == ["000-a", "001-b"]
    assert state.attempt["contenders"]["002-c"] == {"variant": "gan"}
    assert "002-c" not in ATTEMPT["contenders"]


def test_an_attempt_whose_sampler_has_still_to_draw_is_not_done():
    state = State()
    state.apply({"kind": "attempt", "contenders": {}, "draws": 2})
    for index, name in enumerate(("000-a", "001-b")):
        assert (state.done, state.expected) == (False, 2)
        state.apply({"kind": "drawn", "contender": name, "configuration": {}, "suggestion": {"batch": 8}})
        assert (state.undrawn, state.left) == (1 - index, [name])
        state.apply(end(name, "finished"))
    state.apply({"kind": "close"})
    assert state.complete


def test_when_the_time_of_a_search_is_over_nobody_is_drawn_any_more_until_it_is_given_more():
    state = State()
    state.apply({"kind": "attempt", "contenders": {}, "draws": 2})
    state.apply({"kind": "over", "seconds": 1.0, "reason": "the search's 1 seconds were over"})
    assert (state.undrawn, state.searched, state.expected) == (0, True, 0)
    state.apply({"kind": "prolonged"})
    assert (state.undrawn, state.searched, state.expected) == (2, False, 2)


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("finished", True),
        ("stopped", True),
        ("pruned", True),
        ("failed", True),
        ("interrupted", False),
        ("running", False),
    ],
)
def test_what_was_interrupted_or_is_running_has_not_ended(journal, status, ended):
    journal.append(end("000-a", status))
    assert journal.state.contenders["000-a"].ended == ended


def test_an_attempt_that_goes_on_after_its_close_is_open_again(journal, path):
    journal.append({"kind": "close"})
    assert reopened(path).closed
    journal.append(tick("000-a", 10))
    assert not reopened(path).closed
