"""What happened in a search besides training: who was pruned, copied, lost, confirmed, and why, from its journal."""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.home import Home, journal_of
from orchestrator.recording.journal import Event, events
from orchestrator.wording import number


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One thing that happened to a contender, or to all of them."""

    minutes: float
    what: str
    contender: str
    told: str
    step: int | None = None


def happenings(home: Home, experiment: str, attempt: int) -> Iterator[Happening]:
    """Yield what happened, in order; a home without the journal knows of nothing."""
    began = None
    for event, _ in events(journal_of(home.attempt(experiment, attempt))):
        began = event.get("time", 0.0) if began is None else began
        if (said := _said(event)) is not None:
            what, told = said
            yield Happening(
                minutes=round((event.get("time", began) - began) / 60, 2),
                what=what,
                contender=event.get("contender", ""),
                told=told,
                step=event.get("step") or (event.get("tick") or {}).get("step"),
            )


def _said(event: Event) -> tuple[str, str] | None:
    match event["kind"]:
        case "end" if event["status"] != "finished":
            return event["status"], event["reason"] or ""
        case "cloned":
            return "cloned", f"goes on as a copy of {event['from']}, {_changes(event)}"
        case "audited":
            return "audited", f"kept, and hidden from the search, although: {event['reason']}"
        case "lost" | "crowded":
            return event["kind"], event["reason"]
        case "confirming":
            chosen = ", ".join(event["confirms"].values())
            return "confirming", f"trained again on seeds {', '.join(map(str, event['seeds']))}: {chosen}"
        case "over":
            return "over", event["reason"]
    return None


def _changes(event: Event) -> str:
    was, now = event["was"], event["now"]
    return "; ".join(f"{name} from {number(was[name])} to {number(value)}" for name, value in now.items())
