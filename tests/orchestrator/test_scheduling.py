"""Schedulers that prune: whom, why, whom the audit spares, and what they still know after a kill."""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from papers import Paper

from orchestrator.config.models import SearchExperiment
from orchestrator.recording.journal import Event
from orchestrator.search.driver import Driver
from orchestrator.search.scheduling import HyperBand, make_judge, make_scheduler

PRUNING = ("asha", "hyperband", "median")
TOTAL = 27
NAMES = [f"{index:03d}" for index in range(20)]


def asked(**search: Any) -> SearchExperiment:
    """Return a search of 27 steps, judged at each."""
    return SearchExperiment.model_validate(
        {
            "name": "x",
            "variant": "gan",
            "data": "ring8",
            "budget": {"steps": TOTAL, "tick": 1},
            "search": {"contenders": len(NAMES), "grace": 3, "reduction": 3} | search,
        }
    )


class Attempt:
    """An attempt without Ray: what trials report goes to the scheduler first and then to the journal."""

    def __init__(self, events: Sequence[Event] = (), *, higher_is_better: bool = False, **search: Any) -> None:
        self.sign = -1 if higher_is_better else 1
        begun = {"kind": "attempt", "contenders": {name: {} for name in NAMES}}
        self.paper = Paper(events or [begun])
        self.state = self.paper.state
        self.driver = Driver(SimpleNamespace(higher_is_better=higher_is_better), self.paper)
        self.driver.launch = 0.0
        self.driver.tell_ends()
        self.scheduler = make_scheduler(asked(**search), self.driver)

    def hear(self, name: str, spent: int, objective: float) -> None:
        """Let one contender report, unless it has ended or has told this already."""
        standing = self.state.contenders[name]
        if standing.ended or (standing.tick and spent <= standing.tick["spent"]):
            return
        result = {"spent": spent, "objective": self.sign * objective}
        decision = self.scheduler.on_trial_result(None, SimpleNamespace(config={"contender": name}), result)
        self.driver.tick(tick(name, spent, objective), Path("checkpoint"))
        if decision == "STOP":
            self.driver.left_by_ray(name, None)

    @property
    def ends(self) -> dict[str, tuple[str, str | None]]:
        """How each contender stands, and why."""
        return {name: (standing.status, standing.reason) for name, standing in self.state.contenders.items()}

    @property
    def audited(self) -> dict[str, Event]:
        return {name: standing.audited for name, standing in self.state.contenders.items() if standing.audited}


def tick(name: str, spent: int, objective: float) -> Event:
    status, final = ("finished", {"scores": {}}) if spent == TOTAL else ("running", None)
    replica = {"seed": 0, "status": status, "reason": None, "final": final}
    return {
        "kind": "tick",
        "contender": name,
        "spent": spent,
        "step": spent,
        "objective": objective,
        "replicas": [replica],
    }


def reports(seed: int, steps: int = TOTAL) -> list[tuple[str, int, float]]:
    """Return curves that fall and cross, told in some order in which each contender's own time runs forward."""
    stream = random.Random(seed)
    ends = {name: stream.random() for name in NAMES}
    order = [name for name in NAMES for _ in range(steps)]
    stream.shuffle(order)
    spent: Counter[str] = Counter()
    told = []
    for name in order:
        spent[name] += 1
        told.append((name, spent[name], ends[name] + stream.random() / spent[name]))
    return told


def test_asha_prunes_who_is_not_among_the_best_third_at_a_rung_and_says_so():
    asha = Attempt(scheduler="asha")
    for index, name in enumerate(NAMES[:6]):
        asha.hear(name, 3, float(index))
    assert [asha.ends[name][0] for name in NAMES[:6]] == ["running", *["pruned"] * 5]
    assert asha.ends["005"] == ("pruned", "asha at 3 steps: not in the best 1/3 of 6")


def test_the_median_rule_prunes_whose_best_is_worse_than_the_median_of_the_others_means():
    median = Attempt(scheduler="median")
    for name, curve in {"000": [9, 9, 9, 1], "001": [4, 4, 2, 2], "002": [3, 3, 3, 3]}.items():
        for spent, value in enumerate(curve, start=1):
            median.hear(name, spent, value)
    # The means from the grace of 3 on are, at that step, 9, 2 and 3; then 2.9 is the fourth.
    for name, best in {"003": 2.9, "004": 3.1}.items():
        for spent, value in enumerate([8.0, 8.0, best], start=1):
            median.hear(name, spent, value)
    assert median.ends["003"][0] == "running"
    reason = "median at 3 steps: its best is worse than the median of the means of 4 others"
    assert median.ends["004"] == ("pruned", reason)


def test_hyperband_begins_to_prune_later_from_bracket_to_bracket_and_never_in_the_last():
    hyperband = HyperBand(asked().budget, grace=1, reduction=3, seed=0)
    graces = []
    for bracket in hyperband.brackets:
        reasons = [[bracket(name, spent, float(name)) for name in NAMES] for spent in (1, 3, 9)]
        graces.append([spent for spent, told in zip((1, 3, 9), reasons, strict=True) if any(told)])
    assert graces == [[1, 3, 9], [3, 9], [9], []]
    assert hyperband.weights == [27 / 4, 9 / 3, 3 / 2, 1]


def test_a_contender_stays_in_its_bracket_and_most_are_in_the_earliest():
    hyperband = HyperBand(asked().budget, grace=3, reduction=3, seed=5)
    names = [f"{index:03d}" for index in range(2000)]
    drawn = [hyperband.brackets.index(hyperband.bracket(name)) for name in names]
    assert drawn == [hyperband.brackets.index(hyperband.bracket(name)) for name in names]
    shares = [count / len(names) for _, count in sorted(Counter(drawn).items())]
    assert shares == pytest.approx([3 / 5.5, 1.5 / 5.5, 1 / 5.5], abs=0.03)


@pytest.mark.parametrize("scheduler", PRUNING)
def test_nobody_is_pruned_before_the_grace_nor_at_the_end_of_the_budget(scheduler):
    patient = Attempt(scheduler=scheduler, grace=TOTAL)
    for name, spent, value in reports(1):
        patient.hear(name, spent, value)
    assert {status for status, _ in patient.ends.values()} == {"finished"}


@pytest.mark.parametrize("scheduler", PRUNING)
def test_more_of_a_score_is_better_where_it_says_so(scheduler):
    # Mirrored curves give mirrored decisions.
    lower = Attempt(scheduler=scheduler)
    higher = Attempt(scheduler=scheduler, higher_is_better=True)
    for name, spent, value in reports(2):
        lower.hear(name, spent, value)
        higher.hear(name, spent, -value)
    assert lower.ends == higher.ends
    assert {"finished", "pruned"} == {status for status, _ in lower.ends.values()}


@pytest.mark.parametrize("scheduler", PRUNING)
@pytest.mark.parametrize("audit", [0.0, 0.4])
def test_after_a_kill_it_decides_as_if_nothing_had_happened(scheduler, audit):
    how = {"scheduler": scheduler, "audit": audit}
    through = Attempt(**how)
    for report in reports(3):
        through.hear(*report)
    assert {"finished", "pruned"} == {status for status, _ in through.ends.values()}
    # Where a report is written and its consequence is not, and in between.
    events = through.paper.events
    cuts = [index for index, event in enumerate(events) if event["kind"] in ("end", "audited")]
    for cut in [*cuts, 1, 50, 150]:
        resumed = Attempt(events[:cut], **how)
        for report in reports(3):
            resumed.hear(*report)
        assert (resumed.ends, resumed.audited) == (through.ends, through.audited), cut


def test_what_was_decided_holds_even_if_the_journal_has_another_order():
    # Two reports overtook each other on their way into the journal: by its order, 001 would have been pruned.
    first = Attempt(scheduler="asha")
    for name, spent, value in [("001", 3, 5.0), ("000", 3, 1.0), ("001", 4, 5.0)]:
        first.hear(name, spent, value)
    begun, early, other, late = first.paper.events
    again = Attempt([begun, other, early, late], scheduler="asha")
    assert again.ends["001"] == ("running", None)


@pytest.mark.parametrize("scheduler", PRUNING)
def test_an_audited_contender_goes_on_to_the_end_with_its_reason_written_down(scheduler):
    all_spared = Attempt(scheduler=scheduler, audit=1.0)
    for report in reports(4):
        all_spared.hear(*report)
    assert {status for status, _ in all_spared.ends.values()} == {"finished"}
    assert len(all_spared.audited) > 3
    for audit in all_spared.audited.values():
        assert audit["probability"] == 1.0
        assert audit["reason"].startswith(f"{scheduler}")
        assert f"at {audit['at']:,} steps" in audit["reason"]


@pytest.mark.parametrize("scheduler", PRUNING)
def test_what_an_audited_contender_does_later_is_hidden_from_the_scheduler(scheduler):
    def ends(luck: float) -> dict[str, Any]:
        """Let audited contenders become very good or very bad after they have been spared."""
        attempt = Attempt(scheduler=scheduler, audit=0.5)
        for contender, spent, value in reports(5):
            spared = attempt.state.contenders[contender].audited
            attempt.hear(contender, spent, luck if spared else value)
        return attempt.ends | attempt.audited

    assert ends(-1e6) == ends(1e6)


def test_who_is_audited_follows_from_the_seed_and_the_name_alone():
    def audited(**search: Any) -> set[str]:
        attempt = Attempt(scheduler="asha", audit=0.5, **search)
        for report in reports(6, steps=9):
            attempt.hear(*report)
        return set(attempt.audited)

    first = audited()
    assert audited() == first != audited(seed=1)


def test_a_scheduler_that_prunes_nobody_has_no_judge():
    with pytest.raises(ValueError, match="prunes nobody"):
        make_judge(asked(scheduler="none"))
