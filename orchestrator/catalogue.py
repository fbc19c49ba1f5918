"""What there is: the catalogues of `ganarena list`, read from the code itself."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

Entry = dict[str, Any]


def entries(catalogue: str) -> list[Entry]:
    """Return the entries of one catalogue."""
    return CATALOGUES[catalogue]()


def _variants() -> list[Entry]:
    import gans

    found = []
    for name, make in gans.VARIANTS.items():
        variant = make()
        read = [asdict(each) for each in gans.hyperparameters(variant).values()]
        found.append(_line(name, variant) | {"hyperparameters": read, "evidence": list(variant.evidence)})
    return found


def _baselines() -> list[Entry]:
    import gans

    return [_line(name, entry) for name, entry in gans.BASELINES.items()]


def _datasets() -> list[Entry]:
    import gans

    return [_line(name, entry) for name, entry in gans.data.DATASETS.items()]


def _metrics() -> list[Entry]:
    import metrics

    return [
        _line(name, entry)
        | {
            "higher_is_better": entry.higher_is_better,
            "right_at_one": entry.right_at_one,
            "needs": entry.needs,
        }
        for name, entry in metrics.METRICS.items()
    ]


def _extractors() -> list[Entry]:
    import metrics

    return [_line(name, entry) for name, entry in metrics.EXTRACTORS.items()]


def _rules() -> list[Entry]:
    from orchestrator.stopping import RULES

    settings = {name: fields(make()) for name, make in RULES.items()}  # type: ignore[arg-type]
    return [
        entry | {"settings": [{"name": each.name, "default": each.default} for each in settings[entry["name"]]]}
        for entry in _values(RULES)
    ]


def _values(catalogue: Mapping[str, Any]) -> list[Entry]:
    return [{"name": name, "summary": _first_line(each), "paper": None} for name, each in catalogue.items()]


def _losses() -> list[Entry]:
    import gans

    return _values(gans.LOSSES)


def _penalties() -> list[Entry]:
    import gans

    return _values(gans.PENALTIES)


def _networks() -> list[Entry]:
    import gans

    return _values(gans.NETWORKS)


CATALOGUES: dict[str, Callable[[], list[Entry]]] = {
    "variants": _variants,
    "baselines": _baselines,
    "losses": _losses,
    "penalties": _penalties,
    "networks": _networks,
    "datasets": _datasets,
    "metrics": _metrics,
    "extractors": _extractors,
    "rules": _rules,
}


def _line(name: str, entry: Any) -> Entry:
    return {"name": name, "summary": entry.summary, "paper": None if entry.paper in ("", "none") else entry.paper}


def _first_line(thing: Any) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]
