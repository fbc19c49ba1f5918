"""The live view: contenders, ticks, the best so far, reasons, the time left; plain lines where no one looks."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator.recording.journal import Announce, Event, Standing, State

SHOWN = 16
BARS = "▁▂▃▄▅▆▇█"
STYLES = {
    "finished": "green",
    "stopped": "yellow",
    "pruned": "dim",
    "failed": "red",
    "interrupted": "red",
    "running": "cyan",
}


class View:
    """Follows an attempt; `announce` is called after every event."""

    def __init__(self) -> None:
        self.ticks = 1
        self.objective = ""
        self.higher_is_better = False
        self.began: float | None = None
        self.done_at_start = 0
        self.state: State | None = None
        self.live: Live | None = None
        self.lines: TextIO | None = None

    def announce(self, event: Event, state: State) -> None:
        """Show what the event has changed."""
        assert state.attempt  # noqa: S101  (the first event of every journal)
        self.ticks, self.objective = state.attempt["ticks"], state.attempt["objective"]
        self.higher_is_better = state.attempt["directions"][self.objective]
        if self.began is None and event["kind"] == "tick":
            self.began = event["began"]
            self.done_at_start = self._done(state) - 1
        self.state = state
        if self.live:
            self.live.update(self.render(), refresh=True)
        if self.lines and (line := self._line(event)):
            print(line, file=self.lines, flush=True)

    def render(self) -> Group:
        """Return the whole view."""
        if self.state is None or self.state.attempt is None:
            return Group(Text("starting Ray and preparing data ...", style="dim"))
        table = Table(box=None, padding=(0, 1), header_style="bold")
        for column in ("contender", "variant", "tick", self.objective, "", "status"):
            table.add_column(column, justify="right" if column in ("tick", self.objective) else "left", overflow="fold")
        best = self.best()
        for name, standing in self._shown():
            variant = self.state.attempt["contenders"][name]["variant"]
            style = "bold" if best and best[0] == name else ""
            status = Text(standing.status, style=STYLES.get(standing.status, "dim"))
            if confirms := self.state.confirms.get(name):
                status.append(f"  confirms {confirms}", style="dim")
            if standing.reason:
                status.append(f"  {standing.reason}", style="dim")
            value = standing.tick["objective"] if standing.tick else None
            shown = "" if value is None else f"{value:.4g}"
            curve = sparkline(standing.curve)
            table.add_row(name, variant, f"{standing.ticks}/{self.ticks}", shown, curve, status, style=style)
        return Group(table, Text(self.headline(), style="bold"))

    def headline(self) -> str:
        """Return one line: how far, the best so far, the time left."""
        if self.state is None:
            return ""
        counts = self.state.counts()
        ended = sum(standing.ended for standing in self.state.contenders.values())
        parts = [f"{ended}/{self.state.expected} contenders"]
        parts += [f"{count} {status}" for status, count in counts.items() if count and status != "finished"]
        if best := self.best():
            parts.append(f"best {self.objective} {best[1]:.4g} ({best[0]})")
        if (left := self.seconds_left()) is not None:
            parts.append(f"about {_clock(left)} left")
        return " · ".join(parts)

    def best(self) -> tuple[str, float] | None:
        """Return the contender with the best objective at its last tick; new seeds say more than those that chose."""
        if self.state is None or self.state.attempt is None:
            return None
        variants = {name: said["variant"] for name, said in self.state.attempt["contenders"].items()}
        baselines = self.state.attempt["experiment"].get("baselines", ())
        fair = {
            name: standing.tick
            for name, standing in self.state.contenders.items()
            if standing.tick and not standing.audited and variants[name] not in baselines
        }
        values = {name: tick["objective"] for name, tick in fair.items() if tick["objective"] is not None}
        confirmed = {name: value for name, value in values.items() if name in self.state.confirms}
        return (max if self.higher_is_better else min)(
            (confirmed or values).items(), key=lambda pair: pair[1], default=None
        )

    def seconds_left(self) -> float | None:
        """Return the time that the ticks to come will take at the pace so far."""
        if self.state is None or self.began is None:
            return None
        done, total = self._done(self.state), self.ticks * self.state.expected
        passed = time.time() - self.began
        return passed / max(done - self.done_at_start, 1) * (total - done) if total > done else None

    def _done(self, state: State) -> int:
        """Return ticks done; an ended contender has none left to do."""
        return sum(self.ticks if standing.ended else standing.ticks for standing in state.contenders.values())

    def _shown(self) -> list[tuple[str, Standing]]:
        """Return the contenders to show: those at work, then the last that ended."""
        assert self.state  # noqa: S101  (called by render alone)
        everyone = list(self.state.contenders.items())
        if len(everyone) <= SHOWN:
            return everyone
        running = [pair for pair in everyone if pair[1].status == "running"]
        ended = [pair for pair in everyone if pair[1].ended]
        room = max(0, SHOWN - len(running))
        return sorted(running + ended[len(ended) - min(room, len(ended)) :])

    def _line(self, event: Event) -> str | None:
        if event["kind"] in ("lost", "crowded"):
            return f"{event['contender']}: {event['reason']}"
        if event["kind"] == "cloned":
            numbers = ", ".join(f"{name} {value:.4g}" for name, value in event["now"].items())
            return f"{event['contender']} goes on as a copy of {event['from']} at step {event['step']:,}: {numbers}"
        if event["kind"] == "audited":
            return f"{event['contender']} goes on as an audit: {event['reason']}"
        if event["kind"] == "confirming":
            seeds = ", ".join(map(str, event["seeds"]))
            chosen = ", ".join(event["confirms"].values()) or "nothing, for no contender has a final score,"
            return f"confirming {chosen} on seeds {seeds}"
        if event["kind"] == "end":
            reason = f": {event['reason']}" if event["reason"] else ""
            headline = "" if event["status"] == "interrupted" else f" · {self.headline()}"
            return f"{event['contender']} {event['status']}{reason}{headline}"
        if event["kind"] == "tick" and event["objective"] is not None:
            assert self.state  # noqa: S101  (set by announce)
            ticks = self.state.contenders[event["contender"]].ticks
            return f"{event['contender']} tick {ticks}/{self.ticks} {self.objective} {event['objective']:.4g}"
        return None


@contextmanager
def followed(*, quiet: bool = False) -> Iterator[Announce]:
    """Show on stderr what is announced while the work goes on: alive in a terminal, plain lines elsewhere."""
    view = View()
    if not quiet and sys.stderr.isatty():
        with Live(view.render(), console=Console(stderr=True), auto_refresh=False) as live:
            view.live = live
            yield view.announce
    else:
        view.lines = None if quiet else sys.stderr
        yield view.announce


def sparkline(values: list[float | None]) -> str:
    """Return a curve as bars, low to high."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, span = min(known), max(known) - min(known) or 1.0
    return "".join(BARS[int((value - low) / span * (len(BARS) - 1))] for value in known[-20:])


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
