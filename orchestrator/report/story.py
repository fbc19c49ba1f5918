"""The story of one experiment: everything that its page tells, read once and put in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.config import plain
from orchestrator.home import Home
from orchestrator.leaderboard import Group, rank
from orchestrator.records import ContenderRecord
from orchestrator.report import tables
from orchestrator.report.album import Album, Card, Deck, albums, shows_points
from orchestrator.report.happenings import Happening, happenings
from orchestrator.report.series import Curves, chart_data, dataset, drawn_data, numbered, titles
from orchestrator.report.tables import Table
from orchestrator.report.verdict import Verdict, floor_of, label, verdict
from orchestrator.review.curves import rows_of
from orchestrator.review.store import foreign, records

if TYPE_CHECKING:
    from orchestrator.recording.search_run import Asked


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """One group of comparable contenders."""

    title: str
    protocol: Sequence[str]
    verdict: Verdict
    table: Table
    hero: Card | None
    points: bool


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that the page tells."""

    name: str
    attempt: int
    subtitle: str
    study: bool
    summary: Sequence[tuple[str, str]]
    rankings: Sequence[Ranking]
    albums: Sequence[Album]
    left_out: int
    """Contenders whose samples would have made the page too large."""
    matrix: Table | None
    happened: Table | None
    foreign: Table | None
    facts: Sequence[Table]
    file: str
    charts: Mapping[str, Any]


def gather(home: Home, name: str) -> Story:
    """Read everything about the latest attempt of an experiment."""
    from orchestrator.recording.search_run import asked

    found = records(home, [name])
    attempt = max((record.attempt for record in found), default=0)
    groups = sorted(rank(found), key=lambda group: -len(group.rows))
    curves = Curves.of(rows_of(home, found))
    replica = next((each.run_id for record in found for each in record.replicas), None)
    told = asked(home, name, attempt, replica)
    file = plain.document(told.file, "experiment.yaml").value if told.file else {}
    study = "study" in file
    numbers = numbered(groups)
    deck = Deck(home, name, attempt, curves)
    cards = [list(deck.cards(group, numbers)) for group in groups]
    others = foreign(home, [name])
    events = list(happenings(home, name, attempt))
    labels = {row.contender: label(row, group.rows) for group in groups for row in group.rows}
    return Story(
        name=name,
        attempt=attempt,
        subtitle=_subtitle(told, attempt, study=study),
        study=study,
        summary=_summary(found, file),
        rankings=_rankings(groups, cards, numbers, curves, study=study),
        albums=albums(groups, cards),
        left_out=deck.left_out,
        matrix=tables.matrix(groups, list(map(dataset, groups))) if study else None,
        happened=tables.happened(events, labels) if events else None,
        foreign=tables.foreign(others) if others else None,
        facts=_facts(groups, told.environment),
        file=told.file,
        charts=chart_data(groups, curves, _clones(events)) | ({} if study else drawn_data(groups)),
    )


def _rankings(
    groups: Sequence[Group], cards: Sequence[Sequence[Card]], numbers: Mapping[str, int], curves: Curves, *, study: bool
) -> list[Ranking]:
    return [
        Ranking(
            title=title,
            protocol=_protocol(group),
            verdict=verdict(group, floor=_floor(group, curves), selected=not study),
            table=tables.leaderboard(group, numbers, name=f"leaderboard-{index}"),
            hero=next(iter(shown), None),
            points=shows_points(group),
        )
        for index, (group, title, shown) in enumerate(zip(groups, titles(groups), cards, strict=True), start=1)
    ]


def _clones(events: Sequence[Happening]) -> dict[str, dict[int, str]]:
    """Return of each contender at which steps it became a copy, and what is told of it."""
    found: dict[str, dict[int, str]] = {}
    for each in events:
        if each.what == "cloned" and each.step is not None:
            found.setdefault(each.contender, {})[each.step] = each.told
    return found


def _subtitle(told: "Asked", attempt: int, *, study: bool) -> str:
    if not attempt:
        return "recorded by something else than GAN Arena"
    reason = f" ({told.reason})" if told.reason else ""
    return f"{'study' if study else 'search'} · attempt {attempt} · {told.status}{reason}"


def _floor(group: Group, curves: Curves) -> float | None:
    """Return what a perfect generator gets in place of the best, where that is known."""
    best = next((row for row in group.rows if group.metric in row.scores and not row.baseline), None)
    if best is None:
        return None
    return floor_of(
        [
            point["floor"]
            for run_id in best.run_ids[1:]
            if (point := curves.finals.get((run_id, group.metric))) is not None
        ]
    )


def _protocol(group: Group) -> list[str]:
    if not group.protocol:
        return ["protocol unknown: nothing here may be ranked"]
    extractor, budget = group.protocol.get("extractor", {}), group.budget_class
    amount = budget.get("amount")
    return [
        f"{'higher' if group.higher_is_better else 'lower'} {group.metric} is better",
        f"{group.protocol.get('generated'):,} samples against {group.protocol.get('reals'):,} reals",
        f"split {group.protocol.get('dataset', {}).get('split')}",
        f"{extractor.get('name')} features",
        f"{amount:,} {budget.get('unit')}" if isinstance(amount, int) else "budget unknown",
        f"{budget.get('checkpoint')} checkpoint",
    ]


def _summary(found: Sequence[ContenderRecord], file: Mapping[str, Any]) -> list[tuple[str, str]]:
    statuses = [record.status for record in found]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(sorted(statuses)))
    seeds = sorted({replica.seed for record in found for replica in record.replicas})
    seconds = sum(replica.seconds for record in found for replica in record.replicas)
    budget, search = file.get("budget", {}), file.get("search", {})
    amount = next((f"{budget[unit]:,} {unit}" for unit in ("images", "steps") if unit in budget), "")
    told = {
        "contenders": f"{len(found)}: {counts}",
        "seeds": ", ".join(map(str, seeds)),
        "budget": f"{amount} each" if amount else "",
        "training": f"{seconds / 60:,.1f} minutes in all" if seconds >= 60 else f"{seconds:,.0f} seconds in all",
        "search": ", ".join(str(search[key]) for key in ("sampler", "scheduler") if key in search),
    }
    return [(name, value) for name, value in told.items() if value]


def _facts(groups: Sequence[Group], environment: Mapping[str, str]) -> list[Table]:
    told = [
        (title, {**group.protocol, "budget": group.budget_class})
        for title, group in zip(titles(groups), groups, strict=True)
    ]
    found = [tables.facts("protocol-table", "Protocol", told)] if told else []
    return [*found, *([tables.facts("environment", "Environment", [("value", environment)])] if environment else [])]
