"""Why a variant may be believed: what was measured, and the commands that measure it again."""

import json
from functools import cache
from importlib.resources import files
from typing import Any


def evidence(name: str) -> tuple[str, ...]:
    """Sentences that say what stands behind the variant `name`, each with its command; none means unverified."""
    found = _measured().get(name, {})
    return tuple(f"{each['finding']} ({each['command']})" for each in found.values())


@cache
def _measured() -> dict[str, dict[str, dict[str, Any]]]:
    text = (files(__package__) / "evidence.json").read_text()
    measured: dict[str, dict[str, dict[str, Any]]] = json.loads(text)
    return measured
