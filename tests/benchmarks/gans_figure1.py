"""Figure 1 of the first paper, from one experiment file: `python -m tests.benchmarks.gans_figure1 [FILE]`.

Data density, generator density and discriminator on the line as training proceeds, a panel at each of four ticks.
"""

import sys
from pathlib import Path

import torch
from ruamel.yaml import YAML
from torch import Tensor

import gans

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def density(samples: Tensor, x: Tensor, bandwidth: float = 0.08) -> Tensor:
    """Of the law behind samples `[N, 1]`, by a Gaussian kernel."""
    return torch.exp(-(((x - samples.T) / bandwidth) ** 2) / 2).mean(1) / (bandwidth * (2 * torch.pi) ** 0.5)


def main(file: Path) -> int:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    torch.set_num_threads(1)
    plan = YAML(typ="safe").load(file)
    data = gans.data.load(plan["data"])
    made = gans.variant(plan["variant"], plan["hyperparameters"])
    ticks = list(range(plan["budget"]["tick"], plan["budget"]["steps"] + 1, plan["budget"]["tick"]))
    drawn = [ticks[round(place * (len(ticks) - 1) / 3)] for place in range(4)]
    x = torch.linspace(0, 6, 301).unsqueeze(1)
    real = density(data.split("final").samples, x)

    figure, axes = pyplot.subplots(1, 4, figsize=(12, 2.8), sharey=True)
    panels = iter(axes)
    for progress in gans.train(made, data, gans.Budget(**plan["budget"]), plan["seeds"]):
        if progress.step not in drawn:
            continue
        replica, panel = progress.replicas[0], next(panels)
        panel.plot(x, real, "k:", label="data")
        panel.plot(x, density(replica.sample(5000), x), "g-", label="generator")
        panel.plot(x, replica.logits(x).sigmoid(), "b--", label="discriminator")
        panel.axhline(0.5, color="0.85", zorder=0)
        panel.set(title=f"step {progress.step:,}", xlabel="x")
    axes[0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / "gans_figure1.png", dpi=110, metadata={"Software": None})
    print(RESULTS / "gans_figure1.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(*sys.argv[1:]) if sys.argv[1:] else HERE.parents[1] / "experiments" / "figure1.yaml"))
