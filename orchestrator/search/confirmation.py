"""Confirmation: the best of a search and the defaults, trained again on seeds that had no part in choosing them."""

from dataclasses import asdict
from statistics import fmean
from typing import Any

from orchestrator.config.models import SearchExperiment
from orchestrator.leaderboard import summary
from orchestrator.recording.journal import Event, Standing, State
from orchestrator.records import ScoreRecord
from orchestrator.space import Contender, canonical, default

DEFAULT = "default"
"""What the repeated defaults of a variant confirm, for no contender was selected there."""


def choose(experiment: SearchExperiment, state: State) -> Event:
    """Return the event that says what is trained again: nothing, where nobody has a final score."""
    assert experiment.confirm  # noqa: S101  (nobody asks otherwise)
    best = selected(state, experiment.confirm.top)
    sources = {name: state.configurations[name] for name in best}
    if best and not experiment.trainer:  # what somebody's own loop does by default is not known here
        usual = default(experiment, sources[best[0]]["variant"]).configuration
        if usual not in sources.values():
            sources[DEFAULT] = usual
    again = {
        name: Contender(index=index, **configuration)
        for index, (name, configuration) in enumerate(sources.items(), start=len(state.contenders))
    }
    return {
        "kind": "confirming",
        "contenders": {contender.name: contender.configuration for contender in again.values()},
        "confirms": {contender.name: name for name, contender in again.items()},
        "seeds": list(experiment.confirm.seeds),
    }


def selected(state: State, top: int) -> list[str]:
    """Return the best contenders by final score, of those that may be ranked together; equal ones count once."""
    groups: dict[str, dict[str, float]] = {}
    for name, standing in state.contenders.items():
        if may_win(state, name) and (score := final(state, standing)):
            groups.setdefault(_meaning(standing), {})[name] = -score.value if score.higher_is_better else score.value
    members = max(groups.values(), key=len, default={})
    distinct = {canonical(state.configurations[name]): name for name in reversed(members)}
    return sorted(distinct.values(), key=lambda name: (members[name], name))[:top]


def results(state: State) -> dict[str, Any]:
    """Return what a search says of its confirmation: each repeated contender, and how lucky the selection was."""
    rows = [_row(state, name, other) for name, other in state.confirms.items()]
    known = [row["optimism"] for row in rows if row["optimism"] is not None]
    return {"confirmed": rows, "optimism": fmean(known) if known else None}


def final(state: State, standing: Standing) -> ScoreRecord | None:
    """Return the final score of a contender by the objective, unless a replica has none."""
    assert state.attempt  # noqa: S101  (the first event of every journal)
    finals = [replica["final"] for replica in standing.tick["replicas"]] if standing.tick else []
    scores = [each["scores"].get(state.attempt["objective"]) if each else None for each in finals]
    known = [ScoreRecord(**score) for score in scores if score]
    return summary(known) if known and len(known) == len(scores) else None


def _row(state: State, name: str, other: str) -> dict[str, Any]:
    standing, before = state.contenders[name], state.contenders.get(other, Standing())
    first, confirmed = final(state, before), final(state, standing)
    optimism = None
    if first and confirmed and _meaning(before) == _meaning(standing):
        optimism = first.value - confirmed.value
    return {
        "contender": name,
        "confirms": other,
        "variant": state.configurations[name]["variant"],
        "status": standing.status,
        "reason": standing.reason,
        "selected": first and asdict(first),
        "score": confirmed and asdict(confirmed),
        "optimism": optimism,
    }


def may_win(state: State, name: str) -> bool:
    """Was it drawn for the search, and neither fitted beside it, trained again, nor kept for an audit alone?"""
    assert state.attempt  # noqa: S101  (the first event of every journal)
    baselines = state.attempt["experiment"].get("baselines", ())
    apart = name in state.confirms or state.contenders[name].audited
    return not apart and state.configurations[name]["variant"] not in baselines


def _meaning(standing: Standing) -> str:
    """Return what two scores must share to be compared."""
    assert standing.tick  # noqa: S101  (it has a score)
    return canonical([standing.tick["protocol"], standing.tick["budget_class"]])
