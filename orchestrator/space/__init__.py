"""The space of a search: which contenders are drawn from it, by which laws, and what a population changes of them."""

from orchestrator.space.contender import Contender, canonical, digest
from orchestrator.space.drawing import STARTUP, contenders, default, draws, resolve, up_front
from orchestrator.space.kinds import changeable, kind, ranges
from orchestrator.space.laws import circle, combinations, draw, drawn_from, exists, ordered

__all__ = [
    "STARTUP",
    "Contender",
    "canonical",
    "changeable",
    "circle",
    "combinations",
    "contenders",
    "default",
    "digest",
    "draw",
    "drawn_from",
    "draws",
    "exists",
    "kind",
    "ordered",
    "ranges",
    "resolve",
    "up_front",
]
