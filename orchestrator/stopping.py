"""Stop rules: pure functions of one replica's history that return a reason, or nothing."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Protocol

from metrics import METRICS, MetricsError, Score
from orchestrator.code import is_python
from orchestrator.errors import RequestError, did_you_mean


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What is known of one replica at one tick: its scores by family name, and how much of the budget is spent."""

    step: int
    images: int
    share: float
    scores: Mapping[str, Score]
    floors: Mapping[str, float] = field(default_factory=dict)
    broken: str | None = None
    """Why the samples could not be scored, where they could not."""


History = Sequence[Moment]
"""The moments of one replica, oldest first, with the present one last."""

Needs = tuple[tuple[str, ...], ...]

TINY = 1e-9
"""Shares are quotients: 0.8 - 0.4 has to count as 0.4."""


class Rule(Protocol):
    """A frozen value that reads a history."""

    def __call__(self, history: History) -> str | None:
        """Return the reason to stop, or None."""

    @property
    def needs(self) -> Needs:
        """Alternatives: sets of metric families of which one must be evaluated; empty where none is needed."""


@dataclass(frozen=True)
class Diverged:
    """The numbers are gone: a loss, a weight or a sample is no longer finite. This rule alone owns NaN."""

    needs: ClassVar[Needs] = ()

    def __call__(self, history: History) -> str | None:
        last = history[-1] if history else None
        return f"diverged at step {last.step}: {last.broken}" if last and last.broken else None


@dataclass(frozen=True)
class Collapsed:
    """The generator visits few modes and stays there, though its samples are good: a blurred one is not collapsed.

    Where the modes are known it judges the histogram conditional on validity: `exp(-reverse_kl)` is the effective share
    of the modes. Elsewhere coverage of features is low while their precision is not.
    """

    modes_below: float = 0.5
    coverage_below: float = 0.2
    precision_above: float = 0.5
    evaluations: int = 3
    grace: float = 0.2
    needs: ClassVar[Needs] = (("reverse_kl",), ("coverage", "precision"))

    def __post_init__(self) -> None:
        for name in ("modes_below", "coverage_below", "precision_above", "grace"):
            _share(name, getattr(self, name))
        _whole("evaluations", self.evaluations)

    def __call__(self, history: History) -> str | None:
        recent = [moment for moment in history if moment.share >= self.grace - TINY][-self.evaluations :]
        signs = [self._sign(moment) for moment in recent]
        if len(signs) < self.evaluations or None in signs:
            return None
        return f"collapsed: {signs[-1]}, at {self.evaluations} evaluations in a row"

    def _sign(self, moment: Moment) -> str | None:
        if score := moment.scores.get("reverse_kl"):
            share = math.exp(-max(0.0, score.value - moment.floors.get("reverse_kl", 0.0)))
            return f"valid samples fill {share:.0%} of the modes" if share < self.modes_below else None
        coverage, precision = moment.scores.get("coverage"), moment.scores.get("precision")
        if coverage is None or precision is None:
            return None  # where no sample is valid there is no reverse_kl, and nothing has collapsed
        if coverage.value < self.coverage_below and precision.value > self.precision_above:
            return f"coverage {coverage.value:.3f} at precision {precision.value:.3f}"
        return None


@dataclass(frozen=True)
class Plateaued:
    """The objective has not improved for a share of the budget by more than its own measured noise.

    The noise of a difference is taken from both intervals; a score without an interval counts as exact.
    """

    metric: str = ""
    patience: float = 0.4
    grace: float = 0.2

    @property
    def needs(self) -> Needs:
        """It reads the metric that it is about."""
        return ((self.metric,),) if self.metric else ()

    def __post_init__(self) -> None:
        _share("patience", self.patience)
        _share("grace", self.grace)
        if not 0 < self.patience <= 1 - self.grace + TINY:
            both = f"{self.patience:g} after a grace of {self.grace:g}"
            raise RequestError(f"expected a patience above 0 that ends within the budget, found {both}")
        if self.metric in METRICS:
            METRICS[self.metric].check_rank()

    def __call__(self, history: History) -> str | None:
        scored = [(moment.share, score) for moment in history if (score := moment.scores.get(self.metric))]
        if not scored or scored[-1][0] < self.grace + self.patience - TINY:
            return None
        border = scored[-1][0] - self.patience + TINY
        before = [score for share, score in scored if share <= border]
        since = [score for share, score in scored if share > border]
        if not before or not since:
            return None
        was, now = _best(before), _best(since)
        gain = (now.value - was.value) * (1 if now.higher_is_better else -1)
        noise = math.hypot(_half_width(was), _half_width(now))
        if gain > noise:
            return None
        change = f"{self.metric} was {was.value:.4g} and at best {now.value:.4g} in the last {self.patience:.0%}"
        return f"plateaued: {change} of the budget, no gain beyond its noise of {noise:.2g}"


RULES: dict[str, Callable[..., Rule]] = {"diverged": Diverged, "collapsed": Collapsed, "plateaued": Plateaued}


def rule(name: str, settings: Mapping[str, Any], *, objective: str) -> Rule:
    """Return the rule called `name`; a setting that it does not have is an error, never ignored."""
    if name not in RULES:
        raise RequestError(f"no stop rule {name!r}{did_you_mean(name, RULES)}; expected one of {', '.join(RULES)}")
    plain = RULES[name]()
    known = {each.name: each.default for each in fields(plain)}  # type: ignore[arg-type]
    for key, value in settings.items():
        if key not in known:
            choices = ", ".join(known) or "none"
            raise RequestError(f"rule {name} has no setting {key!r}{did_you_mean(key, known)}; it has {choices}")
        kind, what = (str, "text") if isinstance(known[key], str) else (int | float, "a number")
        if isinstance(value, bool) or not isinstance(value, kind):
            raise RequestError(f"rule {name}: expected {key} as {what}, found {value!r}")
    if "metric" in known:
        settings = {"metric": objective, **settings}
    try:
        return replace(plain, **settings)  # type: ignore[type-var]
    except (RequestError, MetricsError) as error:
        raise RequestError(f"rule {name}: {error}") from None


def acting(
    items: Sequence[str | Mapping[str, Mapping[str, Any]]], families: Sequence[str], objective: str
) -> list[Rule]:
    """Return the rules listed under `stop:`; each must find what it reads among the evaluated families."""
    rules = []
    for item in items:
        name, settings = (item, {}) if isinstance(item, str) else next(iter(item.items()))
        made = rule(name, settings, objective=objective)
        if not _sees(made, families):
            needed = ", or ".join(" and ".join(alternative) for alternative in made.needs)
            given = ", ".join(families)
            raise RequestError(f"rule {name} reads {needed}, but evaluation.metrics has only {given}; add it there")
        rules.append(made)
    return rules


def observing(items: Sequence[str | Mapping[str, Any]], families: Sequence[str], objective: str) -> list[Rule]:
    """Return the rules that are not listed but find what they read: they record when they would have fired."""
    listed = {item if isinstance(item, str) else next(iter(item)) for item in items}
    ours = [name for name in RULES if not is_python(name)]  # other people's rules act, or are not there
    rules = [rule(name, {}, objective=objective) for name in ours if name not in listed]
    return [made for made in rules if _sees(made, families)]


def _sees(made: Rule, families: Sequence[str]) -> bool:
    return not made.needs or any(set(alternative) <= set(families) for alternative in made.needs)


def _best(scores: Sequence[Score]) -> Score:
    sign = 1 if scores[0].higher_is_better else -1
    return max(scores, key=lambda score: sign * score.value)


def _half_width(score: Score) -> float:
    return 0.0 if score.low is None or score.high is None else (score.high - score.low) / 2


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise RequestError(f"expected {name} between 0 and 1, found {value!r}")


def _whole(name: str, value: object) -> None:
    if not isinstance(value, int) or value < 1:
        raise RequestError(f"expected {name} as a whole number of at least 1, found {value!r}")
