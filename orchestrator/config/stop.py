"""The key `stop`: which rules end a replica, by name or with their settings."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from orchestrator.config.values import unique


def one_rule(item: Any) -> Any:
    """Return `item` if it is the name of a rule, or one rule with its settings."""
    if isinstance(item, dict) and len(item) == 1 and isinstance(next(iter(item.values())), dict):
        return item
    if not isinstance(item, str):
        raise ValueError("expected a rule's name, or one rule with its settings such as {plateaued: {patience: 0.3}}")
    return item


def each_rule_once(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `items` if no rule stands twice, whatever its settings."""
    unique(tuple(item if isinstance(item, str) else next(iter(item)) for item in items))
    return items


def none_acts(items: Any) -> Any:
    """Return `items` if there are none."""
    if isinstance(items, list | tuple) and items:
        raise ValueError("in a study rules observe and never act; leave this key out")
    return items


OneRule = Annotated[dict[str, dict[str, Any]], Field(min_length=1, max_length=1)]
Stop = Annotated[str | OneRule, BeforeValidator(one_rule)]
Stops = Annotated[tuple[Stop, ...], Field(strict=False), AfterValidator(each_rule_once)]
NoStops = Annotated[tuple[Stop, ...], Field(max_length=0, strict=False), BeforeValidator(none_acts)]
