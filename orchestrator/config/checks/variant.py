"""What the keys `variant`, `trainer` and `hyperparameters` must also satisfy: every name is read by somebody."""

import re
from collections.abc import Sequence

import gans
from orchestrator.code import TRAINERS
from orchestrator.config.checks.refusals import check_name, located
from orchestrator.config.document import Document, Location
from orchestrator.config.models import Experiment, SearchExperiment
from orchestrator.errors import did_you_mean


def variants_of(experiment: SearchExperiment, document: Document) -> Sequence[str]:
    """Return the variants that the search can draw."""
    chosen = experiment.space.get("variant")
    if experiment.generator is not None:
        document.fail(("generator",), "goes with a trainer; a variant says itself what it draws from")
    if experiment.variant is not None:
        check_name("variant", experiment.variant, gans.VARIANTS, document, ("variant",))
    if chosen is None:
        if experiment.variant is None:
            document.fail(("variant",), "expected a variant, a choice of variants under space, or a trainer")
        return [experiment.variant]
    if chosen.choice is None:
        document.fail(("space", "variant", chosen.law), "expected a choice of variants")
    if chosen.when:
        document.fail(("space", "variant", "when"), "every contender has a variant; leave `when` out")
    for index, name in enumerate(chosen.choice):
        check_name("variant", str(name), gans.VARIANTS, document, ("space", "variant", "choice", index))
    return [str(name) for name in chosen.choice]


def check_fixed(experiment: Experiment, variants: Sequence[str], document: Document) -> None:
    """Every variant reads every name that is fixed, and accepts its value beside the others."""
    fixed = experiment.hyperparameters
    for variant in variants:
        for name in fixed:
            check_read(name, variant, document, ("hyperparameters", name))
        try:
            gans.variant(variant, fixed)
        except gans.ConfigError:
            for name, value in fixed.items():
                with located(document, ("hyperparameters", name)):
                    gans.variant(variant, {name: value})
            with located(document, ("hyperparameters",)):  # each is possible alone, but not together
                gans.variant(variant, fixed)


def check_read(name: str, variant: str, document: Document, location: Location) -> None:
    """This variant reads a hyperparameter of this name."""
    known = gans.hyperparameters(gans.variant(variant))
    if name not in known:
        hint = f"{did_you_mean(name, known)}; it reads {', '.join(known)}"
        document.fail(location, f"{variant} does not read {name!r}{hint}")


def check_trainer(experiment: SearchExperiment, document: Document) -> None:
    """It stands in place of a variant, and reads whatever names it is given."""
    if experiment.variant is not None or "variant" in experiment.space:
        place = ("variant",) if experiment.variant is not None else ("space", "variant")
        document.fail(place, "goes with a variant, and trainer stands in place of one; leave one of them out")
    if experiment.trainer not in TRAINERS:
        document.fail(("trainer",), f"expected package.module:function, found {experiment.trainer!r}")
    for key, names in (("hyperparameters", experiment.hyperparameters), ("space", experiment.space)):
        for name in names:
            if reason := unrecordable(name):
                document.fail((key, name), reason)


def unrecordable(name: str) -> str | None:
    """Say why a record cannot hold a hyperparameter of this name, if it cannot."""
    if not re.fullmatch(r"[A-Za-z][\w./ -]{0,199}", name, re.ASCII):
        return f"expected a name of letters, digits, _ . - and /, found {name!r}"
    if name in ("variant", "seeds") or name.startswith(("data.", "budget.")):
        return f"{name!r} is a name that every record has already; take another"
    return None
