"""The story of one experiment: everything that its page tells, read once and put in order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.config import plain
from orchestrator.home import Home
from orchestrator.leaderboard import Group, Row, rank
from orchestrator.records import ContenderRecord
from orchestrator.report import tables
from orchestrator.report.album import BYTES, Picture, packed, thinned
from orchestrator.report.happenings import Happening, happenings
from orchestrator.report.series import Curves, chart_data, dataset, drawn_data, numbered, titles
from orchestrator.report.tables import Table
from orchestrator.report.verdict import Verdict, floor_of, label, verdict
from orchestrator.review.curves import histograms, rows_of
from orchestrator.review.store import foreign, records

if TYPE_CHECKING:
    from orchestrator.recording.search_run import Asked

CARDS = 12
"""Replicas of one ranking whose samples are shown."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """Samples of one replica through training, with the shares of its modes where they are known."""

    contender: int
    label: str
    seed: int
    variant: str
    status: str
    reason: str
    pictures: Sequence[Picture]
    images: Mapping[int, int]
    """Step -> real images shown up to it."""
    shares: Mapping[int, Sequence[float]] = field(default_factory=dict)

    def at(self, picture: Picture) -> int:
        """Return where a picture stands on the slider."""
        return self.images.get(picture.step, picture.step)


@dataclass(frozen=True, kw_only=True)
class Album:
    """Samples on one dataset, moved by one slider."""

    title: str
    points: bool
    """Are the samples points, and not images?"""
    cards: Sequence[Card]

    @property
    def ticks(self) -> list[int]:
        """Return where the slider stops."""
        return sorted({card.at(picture) for card in self.cards for picture in card.pictures})


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
    pictures = _Pictures(home, name, attempt, curves)
    cards = [list(pictures.cards(group, numbers)) for group in groups]
    rankings = [
        Ranking(
            title=title,
            protocol=_protocol(group),
            verdict=verdict(group, floor=_floor(group, curves), selected=not study),
            table=tables.leaderboard(group, numbers, name=f"leaderboard-{index}"),
            hero=next(iter(shown), None),
            points=_points(group),
        )
        for index, (group, title, shown) in enumerate(zip(groups, titles(groups), cards, strict=True), start=1)
    ]
    others = foreign(home, [name])
    events = list(happenings(home, name, attempt))
    labels = {row.contender: label(row, group.rows) for group in groups for row in group.rows}
    return Story(
        name=name,
        attempt=attempt,
        subtitle=_subtitle(told, attempt, study=study),
        study=study,
        summary=_summary(found, file),
        rankings=rankings,
        albums=_albums(groups, cards),
        left_out=pictures.left_out,
        matrix=tables.matrix(groups, list(map(dataset, groups))) if study else None,
        happened=tables.happened(events, labels) if events else None,
        foreign=tables.foreign(others) if others else None,
        facts=_facts(groups, told.environment),
        file=told.file,
        charts=chart_data(groups, curves, _clones(events)) | ({} if study else drawn_data(groups)),
    )


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


def _albums(groups: Sequence[Group], cards: Sequence[Sequence[Card]]) -> list[Album]:
    albums = []
    for title in dict.fromkeys(map(dataset, groups)):
        members = [index for index, group in enumerate(groups) if dataset(group) == title]
        shown = [card for index in members for card in cards[index]]
        if shown:
            albums.append(Album(title=title, points=_points(groups[members[0]]), cards=shown))
    return albums


def _points(group: Group) -> bool:
    return len(group.protocol.get("resolution", ())) == 1


class _Pictures:
    """Pictures for the page until it is full, those of the best first."""

    def __init__(self, home: Home, name: str, attempt: int, curves: Curves) -> None:
        self.home = home
        self.curves = curves
        self.shares = histograms(home, name, attempt)
        self.room = BYTES
        self.left_out = 0

    def cards(self, group: Group, numbers: Mapping[str, int]) -> Iterator[Card]:
        rows = [row for row in group.rows if len(row.run_ids) > 1]
        seeds = max(1, CARDS // max(1, len(rows)))
        for row in rows[:CARDS]:
            for run_id in row.run_ids[1 : 1 + seeds]:
                card = self._card(row, group.rows, run_id, numbers)
                if card and self.room >= 0:
                    yield card
        self.left_out += len(rows[CARDS:])

    def _card(self, row: Row, among: Sequence[Row], run_id: str, numbers: Mapping[str, int]) -> Card | None:
        from orchestrator.recording.artifacts import series

        points = [point for metric in self.curves.points.get(run_id, {}).values() for point in metric]
        pictures = packed(series(self.home, run_id, thinned)) if points else []
        if not pictures:
            return None
        self.room -= sum(len(picture.source) for picture in pictures)
        seed = points[0]["seed"]
        return Card(
            contender=numbers[row.run_ids[0]],
            label=label(row, among),
            seed=seed,
            variant=row.variant,
            status=row.status,
            reason=row.reason or "",
            pictures=pictures,
            images={point["step"]: point["images"] or point["step"] for point in points},
            shares=self.shares.get((row.contender, seed), {}),
        )


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
