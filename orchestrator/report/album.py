"""The album: samples of the best replicas through training, as far as the page has room for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.home import Home
from orchestrator.leaderboard import Group, Row
from orchestrator.report.series import Curves, dataset
from orchestrator.report.thumbnails import BYTES, Picture, packed, thinned
from orchestrator.report.verdict import label
from orchestrator.review.curves import histograms

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


class Deck:
    """Deals the cards of the page until it is full, those of the best first."""

    def __init__(self, home: Home, name: str, attempt: int, curves: Curves) -> None:
        self.home = home
        self.curves = curves
        self.shares = histograms(home, name, attempt)
        self.room = BYTES
        self.left_out = 0

    def cards(self, group: Group, numbers: Mapping[str, int]) -> Iterator[Card]:
        """Yield the cards of a ranking while there is room, under the numbers of its contenders on the page."""
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


def albums(groups: Sequence[Group], cards: Sequence[Sequence[Card]]) -> list[Album]:
    """Return an album for each dataset, with the cards of all of its rankings."""
    found = []
    for title in dict.fromkeys(map(dataset, groups)):
        members = [index for index, group in enumerate(groups) if dataset(group) == title]
        shown = [card for index in members for card in cards[index]]
        if shown:
            found.append(Album(title=title, points=shows_points(groups[members[0]]), cards=shown))
    return found


def shows_points(group: Group) -> bool:
    """Are the samples of this ranking points, and not images?"""
    return len(group.protocol.get("resolution", ())) == 1
