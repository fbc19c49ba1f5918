"""The story of one experiment: everything that its page tells, read once and put in order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.config import plain
from orchestrator.curves import histograms, rows_of
from orchestrator.home import Home
from orchestrator.leaderboard import Group, Row, rank
from orchestrator.records import ContenderRecord
from orchestrator.report import tables
from orchestrator.report.album import BYTES, Picture, packed, thinned
from orchestrator.report.series import Curves, chart_data, dataset, numbered
from orchestrator.report.tables import Table
from orchestrator.report.verdict import Verdict, floor_of, label, verdict
from orchestrator.review import records

CARDS = 12
"""Replicas of one ranking whose samples are shown."""
VERDICTS = 4


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
class Ranking:
    """One group of comparable contenders."""

    title: str
    protocol: Sequence[str]
    verdict: Verdict
    table: Table
    cards: Sequence[Card]

    @property
    def ticks(self) -> list[int]:
        """Return where the slider stops."""
        return sorted({card.at(picture) for card in self.cards for picture in card.pictures})

    @property
    def hero(self) -> Card | None:
        """Return the card of the best contender."""
        return self.cards[0] if self.cards else None


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that the page tells."""

    name: str
    attempt: int
    kind: str
    status: str
    reason: str
    summary: Sequence[tuple[str, str]]
    rankings: Sequence[Ranking]
    left_out: int
    """Contenders whose samples would have made the page too large."""
    matrix: Table | None
    facts: Sequence[Table]
    file: str
    charts: Mapping[str, Any]


def gather(home: Home, name: str) -> Story:
    """Read everything about the latest attempt of an experiment."""
    from orchestrator.recording.search_run import asked

    found = records(home, [name])
    groups = sorted(rank(found), key=lambda group: -len(group.rows))
    curves = Curves.of(rows_of(home, found))
    told = asked(home, name, found[0].attempt)
    file = plain.document(told.file, "experiment.yaml").value if told.file else {}
    numbers = numbered(groups)
    album = _Album(home, name, found[0].attempt, curves)
    rankings = [_ranking(group, numbers, curves, album, f"{index}") for index, group in enumerate(groups, start=1)]
    directions = {
        key: score.higher_is_better
        for each in found
        for replica in each.replicas
        for key, score in replica.final.items()
    }
    return Story(
        name=name,
        attempt=found[0].attempt,
        kind="study" if "study" in file else "search",
        status=told.status,
        reason=told.reason or "",
        summary=_summary(found, file),
        rankings=rankings,
        left_out=album.left_out,
        matrix=_matrix(groups) if "study" in file else None,
        facts=_facts(groups, told.environment),
        file=told.file,
        charts=chart_data(groups, curves, directions),
    )


def _ranking(group: Group, numbers: Mapping[str, int], curves: Curves, album: "_Album", name: str) -> Ranking:
    cards = list(album.cards(group, numbers))
    return Ranking(
        title=dataset(group),
        protocol=_protocol(group),
        verdict=verdict(group, _floor(group, curves)),
        table=tables.leaderboard(group, numbers, name=f"leaderboard-{name}"),
        cards=cards,
    )


class _Album:
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


def _matrix(groups: Sequence[Group]) -> Table:
    """Return variants against data: the first metric of each."""
    return tables.matrix([(dataset(group), group) for group in groups])


def _facts(groups: Sequence[Group], environment: Mapping[str, str]) -> list[Table]:
    told = [
        tables.facts(
            f"protocol-{index}", f"Protocol: {dataset(group)}", {**group.protocol, "budget": group.budget_class}
        )
        for index, group in enumerate(groups, start=1)
    ]
    return [*told, *([tables.facts("environment", "Environment", environment)] if environment else [])]
