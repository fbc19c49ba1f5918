"""A live search for every sampler and scheduler that was replayed: `python -m tests.benchmarks.search_live --home DIR`.

A live search ends when its contenders have ended, so each way gets as many as had ended in its replays when the budget
was spent; what a search does beyond the budget is not looked at. Replayed with as many contenders and the same budget,
the recorded table says where the best final score of such a search lies, and the live one is held against that. What is
drawn at random are contenders of the table, trained again; `tpe` has the whole space to draw from.

Searches are kept under `--home`: the same command goes on with what is left, and ways can be run one at a time.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median, quantiles

from orchestrator.home import Home
from orchestrator.recording.journal import Event, State, events
from orchestrator.search.outcome import times
from tests.benchmarks.search_replay import WAYS, WORKERS, Played, Way, play
from tests.benchmarks.search_table import SPACE, curves, experiment

RESULT = Path(__file__).parent / "results" / "search_live.md"
LIVE = {f"{way.sampler}/{way.scheduler}/{way.trainings}": way for way in (*WAYS, Way(scheduler="pbt"))}
NOTES = """\
Each way got as many contenders as had ended in its replays when the budget was spent, and is judged by what it came to
within the budget. What is drawn at random are contenders of the table, trained once more; no replay gets below
{best:.4f}, the best in the table, while what `tpe` suggests live is not in it. What copies learn is not in it either,
so `pbt`, which made {copies} of them, stands beside replays of random draws.

One search tells whether a way works as it was replayed, not which is better: that is what `search_replay` is for. One
in ten lies outside the middle 90 % by chance. Seconds are from the first training step to the last."""
AGAIN = """
The table was trained in packs, whose rounding is another, and games amplify it: of {count} contenders that came to
their end again, half lie within {half:.4f} of their score in the table, nine in ten within {most:.4f}."""
SHORT = {"budget.steps": 80, "search.contenders": 3}


@dataclass(frozen=True, kw_only=True)
class Lived:
    """What a live search came to."""

    contenders: int
    images: Mapping[str, int]
    finals: Mapping[str, float]
    seconds: float
    utilisation: float
    copies: int

    @classmethod
    def read(cls, journal: Path, budget: float) -> "Lived | None":
        """Return what a search came to within a budget of images, if it has come to its end."""
        state = State.read(journal)
        if not (state.complete and state.attempt):
            return None
        ticks, key = within(budget, state.ticks), state.attempt["objective"]
        ends = {tick["contender"]: tick["replicas"][0]["final"] for tick in ticks if finished(tick)}
        wall, busy = times(ticks)
        return cls(
            contenders=state.attempt["experiment"]["search"]["contenders"],
            images=charged(ticks),
            finals={contender: final["scores"][key]["value"] for contender, final in ends.items()},
            seconds=wall,
            utilisation=busy / (wall * WORKERS),
            copies=sum(event["kind"] == "cloned" for event, _ in events(journal)),
        )


def finished(tick: Event) -> bool:
    """Is this the last tick of a contender that came to the end of its training?"""
    (replica,) = tick["replicas"]
    return bool(replica["status"] == "finished")


def charged(ticks: Sequence[Event]) -> dict[str, int]:
    """Return how many images each contender was shown."""
    return {tick["contender"]: tick["images"] for tick in ticks}


def within(budget: float, ticks: list[Event]) -> list[Event]:
    """Return the ticks before the budget is spent: a replay ends there as well."""
    counts = range(len(ticks), 0, -1)
    return next(ticks[:count] for count in counts if sum(charged(ticks[:count]).values()) <= budget)


def batch() -> int:
    """Return how many images a step shows to the discriminator."""
    return int(str(experiment().hyperparameters["batch"]))


def replayed(way: Way) -> Way:
    """Return the way that the table can replay: what copies would have learned is not in it."""
    return replace(way, scheduler="none") if way.scheduler == "pbt" else way


def recorded() -> dict[str, float]:
    """Return the final scores in the table."""
    return {curve.contender.name: curve.final for curve in curves() if curve.final is not None}


def moved(found: Iterable[Lived]) -> list[float]:
    """Return how far the final scores of the table's contenders lie from theirs in the table."""
    # Slots of a population go on as somebody else.
    again = {name: final for lived in found if not lived.copies for name, final in lived.finals.items()}
    return [abs(final - was) for name, was in recorded().items() if (final := again.get(name)) is not None]


def live(name: str, contenders: int, home: Home, changes: Mapping[str, object]) -> None:
    """Search once, or go on with it; what has come to its end is not run again."""
    way = LIVE[name]
    search = {"contenders": contenders, "sampler": way.sampler, "scheduler": way.scheduler, "parallel": WORKERS}
    settings = {"name": name, **{f"search.{key}": value for key, value in search.items()}, **changes}
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    program = "from orchestrator.cli import main; main()"
    command = [sys.executable, "-c", program, "search", str(SPACE), "-q", "--resume", "--home", str(home.path), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def lines(found: Mapping[str, tuple[Lived, Sequence[Played]]]) -> Iterator[str]:
    """Yield the rows of the result."""
    worst = max(recorded().values())
    yield (
        "| sampler | scheduler | budget, full trainings | tried | finished | replayed | images charged"
        " | seconds | utilisation | best final score | replayed: median, middle 90 % | |"
    )
    yield "|---|---|--:" + "|--:" * 8 + "|---|"
    for name, (lived, plays) in found.items():
        best, bests = min(lived.finals.values()), [each.best(worst) for each in plays]
        low, *_, high = quantiles(bests, n=20, method="inclusive")
        cells = [
            LIVE[name].label,
            f"{len(lived.images)}",
            f"{len(lived.finals)}",
            f"{mean(len(each.finals) for each in plays):.1f}",
            f"{sum(lived.images.values()):,}",
            f"{lived.seconds:.0f}",
            f"{lived.utilisation:.2f}",
            f"{best:.4f}",
            f"{median(bests):.4f} ({low:.4f} to {high:.4f})",
            "better" if best < low else "worse" if best > high else "inside",
        ]
        yield f"| {' | '.join(cells)} |"


def page(found: Mapping[str, tuple[Lived, Sequence[Played]]], repeats: int) -> str:
    """Return the page of the searches that have come to their end."""
    asked, apart = experiment(), moved(lived for lived, _ in found.values())
    notes = [NOTES.format(best=min(recorded().values()), copies=sum(lived.copies for lived, _ in found.values()))]
    if len(apart) > 1:
        most = quantiles(apart, n=10, method="inclusive")[-1]
        notes.append(AGAIN.format(count=len(apart), half=median(apart), most=most))
    return "\n".join(
        [
            "# Samplers and schedulers, live",
            "",
            f"`python -m tests.benchmarks.search_live --home DIR --repeats {repeats}`: one `ganarena search` each of"
            f" `tests/benchmarks/search_table.yaml`, {WORKERS} contenders at once; {asked.objective}, less is better.",
            "",
            *lines(found),
            "",
            *notes,
        ]
    )


def main() -> None:
    """Search in the ways that are asked for, and tell of all that have come to their end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ways", nargs="*", choices=[*LIVE, []], metavar="WAY", help=", ".join(LIVE))
    parser.add_argument("--home", type=Path, required=True, help="where the searches are kept")
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--short", action="store_true", help="see that it works; nothing is written")
    asked = parser.parse_args()
    home, table, changes = Home.at(asked.home), curves(), SHORT if asked.short else {}
    for name in asked.ways or LIVE:
        plays = [play(replayed(LIVE[name]), table, seed) for seed in range(asked.repeats)]
        live(name, round(mean(each.ended for each in plays)), home, changes)
    found = {}
    for name, way in LIVE.items():
        for attempt in home.attempts(name):
            if lived := Lived.read(attempt / "journal.jsonl", way.trainings * experiment().budget.amount * batch()):
                same = replace(replayed(way), contenders=lived.contenders)
                found[name] = lived, [play(same, table, seed) for seed in range(asked.repeats)]
    text = page(found, asked.repeats)
    print(text)
    if not asked.short:
        RESULT.write_text(text + "\n")


if __name__ == "__main__":
    main()
