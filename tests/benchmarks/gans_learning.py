"""Does every variant learn? Three seeds on the smallest data that it fits, against its own start and the best.

Writes what `ganarena list variants` shows as evidence: `python -m tests.benchmarks.gans_learning [NAME ...]`.
"""

import json
import subprocess
import sys
from pathlib import Path

import torch
from torch import Tensor

import gans

EVIDENCE = Path(gans.__file__).with_name("evidence.json")
RESULTS = Path(__file__).parent / "results" / "gans_learning.md"
COMMAND = "python -m tests.benchmarks.gans_learning"
REFERENCE = "tests/gans/test_reference.py"
SEEDS = (0, 1, 2)
SAMPLES = 2000
FACTOR = 40  # of the best variant's distance on the same data: nobody may be further

FAST = {"generator_lr": 1e-3, "discriminator_lr": 1e-3}
POINTS = {"ring8": FAST | {"batch": 64, "latent": 16}}
CHANGES = {  # the published rates are made for far longer trainings
    "wgan": {"generator_lr": 5e-4, "discriminator_lr": 5e-4, "batch": 64, "latent": 16, "constraint.limit": 0.1},
    "gan": {},
    "lsgan": POINTS["ring8"] | {"discriminator_lr": 2e-4},
    "sgan": POINTS["ring8"] | {"discriminator_lr": 2e-4},
    "bigan": POINTS["ring8"] | {"latent": 2},
    "infogan": POINTS["ring8"] | {"categories": 8},
    "dcgan": FAST | {"width": 16, "batch": 32},
    "sngan": FAST | {"width": 16, "batch": 32, "discriminator_steps": 2},
}
STEPS = {"ring8": 4000, "digits": 1500}


def energy_distance(ours: Tensor, theirs: Tensor) -> float:
    """2 E|x - y| - E|x - x'| - E|y - y'|: 0 only for equal laws (Szekely & Rizzo, 2013)."""
    ours, theirs = ours.flatten(1).double(), theirs.flatten(1).double()
    across = torch.cdist(ours, theirs, compute_mode="donot_use_mm_for_euclid_dist").mean()
    within = [torch.pdist(each).mean() for each in (ours, theirs)]
    return float(2 * across - within[0] - within[1])


def learned(name: str) -> dict[str, object]:
    """Distances before and after, and the agreement of labels where there are any."""
    data = gans.data.load("digits" if name in ("dcgan", "sngan") else "ring8")
    changes = CHANGES.get(name, POINTS["ring8"])
    variant = gans.variant(name, changes)
    final = data.split("final") if data.kind == "images" else data.split("final", SAMPLES)
    reals = final.samples / 127.5 - 1 if data.kind == "images" else final.samples

    steps = STEPS[data.name]
    start = next(iter(gans.train(variant, data, gans.Budget(steps=1, tick=1), SEEDS)))
    untrained = [energy_distance(replica.sample(SAMPLES), reals) for replica in start.replicas]
    *_, end = gans.train(variant, data, gans.Budget(steps=steps, tick=steps), SEEDS)
    trained = [energy_distance(replica.sample(SAMPLES), reals) for replica in end.replicas]
    found: dict[str, object] = {
        "data": data.name, "steps": steps, "changes": changes, "seeds": list(SEEDS),
        "untrained": [round(each, 4) for each in untrained], "trained": [round(each, 4) for each in trained],
    }  # fmt: skip
    agreement = [right for replica in end.replicas if (right := agreed(replica, data)) is not None]
    accuracy = [value for replica in end.replicas for key, value in replica.diagnostics.items() if "accuracy" in key]
    if agreement:
        found["agreement"] = round(min(agreement), 3)
    elif accuracy:
        found["accuracy"] = round(min(accuracy), 3)
    return found


def agreed(replica: gans.Replica, data: gans.data.Dataset) -> float | None:
    """The share of samples that lie nearest to the mode whose label they were asked for."""
    samples, labels = replica.sample_labelled(SAMPLES)
    if labels is None or data.modes is None:
        return None
    nearest = torch.cdist(samples, data.modes.centres).argmin(1)
    return float((nearest == labels).double().mean())


def sentence(found: dict[str, object]) -> str:
    after = max(found["trained"])  # type: ignore[call-overload]
    text = (
        f"learns {found['data']}: energy distance to held-out reals {min(found['untrained']):.3g} or more at step 1,"  # type: ignore[call-overload]
        f" {after:.3g} or less after {found['steps']} steps, seeds 0 to 2"
    )
    if "agreement" in found:
        text += f"; at least {found['agreement']:.0%} of the samples are of the class that was asked for"
    if "accuracy" in found:
        text += f"; the discriminator names at least {found['accuracy']:.0%} of the classes"
    return text


def main(names: list[str]) -> int:
    torch.set_num_threads(1)
    kept = json.loads(EVIDENCE.read_text()) if EVIDENCE.exists() else {}
    measured = {name: entry["learning"]["measured"] for name, entry in kept.items() if "learning" in entry}
    for name in names or [name for name in gans.VARIANTS if name != "gmm"]:
        measured[name] = learned(name)
        print(name, measured[name], flush=True)

    evidence, rows = {}, []
    for name in [name for name in gans.VARIANTS if name in measured]:
        found = measured[name]
        best = min(max(other["trained"]) for other in measured.values() if other["data"] == found["data"])
        worst = max(found["trained"])
        learns = worst < min(found["untrained"]) / 5 and worst <= FACTOR * best and found.get("agreement", 1) > 0.9
        rows.append(
            (name, found["data"], min(found["untrained"]), worst, worst / best, found.get("agreement", ""), learns)
        )
        if learns and matches(name):
            evidence[name] = {
                "reference": {
                    "finding": "a step of each player equals a plain one from the paper's formulas to 1e-9",
                    "command": f"pytest {REFERENCE} -k {name}",
                },
                "learning": {"finding": sentence(found), "command": f"{COMMAND} {name}", "measured": found},
            }
    EVIDENCE.write_text(json.dumps(evidence, indent=1) + "\n")
    table = [
        "| variant | data | untrained | trained | times the best | agreement | learns |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    table += [
        f"| {n} | {d} | {u:.3f} | {t:.4f} | {r:.1f} | {a} | {'yes' if ok else 'no'} |" for n, d, u, t, r, a, ok in rows
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        f"# Does every variant learn?\n\n`{COMMAND}`: the energy distance of {SAMPLES} samples to held-out reals, the"
        f" closest of three seeds at step 1 against the furthest after training. A variant learns when that has fallen"
        f" to a fifth, and is at most {FACTOR} times the best variant's on the same data.\n\n" + "\n".join(table) + "\n"
    )
    return 0


def matches(name: str) -> bool:
    """Whether the tests of its reference pass."""
    tests = [sys.executable, "-m", "pytest", "-q", REFERENCE, "-k", f"[{name}-"]
    return subprocess.run(tests, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
