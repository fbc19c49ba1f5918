"""Packs: contenders that differ only in numbers of their replicas, trained as one program."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from orchestrator.recording.journal import State
from orchestrator.space import Contender


def packs(contenders: Iterable[Contender], size: int) -> list[list[str]]:
    """Return the names of contenders that train together, at most `size` of them; each joins the first that it fits."""
    import gans

    found: list[list[Contender]] = []
    for contender in contenders:
        joined = None
        if size > 1 and contender.variant not in gans.BASELINES:
            joined = next((pack for pack in found if len(pack) < size and _fits(contender, pack)), None)
        if joined is None:
            found.append([contender])
        else:
            joined.append(contender)
    return [[contender.name for contender in pack] for pack in found]


def _fits(one: Contender, pack: Sequence[Contender]) -> bool:
    """Can it train beside these, none of which is its equal?"""
    import gans

    other = pack[0]
    if (one.variant, one.data, one.budget) != (other.variant, other.data, other.budget):
        return False
    ours, *theirs = (gans.variant(each.variant, each.hyperparameters) for each in (one, *pack))
    return ours.fits_beside(theirs[0]) is None and repr(ours) not in map(repr, theirs)


def going_on(state: State, pack: Sequence[str]) -> Path | None:
    """Return the checkpoint that a pack goes on from: that of the first tick that is not recorded of all its members.

    A driver that was killed may have recorded a tick of some of them only.
    """
    ticks = [state.contenders[name].tick for name in pack if not state.contenders[name].ended]
    known = [tick for tick in ticks if tick]
    if not known or len(known) < len(ticks):
        return None
    checkpoint = Path(min(known, key=lambda tick: int(tick["step"]))["checkpoint"])
    return checkpoint if checkpoint.exists() else None


def at_once(state: State, pack: Sequence[str]) -> int | None:
    """Return how many replicas of a pack train at once, if memory did not suffice for all."""
    known = [together for name in pack if (together := state.contenders[name].together)]
    return min(known, default=None)
