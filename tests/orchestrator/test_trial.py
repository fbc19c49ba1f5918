"""A trial in this process: it repeats whatever ran before it, and resumes as if nothing had happened."""

import shutil

import pytest
import torch

from gans import ConfigError
from orchestrator.config import Budget, Evaluation
from orchestrator.config.engine import Engine
from orchestrator.space import Contender
from orchestrator.trial import Brief, pursue, pursue_pack, unpacked
from orchestrator.watch.ticks import Watch

EVALUATION = Evaluation(samples=200, metrics=("fd", "modes"))


def contender(index: int, variant: str = "gan", **hyperparameters: float) -> Contender:
    return Contender(
        index=index,
        variant=variant,
        hyperparameters={"batch": 16, **hyperparameters},
        data={"name": "ring8"},
        budget={"steps": 30, "tick": 10},
    )


def brief(**changes: object) -> Brief:
    told = {"evaluation": EVALUATION, "budget": Budget(steps=30, tick=10), "seeds": (0, 1), "stop": ("diverged",)}
    return Brief(**(told | {"objective": "fd", "cache": None} | changes))


def events(which: Contender, told: Brief, *, resume=None, keep=None) -> list[dict]:
    """Run the trial and return what it reported, without clocks; `keep` is where the first checkpoint goes."""
    seen = []

    def report(event, folder):
        if keep is not None and not seen:
            shutil.copytree(folder, keep)
        replicas = [{key: value for key, value in each.items() if key != "seconds"} for each in event["replicas"]]
        seen.append(
            {
                **{key: event[key] for key in ("step", "images", "objective", "protocol", "budget_class")},
                "replicas": replicas,
            }
        )

    pursue(which, told, report, resume=resume)
    return seen


def test_a_worker_that_runs_a_then_b_then_a_gives_the_bits_of_a_twice():
    a, b = contender(0), contender(1, "wgan_gp")
    first = events(a, brief())
    events(b, brief())
    assert events(a, brief()) == first


def test_a_trial_moves_no_global_stream():
    before = torch.random.get_rng_state()
    events(contender(0), brief())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("variant", ["gan", "r1gan"])
def test_a_trial_resumed_from_its_first_tick_reports_what_the_whole_one_did(variant, tmp_path):
    whole = events(contender(0, variant), brief(), keep=tmp_path / "saved")
    assert events(contender(0, variant), brief(), resume=tmp_path / "saved") == whole[1:]


def test_a_copy_goes_on_from_its_original_under_its_own_numbers_and_on_its_own_account(tmp_path):
    def told(**numbers: float) -> list[dict]:
        seen = []
        cloned = {"step": 10, "now": numbers, "seconds": [100.0, 200.0]}
        copy = contender(1, generator_lr=0.5)
        pursue(copy, brief(), lambda event, _: seen.append(event), resume=tmp_path / "saved", cloned=cloned)
        return seen

    original = events(contender(0), brief(), keep=tmp_path / "saved")
    same, other = told(generator_lr=2e-4), told(generator_lr=1e-3)
    assert [event["objective"] for event in same] == [event["objective"] for event in original[1:]]
    assert [event["step"] for event in other] == [20, 30]
    assert other[0]["objective"] != same[0]["objective"]
    assert {event["contender"] for event in same} == {contender(1, generator_lr=0.5).name}
    assert [int(replica["seconds"]) // 100 for replica in same[-1]["replicas"]] == [1, 2]


def test_every_replica_ends_with_a_final_score_on_the_last_tick():
    *_, last = events(contender(0), brief())
    assert [replica["status"] for replica in last["replicas"]] == ["finished", "finished"]
    assert all(
        set(replica["final"]["scores"]) == {"fd_identity", "modes", "modes_1pct"} for replica in last["replicas"]
    )
    assert last["protocol"]["dataset"]["split"] == "final"


def test_a_replica_that_diverges_stops_with_its_reason_and_leaves_its_contender_unranked():
    # A learning rate that throws the weights out of the range of floating point within a few steps.
    told = events(contender(0, "wgan_gp", generator_lr=1e30, discriminator_lr=1e30), brief())
    assert {replica["status"] for replica in told[-1]["replicas"]} == {"stopped"}
    assert all(replica["reason"].startswith("diverged at step") for replica in told[-1]["replicas"])
    assert all(replica["final"] is None for replica in told[-1]["replicas"])
    assert told[-1]["objective"] is None


def test_a_seed_that_diverges_leaves_its_contender_in_the_class_of_the_others(monkeypatch):
    def poisoned(method):
        def called(watch, index, sample, **told):
            return method(watch, index, (lambda count: torch.full((count, 2), torch.nan)) if index else sample, **told)

        return called

    for name in ("look", "conclude"):
        monkeypatch.setattr(Watch, name, poisoned(getattr(Watch, name)))
    *_, last = events(contender(0), brief(seeds=(0, 1)))
    assert [replica["status"] for replica in last["replicas"]] == ["finished", "stopped"]
    assert [replica["final"] is None for replica in last["replicas"]] == [False, True]
    assert last["budget_class"]["checkpoint"] == "final"


def test_with_no_rule_acting_a_diverged_replica_trains_on_and_the_rule_only_observes():
    told = events(contender(0, "wgan_gp", generator_lr=1e30, discriminator_lr=1e30), brief(stop=()))
    assert [event["step"] for event in told] == [10, 20, 30]
    assert all("diverged" in replica["fired"] for replica in told[0]["replicas"])


def test_a_baseline_is_fitted_once_a_seed_and_judged_like_the_others():
    fitted = Contender(index=0, variant="gmm", hyperparameters={}, data={"name": "ring8"}, budget={"steps": 30})
    (told,) = events(fitted, brief())
    *_, other = events(contender(0), brief())
    assert (told["protocol"], told["budget_class"]) == (other["protocol"], other["budget_class"])
    assert [replica["status"] for replica in told["replicas"]] == ["finished", "finished"]
    assert all(replica["final"]["scores"]["modes"]["value"] == 8 for replica in told["replicas"])
    assert events(fitted, brief()) == [told]


def test_more_replicas_do_not_move_the_first_one():
    alone = events(contender(0), brief(seeds=(0,)))
    together = events(contender(0), brief(seeds=(0, 1, 2)))
    values = [[event["replicas"][0]["scores"]["fd_identity"]["value"] for event in told] for told in (alone, together)]
    assert values[0] == pytest.approx(values[1], rel=1e-3)


def test_contenders_of_a_pack_are_told_apart_and_follow_what_they_do_alone(tmp_path):
    pack = [contender(0), contender(1, generator_lr=1e-3)]
    reports = []

    def report(event, folder):
        for each in unpacked(event):
            reports.append(each)
            assert (folder / each["folder"] / "samples_1.png").exists()
        if not (tmp_path / "first").exists():
            shutil.copytree(folder, tmp_path / "first")

    pursue_pack(pack, brief(), report)
    for which in pack:
        ours = [each for each in reports if each["contender"] == which.name]
        alone = events(which, brief())
        assert [each["step"] for each in ours] == [each["step"] for each in alone] == [10, 20, 30]
        assert [each["objective"] for each in ours] == pytest.approx([each["objective"] for each in alone], rel=1e-3)
        assert [replica["status"] for replica in ours[-1]["replicas"]] == ["finished", "finished"]
    assert {each["replicas_at_once"] for each in reports} == {4}
    before = [(each["contender"], each["step"], each["objective"]) for each in reports]
    reports.clear()
    pursue_pack(pack, brief(), report, resume=tmp_path / "first")
    assert [(each["contender"], each["step"], each["objective"]) for each in reports] == before[2:]


@pytest.mark.slow
def test_two_processes_that_share_every_batch_follow_one(tmp_path):
    alone = events(contender(0), brief())
    together = events(contender(0), brief(processes=2), keep=tmp_path / "first")
    assert [each["step"] for each in together] == [10, 20, 30]
    assert [each["objective"] for each in together] == pytest.approx([each["objective"] for each in alone], rel=1e-3)
    assert events(contender(0), brief(processes=2), resume=tmp_path / "first") == together[1:]


def test_a_trial_trains_by_the_engine_of_its_file_and_is_not_resumed_by_another(tmp_path):
    halved = events(contender(0), brief(engine=Engine(accumulate=2)), keep=tmp_path / "first")
    whole = events(contender(0), brief())
    values = [told[-1]["replicas"][0]["scores"]["fd_identity"]["value"] for told in (halved, whole)]
    assert values[0] == pytest.approx(values[1], rel=1e-3)
    with pytest.raises(ConfigError, match=r"engine\.accumulate: 1 against 2"):
        events(contender(0), brief(), resume=tmp_path / "first")


def test_replicas_that_take_turns_report_what_those_that_train_at_once_do():
    seeds = (0, 1, 2)
    at_once, in_turns = (events(contender(0), brief(seeds=seeds, together=together)) for together in (None, 1))
    assert [event["step"] for event in in_turns] == [event["step"] for event in at_once]
    values = [
        [replica["scores"]["fd_identity"]["value"] for replica in told[-1]["replicas"]] for told in (at_once, in_turns)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-3)
