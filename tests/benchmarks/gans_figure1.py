"""Figure 1 of the first paper, from one experiment file: `python -m tests.benchmarks.gans_figure1 [FILE]`.

Data density, generator density and discriminator on the line as training proceeds, a panel at each of four ticks; and
beside them the parallel lines of Arjovsky et al. (2017), where only one of two distances says how far it is.
"""

import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from ruamel.yaml import YAML
from torch import Tensor, nn

import gans
from gans.data import Split, Synthetic
from gans.networks import Perceptrons
from gans.schedules import Cosine

HERE = Path(__file__).parent
RESULTS = HERE / "results"
DISTANCES = (0.05, 0.25, 0.5, 0.75, 1.0)
IMAGES = 60_000  # that a discriminator, or a critic, is given to tell two lines apart


def density(samples: Tensor, x: Tensor, bandwidth: float = 0.08) -> Tensor:
    """Of the law behind samples `[N, 1]`, by a Gaussian kernel."""
    return torch.exp(-(((x - samples.T) / bandwidth) ** 2) / 2).mean(1) / (bandwidth * (2 * torch.pi) ** 0.5)


@dataclass(frozen=True)
class Line:
    """The points (0, z), with a normal z."""

    dimensions: int = 2
    modes: None = None

    def draw(self, count: int, random: torch.Generator) -> Split:
        z = torch.randn(count, generator=random)
        return Split(torch.stack([torch.zeros_like(z), z], 1))


class Shift(nn.Module):
    """The points (distance, z)."""

    def __init__(self, distance: float) -> None:
        super().__init__()
        self.distance = nn.Parameter(torch.full((1, 1, 1), distance))

    def forward(self, z: Tensor) -> Tensor:
        return torch.cat([self.distance.expand_as(z), z], 2)


@dataclass(frozen=True, kw_only=True)
class Beside(Perceptrons):
    """A perceptron against a generator that draws the line at this distance."""

    distance: float

    def generator(self, shape: tuple[int, ...], latent: int, replicas: int = 1) -> nn.Module:  # noqa: ARG002
        return Shift(self.distance)


def told_apart(name: str, distance: float) -> dict[str, float]:
    """What variant `name` says of two lines at this distance when its discriminator alone has learned."""
    changes = {"batch": 128, "latent": 1, "generator_lr": 1e-30, "discriminator_lr": 5e-3, "discriminator_steps": 1}
    networks, schedule = Beside(width=64, distance=distance), Cosine(images=IMAGES)
    made = replace(gans.variant(name, changes), networks=networks, schedule=schedule)
    data = Synthetic(name="line", law=Line())
    *_, last = gans.train(made, data, gans.Budget(images=IMAGES, tick=IMAGES))
    return last.replicas[0].diagnostics


def main(file: Path) -> int:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    torch.set_num_threads(1)
    plan = YAML(typ="safe").load(file)
    data = gans.data.load(plan["data"])
    made = gans.variant(plan["variant"], plan["hyperparameters"])
    ticks = made_ticks(gans.Budget(**plan["budget"]), made)
    x = torch.linspace(0, 6, 301).unsqueeze(1)
    real = density(data.split("final").samples, x)

    figure, axes = pyplot.subplots(1, 5, figsize=(15, 2.8))
    panels = iter(axes)
    for progress in gans.train(made, data, gans.Budget(**plan["budget"]), plan["seeds"]):
        if progress.step not in ticks:
            continue
        replica, panel = progress.replicas[0], next(panels)
        drawn = density(replica.sample(10_000), x)
        panel.plot(x, real, "k:", label="data")
        panel.plot(x, drawn, "g-", label="generator")
        panel.plot(x, replica.logits(x).sigmoid(), "b--", label="discriminator")
        panel.plot(x, real / (real + drawn + 1e-6), color="b", alpha=0.25, zorder=0, label="p / (p + q)")
        panel.set(title=f"step {progress.step:,}", xlabel="x", ylim=(0, 1.25))
    axes[0].legend(frameon=False, fontsize=7, loc="upper left")

    lines = [(told_apart("gan", d), told_apart("wgan_gp", d)) for d in DISTANCES]
    shannon = [parted["value_above_equilibrium"] / 2 for parted, _ in lines]
    wasserstein = [critic["wasserstein_estimate"] for _, critic in lines]
    axes[4].plot(DISTANCES, shannon, "o-", label="Jensen-Shannon, by gan")
    axes[4].plot(DISTANCES, wasserstein, "s-", label="Wasserstein, by wgan_gp")
    axes[4].axhline(math.log(2), color="0.85", zorder=0)
    axes[4].plot([0, 1], [0, 1], color="0.85", zorder=0)
    axes[4].set(title="two parallel lines", xlabel="distance", ylim=(0, 1.25))
    axes[4].legend(frameon=False, fontsize=7, loc="upper left")
    for name, values in (("Jensen-Shannon", shannon), ("Wasserstein", wasserstein)):
        print(name, " ".join(f"{distance}: {value:.3f}" for distance, value in zip(DISTANCES, values, strict=True)))
    figure.tight_layout()
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / "gans_figure1.png", dpi=110, metadata={"Software": None})
    print(RESULTS / "gans_figure1.png")
    return 0


def made_ticks(budget: gans.Budget, variant: gans.Variant) -> list[int]:
    """Four ticks, early ones closer together: most happens at first."""
    ticks = budget.ticks(variant)
    return [ticks[round((len(ticks) - 1) * share)] for share in (0, 0.1, 0.35, 1)]


if __name__ == "__main__":
    sys.exit(main(Path(*sys.argv[1:]) if sys.argv[1:] else HERE.parents[1] / "experiments" / "figure1.yaml"))
