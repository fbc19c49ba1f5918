"""What an event has measured, as the points of MLflow's series."""

from collections.abc import Mapping

from mlflow.entities import Metric

from orchestrator.recording.journal import Event

COUNTED = ("step", "images", "seconds")


def points(numbers: Mapping[str, float], event: Event, *, step: int) -> list[Metric]:
    """Return a point of each series, at the time of the event."""
    at = int(event["time"] * 1000)
    return [Metric(key, value, at, step) for key, value in numbers.items()]


def of_replica(attempt: Event, event: Event, replica: Event) -> dict[str, float]:
    """Return all that a tick tells of a replica."""
    numbers: dict[str, float] = replica["diagnostics"] | {key: replica[key] for key in COUNTED}
    return numbers | flat(replica["scores"], replica["floors"]) | costs(attempt, event, replica) | final(replica)


def of_contender(event: Event) -> dict[str, float]:
    """Return what a tick tells of a contender as a whole, and of the machine that it runs on."""
    numbers = {"images": event["images"], "objective": event["objective"]}
    numbers |= {f"system/{name}": value for name, value in event.get("system", {}).items()}
    return {key: value for key, value in numbers.items() if value is not None}


def of_end(event: Event) -> dict[str, float]:
    """Return what a contender has come to."""
    seconds = sum(replica["seconds"] for replica in event["tick"]["replicas"])
    return {"seconds": seconds} | {f"final/{key}": value for key, value in event["summary"].items()}


def final(replica: Event) -> dict[str, float]:
    """Return the final scores of a replica, if it has them."""
    return flat(replica["final"]["scores"], replica["final"]["floors"], prefix="final/") if replica["final"] else {}


def costs(attempt: Event, event: Event, replica: Event) -> dict[str, float]:
    """Return what a replica has cost besides steps, images and seconds."""
    held = attempt["experiment"].get("resources", {})
    spent = {"device_seconds": replica["seconds"] * (held.get("gpus") or held.get("cpus", 1))}
    return spent | ({"parameters": event["parameters"]} if "parameters" in event else {})


def of_clone(attempt: Event, event: Event) -> list[Metric]:
    """Return the hyperparameters that a slot now has as series, from those that it began with."""
    began = attempt["contenders"][event["contender"]]["hyperparameters"]
    first = {f"hyperparameter/{name}": began[name] for name in event["now"]}
    now = {f"hyperparameter/{name}": value for name, value in event["now"].items()}
    return points(first, attempt, step=0) + points(now, event, step=event["step"])


def flat(scores: Mapping[str, Event], floors: Mapping[str, float], prefix: str = "") -> dict[str, float]:
    """Return scores, the ends of their intervals, and their floors, by the names of their series."""
    numbers = {}
    for key, score in scores.items():
        numbers[f"{prefix}{key}"] = score["value"]
        numbers |= {f"{prefix}{key}_{end}": score[end] for end in ("low", "high") if score[end] is not None}
    return numbers | {f"{prefix}floor/{key}": floor for key, floor in floors.items()}
