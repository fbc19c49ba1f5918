"""Searches that nobody ran: the events of any number of contenders, as the driver would tell them to the recorder."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator.config.name import folder_name
from orchestrator.recording.journal import Event
from orchestrator.space import digest

OBJECTIVE = "fd_lenet"
DIRECTIONS = {OBJECTIVE: False, "is_lenet": True, "coverage_lenet": True}
PROTOCOL = {
    "version": 1,
    "dataset": {"name": "mnist5k", "digest": "0" * 64, "split": "final"},
    "reals": 1000,
    "generated": 1000,
    "resolution": [1, 28, 28],
    "extractor": {"name": "lenet", "digest": "1" * 64},
    "resize": "none",
    "generator": {"weights": "raw", "batch_norm": "running", "truncation": None, "labels": None},
}


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """A search of this size; the same seed tells the same story."""

    contenders: int = 4
    replicas: int = 2
    ticks: int = 3
    name: str = "synthetic"
    attempt: int = 1
    images: int = 1000
    seed: int = 0

    @property
    def configurations(self) -> dict[str, dict[str, Any]]:
        """Every contender's resolved configuration under its name."""
        found = {}
        for index in range(self.contenders):
            draw = random.Random(f"{self.seed}-{index}")
            configuration = {
                "variant": draw.choice(("dcgan", "wgan_gp", "r1gan")),
                "hyperparameters": {
                    "batch": 64,
                    "generator_lr": 10 ** draw.uniform(-5, -2),
                    "discriminator_lr": 10 ** draw.uniform(-5, -2),
                },
                "data": {"name": "mnist5k"},
                "budget": {"images": self.images * self.ticks, "tick": self.images},
            }
            found[f"{index:03d}-{digest(configuration)}"] = configuration
        return found

    def events(self) -> Iterator[Event]:
        """Yield the whole story; contenders take turns tick by tick."""
        yield self.beginning()
        last = {}
        for number in range(1, self.ticks + 1):
            for name in self.configurations:
                last[name] = self.tick(name, number)
                yield last[name]
        for name, tick in last.items():
            yield self.end(name, tick)
        yield {"kind": "close", "time": float(self.ticks), "status": "finished", "reason": f"{len(last)} finished"}

    def beginning(self) -> Event:
        """Return the first line of the journal."""
        experiment = {
            "name": self.name,
            "seeds": list(range(self.replicas)),
            "data": {"name": "mnist5k"},
            "budget": {"images": self.images * self.ticks, "tick": self.images},
            "evaluation": {"extractor": "lenet", "metrics": ["fd", "is", "coverage"]},
            "search": {"contenders": self.contenders, "sampler": "random"},
        }
        return {
            "kind": "attempt",
            "time": 0.0,
            "attempt": self.attempt,
            "folder": folder_name(self.name),
            "experiment": experiment,
            "contenders": self.configurations,
            "objective": OBJECTIVE,
            "directions": DIRECTIONS,
            "ticks": self.ticks,
            "environment": {"device": "cpu"},
        }

    def tick(self, name: str, number: int) -> Event:
        """Return one report of one contender."""
        replicas = [self._replica(name, seed, number) for seed in range(self.replicas)]
        return {
            "kind": "tick",
            "time": float(number),
            "contender": name,
            "step": number * 16,
            "images": number * self.images,
            "spent": number * self.images,
            "objective": sum(each["scores"][OBJECTIVE]["value"] for each in replicas) / len(replicas),
            "protocol": PROTOCOL,
            "budget_class": {"unit": "images", "amount": self.images * self.ticks, "checkpoint": "final"},
            "replicas": replicas,
            "began": 0.0,
            "busy": 1.0,
            "launch": 0.0,
            "checkpoint": f"nowhere/attempt-{self.attempt:03d}/{name}/step-{number * 16}",
        }

    def end(self, name: str, tick: Event) -> Event:
        """Return the end of one contender."""
        return {
            "kind": "end",
            "time": tick["time"],
            "contender": name,
            "status": "finished",
            "reason": None,
            "summary": {f"{OBJECTIVE}_mean": tick["objective"]},
            "tick": tick,
        }

    def _replica(self, name: str, seed: int, number: int) -> Event:
        draw = random.Random(f"{self.seed}-{name}-{seed}-{number}")
        quality = random.Random(f"{self.seed}-{name}").uniform(1, 4)  # some contenders are better than others
        last = number == self.ticks
        scores = {
            key: {"value": value, "low": 0.9 * value, "high": 1.1 * value, "higher_is_better": higher}
            for (key, higher), value in zip(
                DIRECTIONS.items(),
                (100 * quality * (1 + 1 / number) + draw.gauss(0, 5), 8 / quality + draw.random(), 1 / quality),
                strict=True,
            )
        }
        return {
            "seed": seed,
            "status": "finished" if last else "running",
            "reason": None,
            "step": number * 16,
            "images": number * self.images,
            "seconds": float(number),
            "scores": scores,
            "floors": {},
            "diagnostics": {"generator_loss": draw.random(), "discriminator_loss": draw.random()},
            "fired": {},
            "final": {"scores": scores, "floors": {}} if last else None,
        }
