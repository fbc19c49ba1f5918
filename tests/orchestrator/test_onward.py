"""Going on from a record: a larger budget gives the bits of one that was larger all along; new seeds join the old."""

import shutil
from pathlib import Path

import pytest

from orchestrator.config import SearchExperiment, prepared
from orchestrator.errors import Interrupted, RequestError
from orchestrator.home import Home
from orchestrator.recording.journal import State
from orchestrator.recording.origin import Origin
from orchestrator.recording.recorder import Outbox
from orchestrator.single import onward, training

PLAIN = {"variant": "r1gan", "data": "ring8", "hyperparameters": {"batch": 16}, "seeds": [0, 1]}
LIMITS = {"images": None, "steps": None, "tick": None, "seeds": ()}


@pytest.fixture(autouse=True)
def nowhere_to_send(monkeypatch):
    """The journal is the truth of an attempt; MLflow, which takes seconds, is another test's."""
    monkeypatch.setattr(Outbox, "send", lambda outbox: iter([(outbox.folder / "journal.jsonl").stat().st_size]))
    monkeypatch.setattr(training, "_document", lambda *_: {})


def trained(path: Path, steps: int | None, source: Origin | None = None, *, announce=print, **changes) -> Origin:
    """Train in the home at `path`, from `source` if there is one, and return the record."""
    home = Home(path)
    if source:
        experiment = onward.experiment_from(source, **(LIMITS | {"steps": steps} | changes))
    else:
        budget = {"budget": {"steps": steps, "tick": 10}, "evaluation": {"samples": 100, "metrics": ("fd", "modes")}}
        asked = {"name": "x", **PLAIN, **budget} | changes
        experiment = prepared(SearchExperiment.model_validate(asked), folder=path)
    training.train_one(experiment, home, "cpu", announce, source)
    return origin(home)


def origin(home: Home) -> Origin:
    state = State.read(home.attempts("x")[-1] / "journal.jsonl")
    (contender,) = state.contenders
    return Origin(run_id="abc", contender=contender, state=state)


def numbers(source: Origin) -> list[dict]:
    """What the ticks say, without clocks."""
    keys = ("step", "images", "spent", "objective", "protocol", "budget_class")
    told = []
    for tick in source.ticks:
        replicas = [{key: value for key, value in each.items() if key != "seconds"} for each in tick["replicas"]]
        told.append({key: tick[key] for key in keys} | {"replicas": replicas})
    return told


def test_a_larger_budget_from_a_record_ends_in_the_bits_of_one_that_was_never_stopped(tmp_path):
    first = trained(tmp_path / "home", 20)
    further = trained(tmp_path / "home", 40, first)
    whole = trained(tmp_path / "other", 40)
    assert [tick["step"] for tick in further.ticks] == [10, 20, 30, 40]
    assert numbers(further)[2:] == numbers(whole)[2:]
    assert [each["scores"] for tick in further.ticks[:2] for each in tick["replicas"]] == [
        each["scores"] for tick in whole.ticks[:2] for each in tick["replicas"]
    ]
    assert {each["status"] for each in further.ticks[1]["replicas"]} == {"running"}
    assert further.state.attempt["from"] == first.run_id
    assert further.state.attempt["attempt"] == 2
    assert first.checkpoint.is_dir(), "the record that it went on from keeps its checkpoint"


def test_one_of_several_goes_on_under_a_name_of_its_own(tmp_path):
    first = trained(tmp_path, 10)
    assert onward.experiment_from(first, **LIMITS | {"steps": 20}).name == "x"
    first.state.attempt["contenders"]["001-other"] = {}
    assert onward.experiment_from(first, **LIMITS | {"steps": 20}).name == f"x-{first.contender}"
    first.state.attempt["experiment"]["name"] = 200 * "y"
    assert onward.experiment_from(first, **LIMITS | {"steps": 20}).name == f"{150 * 'y'}-{first.contender}"


@pytest.mark.parametrize("seeds", [(), (7,)], ids=["longer", "more seeds"])
def test_what_goes_on_is_computed_as_it_was_recorded(seeds, tmp_path):
    first = trained(tmp_path / "home", 20, engine={"accumulate": 2})
    further = trained(tmp_path / "home", None if seeds else 40, first, seeds=seeds)
    assert further.experiment["engine"]["accumulate"] == 2
    assert further.state.contenders[further.contender].status == "finished"


def test_a_continuation_that_was_interrupted_goes_on_by_the_same_command(tmp_path):
    first = trained(tmp_path / "home", 20)

    def interrupt(event, _):
        if event["kind"] == "tick" and event["step"] == 30:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        trained(tmp_path / "home", 40, first, announce=interrupt)
    further = trained(tmp_path / "home", 40, first)
    assert further.state.attempt["attempt"] == 2
    assert [tick["step"] for tick in further.ticks] == [10, 20, 30, 40]
    assert numbers(further)[2:] == numbers(trained(tmp_path / "other", 40))[2:]


def test_new_seeds_join_those_that_are_recorded(tmp_path):
    first = trained(tmp_path / "home", 20)
    more = trained(tmp_path / "home", None, first, seeds=(7, 5))
    alone = trained(tmp_path / "other", 20, seeds=(7, 5))
    assert more.seeds == [0, 1, 7, 5]
    assert [tick["step"] for tick in more.ticks] == [10, 20]
    for joined, old, new in zip(numbers(more), numbers(first), numbers(alone), strict=True):
        assert joined["replicas"] == old["replicas"] + new["replicas"]
        assert joined["objective"] == pytest.approx((old["objective"] + new["objective"]) / 2)
    assert more.state.contenders[more.contender].status == "finished"
    with pytest.raises(RequestError, match="holds the seeds 7, 5 of 0, 1, 7, 5"):
        onward.experiment_from(more, **(LIMITS | {"steps": 40}))


def test_recorded_seeds_that_trained_on_after_the_new_ones_had_stopped_are_told_to_their_end(tmp_path):
    first = trained(tmp_path, 30)
    last = first.ticks[0] | {"replicas": [each | {"seed": each["seed"] + 5} for each in first.ticks[0]["replicas"]]}
    told = list(onward.outlasting(first, last | {"system": {"cpu_utilization_percentage": 50.0}}))
    assert [event["step"] for event in told] == [20, 30]
    assert [(event["busy"], "system" in event) for event in told] == [(0.0, False)] * 2  # nobody trained for them
    assert [each["step"] for each in told[-1]["replicas"]] == [30, 30, 10, 10]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"steps": 20}, "has spent 20 steps already; give more by --steps, or more seeds by --seed"),
        ({"steps": 10}, "has spent 20 steps already"),
        ({}, "has spent 20 steps already"),
        ({"images": 9999}, "the budget of this record is in steps; give the larger one by --steps"),
        ({"images": 9, "steps": 40}, "expected at most one of --images and --steps"),
        ({"seeds": (1,)}, "--seed 1 is recorded already; give seeds beside 0, 1"),
        ({"seeds": (2,), "steps": 40}, "give first the one and then the other"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(recorded, asked, sentence):
    with pytest.raises(RequestError, match=sentence):
        onward.experiment_from(recorded, **(LIMITS | asked))


def test_a_checkpoint_that_is_gone_is_told_with_the_way_out(recorded):
    shutil.rmtree(recorded.checkpoint / "training")
    with pytest.raises(RequestError, match=r"no checkpoint any more .* train it anew by `ganarena train r1gan`"):
        onward.experiment_from(recorded, **(LIMITS | {"steps": 40}))


def test_one_that_was_stopped_cannot_go_on(recorded):
    for replica in recorded.state.ticks[-1]["replicas"]:
        replica |= {"status": "stopped", "reason": "diverged at step 20"}
    with pytest.raises(RequestError, match=r"was stopped \(diverged at step 20\) and cannot go on"):
        onward.experiment_from(recorded, **(LIMITS | {"steps": 40}))


@pytest.fixture
def recorded(tmp_path):
    """A record of 20 steps."""
    return trained(tmp_path, 20)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ((), "expected a variant and its --data, or --from RUN to go on from a record"),
        (("--from", "x", "gan"), "--from goes on with what is recorded; leave VARIANT out"),
        (("--from", "x", "-p", "batch=3"), "leave -p out"),
        (("--from", "x", "--data", "ring8"), "leave --data out"),
        (("--from", "x"), "nothing is recorded"),
    ],
)
def test_the_command_says_what_goes_together(ganarena, asked, sentence):
    answer = ganarena("train", *asked)
    assert (answer.status, answer.out) == (2, "")
    assert sentence in answer.err
