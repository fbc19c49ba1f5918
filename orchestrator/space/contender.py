"""A contender, and the identity of its records."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from orchestrator.config.values import Value


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A variant with every hyperparameter resolved, on one dataset and one budget."""

    index: int
    variant: str
    hyperparameters: dict[str, Value]
    data: dict[str, Any]
    budget: dict[str, Any]

    @classmethod
    def named(cls, name: str, configuration: Mapping[str, Any]) -> "Contender":
        """Return the contender that was recorded under this name."""
        return cls(index=int(name.partition("-")[0]), **configuration)

    @property
    def configuration(self) -> dict[str, Any]:
        """Everything but the place in the plan."""
        return {name: value for name, value in asdict(self).items() if name != "index"}

    @property
    def name(self) -> str:
        """`<index>-<digest>`: the identity of its records."""
        return f"{self.index:03d}-{digest(self.configuration)}"


def canonical(value: Any) -> str:
    """Return the JSON of `value` that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return the first 12 hex digits of the SHA-256 of the canonical JSON."""
    return sha256(canonical(value).encode()).hexdigest()[:12]
