"""The live view from a second terminal: the journals of a home, read on as they grow."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from orchestrator.home import Home, journals
from orchestrator.live import View
from orchestrator.recording.journal import State, events

PAUSE_SECONDS = 1.0


class Follower:
    """One attempt, followed as far as its journal goes."""

    def __init__(self, journal: Path, view: View) -> None:
        self.journal = journal
        self.view = view
        self.state = State()
        self._offset = 0

    def advance(self) -> None:
        """Take in what has been written since the last time."""
        for event, offset in events(self.journal, self._offset):
            self._offset = offset
            self.state.apply(event)
            self.view.announce(event, self.state)

    @property
    def title(self) -> str:
        """The experiment's name, and which attempt this is."""
        begun = self.state.attempt
        return f"{begun['experiment']['name']} · attempt {begun['attempt']}" if begun else self.journal.parent.name


class Watched:
    """The latest attempts of some experiments, or of every experiment that has work left to do."""

    def __init__(self, home: Home, names: Sequence[str] = (), *, plain: bool) -> None:
        self.home = home
        self.names = names
        self.plain = plain
        self.followers: dict[Path, Follower] = {}

    def advance(self) -> None:
        """Look for new attempts, and take in what the known ones have written."""
        for journal in self._latest():
            if journal not in self.followers:
                self.followers[journal] = Follower(journal, self._view(journal))
            self.followers[journal].advance()

    def render(self) -> Group:
        """Return the views of what is watched, one below the other."""
        shown = [each for each in self.followers.values() if self.names or not each.state.complete]
        if not shown:
            return Group(Text(f"nothing is running in {self.home.path} (Ctrl-C ends this view)", style="dim"))
        return Group(*(part for each in shown for part in (Text(f"\n{each.title}", style="bold"), each.view.render())))

    def _view(self, journal: Path) -> View:
        """Return a view that prints lines, where lines are wanted and there is work left to do."""
        view = View()
        if self.plain and (self.names or not State.read(journal).complete):
            view.lines = sys.stdout
        return view

    def _latest(self) -> list[Path]:
        folders = [self.home.experiment(name) for name in self.names] or self.home.experiments
        return [found[-1] for found in map(journals, folders) if found]


def follow(home: Home, names: Sequence[str] = ()) -> None:
    """Show what is running until the user has seen enough: alive in a terminal, plain lines elsewhere."""
    watched = Watched(home, names, plain=not sys.stdout.isatty())
    try:
        if watched.plain:
            while True:
                watched.advance()
                time.sleep(PAUSE_SECONDS)
        with Live(console=Console(), auto_refresh=False) as live:
            while True:
                watched.advance()
                live.update(watched.render(), refresh=True)
                time.sleep(PAUSE_SECONDS)
    except KeyboardInterrupt:
        return
