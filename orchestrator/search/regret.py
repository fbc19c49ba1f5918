"""What pruning may have cost, estimated from the pruned contenders that an audit has kept alive."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from orchestrator.leaderboard import half_width
from orchestrator.recording.journal import Standing, State
from orchestrator.search.confirmation import may_win

FEWEST = 20
"""So many must have been audited before anything is said of those that were not."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over all whom the scheduler would have pruned; 95 % interval, its ends null where none is valid."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Regret:
    """How often, and by how much, a pruned contender would have ended better than the selected one.

    Of every contender that the scheduler wanted to prune, an audit kept a part alive, each with the same known
    probability. `share` is the share of all of them that would have beaten the selected contender at the last tick;
    `shortfall` is the mean over all of them of what they would have been better by, and 0 for whoever would not.
    Both compare objectives on `select`. They are null where fewer than 20 were audited.
    """

    pruned: int
    audited: int
    probability: float
    selected: str | None
    share: Estimate | None
    shortfall: Estimate | None
    said: str

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def regret(state: State) -> Regret | None:
    """Return what pruning may have cost in this attempt; None where nothing was audited, nor meant to be."""
    attempt = state.attempt or {}
    probability = attempt.get("experiment", {}).get("search", {}).get("audit", 0.0)
    if not probability:
        return None
    sign = -1 if attempt["directions"][attempt["objective"]] else 1
    pruned = [standing for standing in state.contenders.values() if standing.status == "pruned" or standing.audited]
    audited = [standing for standing in pruned if standing.audited and standing.status in ("finished", "stopped")]
    chosen = selected(state, sign)
    told: dict[str, Any] = {"pruned": len(pruned), "audited": len(audited), "probability": probability}
    if chosen is None or len(audited) < FEWEST:
        reason = f"{len(audited)} audited, and it takes {FEWEST}" if chosen else "nobody was selected"
        said = f"regret of pruning: not estimable ({reason})"
        return Regret(**told, selected=chosen, share=None, shortfall=None, said=said)
    best = _objective(state.contenders[chosen], sign)
    gains = [max(0.0, best - _objective(standing, sign)) for standing in audited]
    share, shortfall = estimate(gains, len(pruned))
    said = (
        f"regret of pruning: {_percent(share.value)} [{_percent(share.low)}, {_percent(share.high)}] of {len(pruned)}"
        f" pruned contenders would have beaten the selected one; mean shortfall {_short(shortfall.value)}"
        f" [{_short(shortfall.low)}, {_short(shortfall.high)}] {attempt['objective']} ({len(audited)} audited)"
    )
    return Regret(**told, selected=chosen, share=share, shortfall=shortfall, said=said)


def selected(state: State, sign: int) -> str | None:
    """Return the contender that the search selects: of those that nobody pruned the best at its last tick."""
    known = [
        (_objective(standing, sign), name)
        for name, standing in state.contenders.items()
        if standing.status == "finished" and may_win(state, name)
    ]
    ended = [(value, name) for value, name in known if value < float("inf")]
    return min(ended)[1] if ended else None


def estimate(gains: Sequence[float], pruned: int) -> tuple[Estimate, Estimate]:
    """Return the share of the pruned that would gain, and their mean gain, from the gains of the audited.

    Every audited contender stands for 1 / probability pruned ones. The probability is the same for all, so the
    weighted mean is the plain one, and given their number the audited are a simple random sample without replacement:
    the interval of the share is exact, by inversion of the hypergeometric law. That of the mean gain multiplies the
    bounds of the share with those of the mean among the gainers, each at 97.5 %; below two gainers there is none.
    """
    positive = [gain for gain in gains if gain > 0]
    low, high = _shares(len(positive), len(gains), pruned, 0.95)
    share = Estimate(value=len(positive) / len(gains), low=low, high=high)
    mean = fmean(gains)
    if (half := half_width(positive, 0.975)) is None:
        return share, Estimate(value=mean, low=None, high=None)
    least, most = _shares(len(positive), len(gains), pruned, 0.975)
    among = fmean(positive)
    return share, Estimate(value=mean, low=least * max(0.0, among - half), high=most * (among + half))


def _shares(found: int, drawn: int, size: int, level: float) -> tuple[float, float]:
    """Return the least and the greatest share of `size` under which `found` of `drawn` is not too surprising."""
    import numpy as np
    from scipy.stats import hypergeom

    counts = np.arange(found, size - (drawn - found) + 1)
    tail = (1 - level) / 2
    possible = (hypergeom.sf(found - 1, size, counts, drawn) > tail) & (
        hypergeom.cdf(found, size, counts, drawn) > tail
    )
    kept = counts[possible]
    return float(kept.min() / size), float(kept.max() / size)


def _objective(standing: Standing, sign: int) -> float:
    """Return a contender's last objective, less being better; without one it is the worst."""
    value = standing.tick["objective"] if standing.tick else None
    return float("inf") if value is None else sign * value


def _percent(share: float | None) -> str:
    return "?" if share is None else f"{100 * share:.3g} %"


def _short(value: float | None) -> str:
    return "?" if value is None else f"{value:.3g}"
