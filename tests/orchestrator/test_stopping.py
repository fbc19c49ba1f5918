"""Stop rules: a curve goes in, and at which tick a rule gives its reason comes out."""

# ruff: noqa: E501  (a table reads better in long lines)

import math
from collections.abc import Sequence

import pytest

from metrics import Score
from orchestrator.errors import RequestError
from orchestrator.stopping import RULES, Collapsed, Diverged, Moment, Plateaued, Rule, acting, observing, rule

TICKS = 10
LOW, HIGH = {"higher_is_better": False}, {"higher_is_better": True}


def history(*moments: dict[str, Score], floor: float = 0.0, broken: dict[int, str] | None = None) -> list[Moment]:
    """One replica: a moment for each tenth of its budget."""
    return [
        Moment(
            step=100 * number,
            images=6400 * number,
            share=number / TICKS,
            scores=scores,
            floors={"reverse_kl": floor} if "reverse_kl" in scores else {},
            broken=(broken or {}).get(number),
        )
        for number, scores in enumerate(moments, start=1)
    ]


def fires_at(rule: Rule, moments: Sequence[Moment]) -> int | None:
    """The first tick at which the rule gives a reason, as it is asked at every tick."""
    return next((tick for tick in range(1, len(moments) + 1) if rule(moments[:tick])), None)


def filled(*shares: float | None) -> list[dict[str, Score]]:
    """Scores of a generator whose valid samples fill these shares of the modes; None where no sample is valid."""
    return [{} if share is None else {"reverse_kl": Score(value=-math.log(share), **LOW)} for share in shares]


def covered(*pairs: tuple[float, float]) -> list[dict[str, Score]]:
    """Scores of a generator with these coverages and precisions."""
    return [{"coverage": Score(value=c, **HIGH), "precision": Score(value=p, **HIGH)} for c, p in pairs]


def curve(*values: float, half: float = 0.0, higher: bool = False, interval: bool = True) -> list[dict[str, Score]]:
    """Scores of the family `fd` with intervals of this half width."""
    ends = [(value - half, value + half) if interval else (None, None) for value in values]
    return [
        {"fd": Score(value=value, low=low, high=high, higher_is_better=higher)}
        for value, (low, high) in zip(values, ends, strict=True)
    ]


def test_only_what_is_broken_now_has_diverged():
    moments = history({}, {}, {}, broken={2: "generator loss is nan"})
    assert fires_at(Diverged(), moments) == 2
    assert Diverged()(moments) is None
    assert Diverged()(moments[:2]) == "diverged at step 200: generator loss is nan"


@pytest.mark.parametrize("rule", [Diverged(), Collapsed(), Plateaued(metric="fd")], ids=repr)
def test_no_history_is_no_reason(rule):
    assert rule([]) is None
    assert rule(history({}, {}, {}, {}, {}, {}, {}, {}, {}, {})) is None


@pytest.mark.parametrize(
    ("shares", "tick"),
    [
        ([0.1] * 6, 4),  # the first tenth is grace; then three in a row
        ([1.0] * 10, None),
        ([1.0, 1.0, 1.0, 0.2, 0.2, 0.2, 0.2], 6),
        ([1.0, 1.0, 0.2, 0.2, 0.6, 0.2, 0.2, 1.0, 1.0], None),  # recovered, and the count starts again
        ([1.0, 1.0, 0.2, 0.2, 0.6, 0.2, 0.2, 0.2], 8),
        ([0.1, 0.1, 0.1, 1.0, 1.0, 1.0], None),  # early is not collapsed
        ([0.5] * 10, None),  # half of the modes is not below half
        ([0.49] * 10, 4),
        ([0.2, 0.2, None, 0.2, None, 0.2, 0.2], None),  # blurred in between: no sample is valid
        ([None] * 10, None),
    ],
)
def test_known_modes_collapse_when_the_valid_samples_fill_few_of_them_three_times_in_a_row(shares, tick):
    assert fires_at(Collapsed(), history(*filled(*shares))) == tick


def test_what_a_perfect_sampler_would_get_is_no_sign_of_collapse():
    moments = history(*filled(*[0.45] * 5), floor=0.2)
    assert fires_at(Collapsed(), moments) is None  # 0.45 exp(0.2) = 0.55 of the modes
    assert fires_at(Collapsed(), history(*filled(*[0.45] * 5), floor=0.1)) == 4  # 0.497


@pytest.mark.parametrize(
    ("pairs", "tick"),
    [
        ([(0.1, 0.9)] * 5, 4),
        ([(0.1, 0.1)] * 10, None),  # blurred: few reals are covered, but the samples are no good either
        ([(0.9, 0.9)] * 10, None),
        ([(0.2, 0.9)] * 10, None),  # at the border, not below it
        ([(0.1, 0.5)] * 10, None),
        ([(0.1, 0.9), (0.1, 0.9), (0.1, 0.9), (0.3, 0.9), (0.1, 0.9), (0.1, 0.9), (0.1, 0.9)], 7),
    ],
)
def test_features_collapse_when_good_samples_cover_few_of_the_reals(pairs, tick):
    assert fires_at(Collapsed(), history(*covered(*pairs))) == tick


def test_coverage_alone_does_not_tell_blur_from_collapse():
    alone = [{"coverage": Score(value=0.01, **HIGH)}] * 10
    assert fires_at(Collapsed(), history(*alone)) is None


def test_settings_of_collapse_move_where_it_fires():
    moments = history(*filled(*[0.4] * 10))
    assert fires_at(Collapsed(evaluations=1, grace=0), moments) == 1
    assert fires_at(Collapsed(evaluations=5, grace=0.5), moments) == 9
    assert fires_at(Collapsed(modes_below=0.4), moments) is None
    pairs = history(*covered(*[(0.4, 0.3)] * 10))
    assert fires_at(Collapsed(coverage_below=0.5, precision_above=0.2), pairs) == 4


def test_a_reason_of_collapse_says_what_was_seen():
    assert Collapsed()(history(*filled(*[0.25] * 4))) == (
        "collapsed: valid samples fill 25% of the modes, at 3 evaluations in a row"
    )
    assert Collapsed()(history(*covered(*[(0.05, 0.75)] * 4))) == (
        "collapsed: coverage 0.050 at precision 0.750, at 3 evaluations in a row"
    )


FALLING = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
STUCK = [10, 9, 8, 7, 6, 5, 5, 5, 5, 5]


@pytest.mark.parametrize(
    ("values", "half", "tick"),
    [
        (FALLING, 0.5, None),
        (STUCK, 0.1, 10),  # 5 was first seen at the sixth tick; 0.4 of the budget later there is no gain
        ([5] * 10, 0.0, 6),  # grace and patience are over, and nothing has ever happened
        ([5, 5, 4.95, 4.9, 4.85, 4.8, 4.75], 0.5, 6),  # a gain below the noise
        ([5, 5, 4.95, 4.9, 4.85, 4.8, 4.75], 0.05, None),  # the same, measured well
        ([5, 4, 5, 5, 5, 5], 0.1, 6),  # the best is what counts, not the last
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.1, 6),  # worse and worse
        ([5, 5, 5, 5, 5], 0.1, None),  # too early
    ],
)
def test_a_curve_plateaus_when_it_gains_no_more_than_its_noise_within_the_patience(values, half, tick):
    assert fires_at(Plateaued(metric="fd"), history(*curve(*values, half=half))) == tick
    # The same game with the sign of better turned round.
    turned = curve(*[-value for value in values], half=half, higher=True)
    assert fires_at(Plateaued(metric="fd"), history(*turned)) == tick


def test_noise_is_that_of_a_difference_of_two_measurements():
    values = [5, 5, 5, 5, 4.5, 4.5]
    assert fires_at(Plateaued(metric="fd"), history(*curve(*values, half=0.35))) is None  # 0.5 against 0.495
    assert fires_at(Plateaued(metric="fd"), history(*curve(*values, half=0.36))) == 6  # 0.5 against 0.509


def test_a_score_without_an_interval_counts_as_exact():
    slowly = [5 - 1e-6 * tick for tick in range(10)]
    assert fires_at(Plateaued(metric="fd"), history(*curve(*slowly, interval=False))) is None
    assert fires_at(Plateaued(metric="fd"), history(*curve(*[5] * 10, interval=False))) == 6


@pytest.mark.parametrize("patience", [0.1, 0.3, 0.4, 0.6, 0.7])
def test_shares_of_the_budget_are_counted_without_rounding(patience):
    # 0.7 - 0.4 is less than 0.3 in floating point, and 0.1 + 0.2 is more.
    values = [5, 5, *range(0, -8, -1)]
    grace = 0.2
    moments = history(*curve(*[5] * 10))
    assert fires_at(Plateaued(metric="fd", patience=patience, grace=grace), moments) == round(
        TICKS * (patience + grace)
    )
    assert fires_at(Plateaued(metric="fd", patience=patience, grace=grace), history(*curve(*values))) is None
    assert fires_at(Collapsed(evaluations=1, grace=patience), history(*filled(*[0.1] * 10))) == round(TICKS * patience)


def test_a_plateau_is_of_its_own_metric_and_ticks_without_it_do_not_count():
    moments = history({}, *curve(*[5] * 9))
    assert fires_at(Plateaued(metric="kd"), moments) is None
    assert fires_at(Plateaued(metric="fd"), moments) == 6
    assert fires_at(Plateaued(metric="fd"), history(*[{}] * 8, *curve(5, 5))) is None  # nothing to compare it with


def test_a_reason_of_a_plateau_says_what_was_seen():
    assert Plateaued(metric="fd")(history(*curve(*STUCK, half=0.3))) == (
        "plateaued: fd was 5 and at best 5 in the last 40% of the budget, no gain beyond its noise of 0.42"
    )


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("collapsed", {"modes_below": 1.5}, "rule collapsed: expected modes_below between 0 and 1, found 1.5"),
        ("collapsed", {"grace": -0.1}, "rule collapsed: expected grace between 0 and 1, found -0.1"),
        ("collapsed", {"grace": math.nan}, "rule collapsed: expected grace between 0 and 1, found nan"),
        ("collapsed", {"evaluations": 0}, "rule collapsed: expected evaluations as a whole number of at least 1, found 0"),
        ("collapsed", {"evaluations": 2.5}, "rule collapsed: expected evaluations as a whole number of at least 1, found 2.5"),
        ("collapsed", {"evaluations": "3"}, "rule collapsed: expected evaluations as a number, found '3'"),
        ("collapsed", {"evaluations": True}, "rule collapsed: expected evaluations as a number, found True"),
        ("collapsed", {"patience": 0.3}, "rule collapsed has no setting 'patience'; it has modes_below,"),
        ("plateaued", {"patience": 0}, "rule plateaued: expected a patience above 0 that ends within the budget, found 0 after a grace of 0.2"),
        ("plateaued", {"patience": 0.9}, "rule plateaued: expected a patience above 0 that ends within the budget, found 0.9 after a grace of 0.2"),
        ("plateaued", {"metric": 3}, "rule plateaued: expected metric as text, found 3"),
        ("plateaued", {"patients": 3}, "rule plateaued has no setting 'patients' (did you mean 'patience'?); it has metric, patience, grace"),
        ("diverged", {"grace": 0.1}, "rule diverged has no setting 'grace'; it has none"),
        ("diverge", {}, "no stop rule 'diverge' (did you mean 'diverged'?); expected one of diverged, collapsed, plateaued"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(name, settings, said):
    with pytest.raises(RequestError) as refusal:
        rule(name, settings, objective="fd")
    assert str(refusal.value).startswith(said)


def test_a_patience_may_last_until_the_end_of_the_budget():
    assert Plateaued(metric="fd", patience=0.8, grace=0.2).patience == 0.8
    assert Plateaued(metric="fd", patience=0.7, grace=0.3).patience == 0.7  # 1 - 0.3 is less, in floating point


def test_listed_rules_act_and_the_others_observe_if_they_find_what_they_read():
    families = ["fd", "reverse_kl"]
    items = ["diverged", {"plateaued": {"patience": 0.3}}]
    assert acting(items, families, "fd") == [Diverged(), Plateaued(metric="fd", patience=0.3)]
    assert observing(items, families, "fd") == [Collapsed()]
    assert acting([], families, "fd") == []
    assert observing([], families, "fd") == [Diverged(), Collapsed(), Plateaued(metric="fd")]
    assert observing([], ["fd"], "fd") == [Diverged(), Plateaued(metric="fd")]
    assert observing([], ["fd", "coverage", "precision"], "fd")[1] == Collapsed()


def test_a_rule_that_acts_must_find_what_it_reads():
    for families in (["coverage", "precision"], ["reverse_kl"]):
        assert acting(["collapsed"], families, families[0]) == [Collapsed()]
    with pytest.raises(RequestError, match="reads reverse_kl, or coverage and precision, but evaluation"):
        acting(["collapsed"], ["fd", "coverage"], "fd")
    with pytest.raises(RequestError, match="rule plateaued reads kd, but"):
        acting([{"plateaued": {"metric": "kd"}}], ["fd"], "fd")


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_a_value(name):
    made = rule(name, {}, objective="fd")
    assert made == rule(name, {}, objective="fd")
    assert hash(made) == hash(rule(name, {}, objective="fd"))
    assert type(made).__name__.lower() == name  # by which the records call it
