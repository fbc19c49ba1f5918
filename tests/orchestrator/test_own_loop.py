"""A training loop of one's own under watch: when it is scored, how it ends, what is refused, and how it goes on."""

import json
import random
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from orchestrator import watch
from orchestrator.errors import RequestError
from orchestrator.judging import Judge
from orchestrator.recording.recorder import Outbox
from orchestrator.watch import own
from orchestrator.watch.loop import Loop
from orchestrator.watch.streams import start

ASKED = {"data": "ring8", "evaluation": {"samples": 100, "metrics": ["fd"]}}
PIXELS = {"extractor": "identity", "samples": 100}
SIXTY = {"steps": 60, "tick": 20}


@pytest.fixture(autouse=True)
def nowhere_to_send(monkeypatch):
    """The journal is the truth of an attempt; MLflow, which takes seconds, is another test's."""
    monkeypatch.setattr(Outbox, "send", lambda outbox: iter([(outbox.folder / "journal.jsonl").stat().st_size]))


@pytest.fixture
def begin(tmp_path):
    """Begin to watch a loop in a home of its own; what a test leaves open is closed."""

    def make(name: str = "mine", **changes) -> Loop:
        return watch(name, **(ASKED | {"home": tmp_path} | changes))

    yield make
    for loop in list(own.OPEN.values()):
        loop.leave("interrupted", "the test is over")


def noise(count: int) -> torch.Tensor:
    return torch.randn(count, 2)


def lost(loop: Loop) -> None:
    """Leave everything as a process does that is killed: the lock is free, and nothing is told."""
    loop._forget()
    loop.records.recorder.close(1)
    loop.records._held.pop_all().close()


def told(home: Path, name: str = "*") -> list[dict]:
    (journal,) = sorted(home.glob(f"tune/{name}*/attempt-*/journal.jsonl"))[-1:]
    return [json.loads(line) for line in journal.read_text().splitlines()]


def test_a_loop_that_cannot_end_keeps_no_other_from_its_end(begin, tmp_path, caplog):
    loops = {name: begin(name, every=2) for name in ("first", "bad", "last")}
    for step in (1, 2, 3):
        loops["first"].tick(step, noise)
        loops["last"].tick(step, noise)
    loops["bad"].tick(1, lambda count: torch.randn(count, 3))
    own._leave()
    ends = {name: told(tmp_path, name)[-1] for name in loops}
    assert {name: event["status"] for name, event in ends.items()} == {
        "first": "finished", "bad": "failed", "last": "finished",
    }  # fmt: skip
    assert "sample(100) should return [100, 2]" in caplog.text


def ticks(home: Path) -> list[int]:
    return [event["step"] for event in told(home) if event["kind"] == "tick"]


def test_a_loop_is_scored_at_every_multiple_of_the_tick_and_ends_with_its_budget(begin, tmp_path):
    loop, asked = begin(budget=SIXTY), []
    steps = [step for step in range(1, 101) if not loop.tick(step, lambda n: asked.append(n) or noise(n))]
    assert steps == list(range(1, 60))
    assert asked == [100] * 4  # three ticks on select and the final score: nothing is drawn between ticks
    assert loop.reason == "the budget of 60 steps is spent"
    assert set(loop.final) == {"fd_identity"}
    assert ticks(tmp_path) == [20, 40, 60]
    *_, last, end, close = told(tmp_path)
    assert last["budget_class"] == {"unit": "steps", "amount": 60, "training": "train", "checkpoint": "final"}
    assert (end["status"], end["reason"], close["status"]) == ("finished", None, "finished")
    assert end["summary"]["fd_identity_mean"] == loop.final["fd_identity"].value


def test_a_budget_of_images_counts_them_and_forgives_less_than_a_step(begin, tmp_path):
    loop = begin(budget={"images": 1000, "tick": 500})
    for step in range(1, 100):
        if loop.tick(step, noise, images=64 * step):
            break
    assert [event["images"] for event in told(tmp_path) if event["kind"] == "tick"] == [512, 1024]
    assert told(tmp_path)[-3]["budget_class"]["amount"] == 1000


def test_a_loop_that_ran_a_step_beyond_its_budget_is_in_a_class_of_its_own(begin, tmp_path):
    loop = begin(budget=SIXTY)
    for step in (25, 50, 75):
        loop.tick(step, noise)
    assert loop.reason
    assert told(tmp_path)[-3]["budget_class"]["amount"] == 75


@pytest.mark.parametrize(("steps", "looked", "kind"), [(40, [20, 40], "final"), (45, [20, 40, 45], "tick")])
def test_without_a_budget_the_end_says_what_the_score_has_cost(begin, tmp_path, steps, looked, kind):
    with begin(every=20) as loop:
        for step in range(1, steps + 1):
            assert loop.tick(step, noise) is None
    assert ticks(tmp_path) == looked
    last = told(tmp_path)[-3]
    assert last["kind"] == kind
    assert last["budget_class"] == {"unit": "steps", "amount": steps, "training": "train", "checkpoint": "final"}
    assert all("budget_class" not in event for event in told(tmp_path)[:2])
    assert loop.finish() == loop.final != {}


def test_scoring_moves_no_stream_of_the_loops_own(begin):
    def drawn(*, watched: bool) -> list[float]:
        start(1)
        if watched:
            loop.tick(20, lambda n: noise(n) * random.random() * np.random.rand())  # noqa: NPY002
        return [random.random(), np.random.rand(), float(torch.rand(()))]  # noqa: NPY002

    loop = begin(budget=SIXTY)
    assert drawn(watched=True) == drawn(watched=False)


def test_scores_follow_from_seed_and_step_whatever_was_drawn_before(begin):
    def scored(name: str, **how) -> list[float]:
        loop, values = begin(name, budget=SIXTY, **how), []
        for step in (20, 40):
            torch.rand(random.randrange(100))
            loop.tick(step, noise)
            values.append(loop.scores["fd_identity"].value)
        return values

    first = scored("a")
    assert scored("b") == first
    assert scored("c", seed=1)[0] != first[0]
    assert first[0] != first[1]


def test_a_loop_that_diverges_is_told_so_and_stops(begin, tmp_path):
    loop = begin(budget=SIXTY)
    assert loop.tick(20, lambda n: torch.full((n, 2), torch.nan)).startswith("diverged at step 20: 100 of 100 samples")
    assert told(tmp_path)[-2]["status"] == "stopped"
    assert loop.tick(21, noise) == loop.reason
    assert ticks(tmp_path) == [20]


def test_diagnostics_that_are_not_finite_stop_a_loop_as_well(begin):
    assert "loss is nan" in begin(budget=SIXTY).tick(20, noise, diagnostics={"loss": torch.tensor(torch.nan)})


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("no more"), "failed", "ValueError: no more"),
        (KeyboardInterrupt(), "interrupted", "interrupted before its end"),
    ],
)
def test_a_loop_that_dies_is_recorded_with_its_reason(begin, tmp_path, error, status, reason):
    def dies() -> None:
        with begin(budget=SIXTY) as loop:
            loop.tick(20, noise)
            raise error

    with pytest.raises(type(error)):
        dies()
    *_, end, _ = told(tmp_path)
    assert (end["kind"], end["status"], end["reason"]) == ("end", status, reason)


def test_a_killed_loop_goes_on_from_what_it_saved(begin, tmp_path):
    loop = begin(budget=SIXTY)
    for step in range(1, 46):
        loop.tick(step, noise, save=lambda folder, step=step: (folder / "step").write_text(str(step)))
    before = loop.scores
    lost(loop)
    onward = begin(budget=SIXTY, resume=True)
    assert (onward.step, (onward.folder / "step").read_text(), onward.scores) == (40, "40", before)
    for step in range(onward.step + 1, 100):
        if onward.tick(step, noise):
            break
    assert ticks(tmp_path) == [20, 40, 60]
    complete = begin(budget=SIXTY, resume=True)
    assert (complete.step, complete.reason, complete.final) == (60, onward.reason, onward.final)


def test_a_killed_loop_that_saved_nothing_starts_again_and_repeats_no_record(begin, tmp_path):
    loop = begin(budget=SIXTY)
    loop.tick(20, noise), loop.tick(40, noise)
    lost(loop)
    onward = begin(budget=SIXTY, resume=True)
    assert (onward.step, onward.folder) == (0, None)
    for step in range(1, 61):
        onward.tick(step, noise)
    assert ticks(tmp_path) == [20, 40, 60]


def test_a_name_that_is_recorded_is_refused_with_the_ways_out(begin, tmp_path):
    begin(budget=SIXTY).leave("failed", "enough")
    with pytest.raises(RequestError, match=r"resume=True goes on with it, again=True makes a new attempt"):
        begin(budget=SIXTY)
    with pytest.raises(RequestError, match=r"resume=True refuses what was changed: seeds was \[0\] and is \[1\]"):
        begin(budget=SIXTY, seed=1, resume=True)
    begin(budget=SIXTY, again=True)
    assert len(list(tmp_path.glob("tune/*/attempt-*"))) == 2


def test_a_second_watch_of_one_name_ends_the_first_of_this_process(begin, tmp_path):
    first = begin(budget=SIXTY)
    first.tick(20, noise)
    for refused in ({}, {"seed": 1, "resume": True}, {"data": "ring9", "again": True}):
        with pytest.raises(RequestError):
            begin(**{"budget": SIXTY} | refused)
        assert first._open
    begin(budget=SIXTY, resume=True).tick(40, noise)
    assert ticks(tmp_path) == [20, 40]
    assert [event["status"] for event in told(tmp_path) if event["kind"] == "end"] == ["interrupted"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"data": "ring9"}, r"data\.name: no dataset 'ring9' \(did you mean 'ring8'\?\)"),
        ({"evaluation": {"metrics": ["fid"]}}, r"evaluation\.metrics\.0: no metric 'fid'"),
        ({"evaluation": {"metrics": ["is"]}}, r"'is' needs class logits, which identity does not give"),
        ({"budget": {"steps": 10}}, r"budget\.tick: this key is missing"),
        ({"budget": {"steps": 10, "tick": 20}}, r"budget\.tick: 20 lies beyond the budget of 10 steps"),
        ({"stop": ["collapsed"]}, r"rule collapsed reads reverse_kl, or coverage and precision"),
        ({"config": {"budget.steps": 1}}, r"'budget\.steps' is a name that every record has already"),
        ({"config": {"lr": [1, 2]}}, r"config\.lr: expected .* found a list"),
        ({"generator": {"range": "0..1"}}, r"points have no range"),
        ({"data": "digits"}, r"generator\.range: expected the range of the images that `sample` returns"),
        ({"resume": True, "again": True}, r"give one of them"),
        ({"every": 0}, r"every: expected at least 1, found 0"),
        ({"every": 1.5}, r"every: expected an integer, found 1\.5"),
        ({"name": ""}, r"name: expected text, found ''"),
        ({"name": "a\nb"}, r"name: expected one printable line, found the character U\+000A"),
        ({"name": None}, r"name: expected text, found nothing"),
        ({"data": torch.zeros(3, 2)}, r"data: expected a mapping, found tensor\(\[\[0\., 0\.\], \[0"),
        ({"evaluation": "fd"}, r"evaluation: expected a mapping, found 'fd'"),
        ({"evaluation": {"metrics": "fd"}}, r"evaluation\.metrics: expected a list, found 'fd'"),
        ({"evaluation": {"samples": "100"}}, r"evaluation\.samples: expected an integer, found '100'"),
        ({"config": 3}, r"config: expected a mapping, found 3"),
        ({"config": {3: 1}}, r"config: expected text, found 3"),
        ({"config": {"lr": float("nan")}}, r"config\.lr: expected a finite number, found \.nan"),
        ({"seed": -1}, r"seed: expected at least 0, found -1"),
        ({"seed": 2**63}, r"seed: expected less than 9223372036854775808"),
        ({"budget": 3}, r"budget: expected a mapping, found 3"),
        ({"budget": {"steps": 0, "tick": 1}}, r"budget\.steps: expected at least 1, found 0"),
        ({"stop": "diverged"}, r"stop: expected a list, found 'diverged'"),
        ({"stop": None}, r"stop: expected a list, found nothing"),
        ({"evaluation": {"metrics": ["spread", "fd"]}}, r"evaluation\.metrics\.0: spread is right at 1"),
        ({"generator": "uint8"}, r"generator: expected a mapping, found 'uint8'"),
        ({"device": "abacus"}, r"--device abacus: this machine has"),
        ({"home": 3}, r"home: expected the path of a folder, found 3"),
        ({"resume": "yes"}, r"expected True or False for resume, found 'yes'"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_and_nothing_is_written(begin, tmp_path, asked, sentence):
    with pytest.raises(RequestError, match=sentence) as refused:
        begin(**({"name": "mine"} | asked))
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_watch_that_cannot_begin_leaves_its_name_free(begin, monkeypatch):
    def fails(_: Judge) -> None:
        raise RequestError("no weights")

    with monkeypatch.context() as patched:
        patched.setattr(Judge, "prepare", fails)
        with pytest.raises(RequestError, match="no weights"):
            begin()
    assert "recorder" not in {thread.name for thread in threading.enumerate()}
    assert begin(again=True, budget=SIXTY).tick(60, noise)


@pytest.mark.parametrize(
    ("sample", "sentence"),
    [
        (print, "should return a tensor .* but gave NoneType"),
        (lambda n: n, "should return a tensor .* but gave int"),
        (lambda n: [[0.0, 0.0]] * n, "should return a tensor .* but gave list"),
        (lambda n: np.array([["a", "b"]] * n), r"of real numbers, but gave ndarray \(<U1, cpu\)"),
        (lambda n: np.array([[None, None]] * n), r"of real numbers, but gave ndarray \(object"),
        (lambda n: np.zeros((n, 2), np.longdouble), r"of real numbers, but gave ndarray \(float"),
        (lambda n: torch.zeros(n, 2, dtype=torch.complex64), r"of real numbers, but gave Tensor \(torch\.complex64"),
        (lambda n: torch.zeros(n, 2).to_sparse(), r"but gave Tensor \(torch\.float32, torch\.sparse_coo, cpu\)"),
        (lambda n: torch.zeros(n, 2, device="meta"), r"but gave Tensor \(.* meta\)"),
        (lambda n: torch.zeros(n), r"should return \[100, 2\] as ring8 is, but gave \[100\]"),
        ("a function", "expected sample as a function of a count, found str"),
        (lambda n: torch.rand(n - 1, 2), r"should return \[100, 2\] as ring8 is, but gave \[99, 2\]"),
        (lambda n: torch.rand(n, 1, 8, 8), r"should return \[100, 2\] as ring8 is"),
    ],
)
def test_samples_of_another_shape_are_told_with_the_shape_that_was_expected(begin, sample, sentence):
    with pytest.raises(RequestError, match=sentence):
        begin().tick(1, sample)


def locked(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


@pytest.mark.parametrize("turned", [lambda array: array[::-1], lambda array: array.astype(">f4"), locked])
def test_samples_may_be_any_array_of_numbers(begin, turned):
    def sample(count: int) -> torch.Tensor:
        return torch.randn(count, 2, generator=torch.Generator().manual_seed(count))

    loop, plain = begin(budget=SIXTY), begin("plain", budget=SIXTY)
    loop.tick(60, lambda count: turned(sample(count).numpy()))
    plain.tick(60, sample)
    assert loop.final["fd_identity"].value == pytest.approx(plain.final["fd_identity"].value)


@pytest.mark.parametrize(
    ("step", "more", "sentence"),
    [
        (0, {}, "expected steps that count on from the first step, found 0"),
        (20, {"diagnostics": {"a b": 1}}, "diagnostics cannot be called 'a b'"),
        (20, {"diagnostics": {"step": 1}}, "diagnostics cannot be called 'step'"),
        (20, {"diagnostics": {"loss": "low"}}, "expected diagnostics as numbers, found str in loss"),
        (20, {"diagnostics": {"loss": torch.tensor(1j)}}, "expected diagnostics as numbers, found Tensor in loss"),
        (20, {"diagnostics": {"loss": 10**400}}, "expected diagnostics as numbers, found int in loss"),
        (20, {"diagnostics": 3}, "expected diagnostics as a mapping of names to numbers, found int"),
        (20, {"diagnostics": {3: 1.0}}, "diagnostics cannot be called 3"),
        (20, {"diagnostics": {"final/fd": 1.0}}, "diagnostics cannot be called 'final/fd'"),
        (20, {"diagnostics": {"fd_identity_low": 1.0}}, "'fd_identity_low' is the name of a score"),
        ("20", {}, "expected the step as a whole number, found '20'"),
        (20.0, {}, r"expected the step as a whole number, found 20\.0"),
        (None, {}, "expected the step as a whole number, found None"),
        (2**70, {}, "expected the step up to 9223372036854775807"),
        (20, {"images": float("nan")}, "expected images as a whole number, found nan"),
    ],
)
def test_a_tick_says_what_it_expects(begin, step, more, sentence):
    with pytest.raises(RequestError, match=sentence):
        begin(budget=SIXTY).tick(step, noise, **more)


@pytest.mark.parametrize("count", [np.int64, torch.tensor])
def test_steps_and_images_may_be_counted_by_numpy_and_by_torch(begin, tmp_path, count):
    assert begin(budget=SIXTY).tick(count(60), noise, images=count(600))
    assert ticks(tmp_path) == [60]


def test_a_name_with_slashes_leaves_no_trace_outside_of_the_home(begin, tmp_path):
    begin("../../evil/x", home=tmp_path / "home", budget=SIXTY).tick(20, noise)
    assert [each.name for each in tmp_path.iterdir()] == ["home"]


def test_a_budget_of_images_needs_to_be_told_them(begin):
    with pytest.raises(RequestError, match="say how many were shown so far, by images="):
        begin(budget={"images": 1000, "tick": 500}).tick(1, noise)


def test_every_range_of_the_same_images_gives_the_same_scores(begin):
    grey = torch.randint(0, 256, (100, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    ranges = {"uint8": grey, "0..1": grey.float() / 255, "-1..1": (grey.float() / 127.5 - 1).numpy()}
    values = set()
    for name, images in ranges.items():
        loop = begin(name, data="digits", evaluation=PIXELS, generator={"range": name})
        loop.tick(1, {100: images}.get)
        values.add(loop.scores["fd_identity"].value)
    assert len(values) == 1


def test_images_out_of_the_range_that_was_declared_are_refused(begin):
    loop = begin(data="digits", evaluation=PIXELS, generator={"range": "0..1"})
    with pytest.raises(ValueError, match=r"what sample\(100\) gave should lie in \[0, 1\], but reach from -1"):
        loop.tick(1, lambda n: torch.linspace(-1, 1, n * 64).view(n, 1, 8, 8))


def test_batches_that_pass_through_are_steps_and_end_with_the_loop(begin, tmp_path):
    loop = begin(budget={"images": 90, "tick": 40})
    loader = torch.utils.data.DataLoader(torch.zeros(50, 2), batch_size=10)
    batches = loop.through(loader, noise)
    assert (len(batches), batches.batch_size) == (5, 10)
    assert [len([*batches]) for _ in range(3)] == [5, 4, 0]
    assert [(event["step"], event["images"]) for event in told(tmp_path) if event["kind"] == "tick"] == [
        (4, 40),
        (8, 80),
        (9, 90),
    ]


def test_several_batches_may_be_one_step(begin, tmp_path):
    loop = begin(budget={"steps": 3, "tick": 1})
    pairs = [(torch.zeros(4, 2), torch.zeros(4))] * 20
    assert len([*loop.through(pairs, noise, per_step=5)]) == 15
    assert [event["images"] for event in told(tmp_path) if event["kind"] == "tick"] == [20, 40, 60]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_loop_tells_how_busy_its_machine_is_only_if_that_is_wanted(begin, tmp_path, wanted):
    loop = begin(budget=SIXTY, log_system_metrics=wanted)
    for step in (20, 40, 60):
        loop.tick(step, noise)
    assert [("system" in event) for event in told(tmp_path) if event["kind"] == "tick"] == [wanted] * 3
    assert "log_system_metrics" not in told(tmp_path)[0]["experiment"]
