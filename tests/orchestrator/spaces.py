"""A space with every law, and dimensions that exist under some variants only."""

from typing import Any

from orchestrator.config import SearchExperiment

SPACE = {
    "variant": {"choice": ["gan", "wgan_gp", "r1gan"]},
    "generator_lr": {"loguniform": [1e-5, 1e-2]},
    "beta1": {"uniform": [0.0, 0.9], "when": {"variant": ["gan", "r1gan"]}},
    "batch": {"randint": [2, 5]},
    "penalty.weight": {"loguniform": [0.1, 100], "when": {"variant": ["wgan_gp", "r1gan"]}},
    "penalty.every": {"choice": [1, 4], "when": {"variant": "r1gan"}},
}


def experiment(space: dict[str, Any], **changes: Any) -> SearchExperiment:
    """Return a search of `space`, of 8 contenders unless something else is said."""
    search = {"contenders": 8} | changes.pop("search", {})
    whole = {"name": "x", "variant": "gan", "data": "ring8", "budget": {"steps": 20, "tick": 10}}
    return SearchExperiment.model_validate(whole | {"space": space, "search": search} | changes)
