"""What turns round on the grid, coverage or sharpness? `python -m tests.benchmarks.gans_paired` reads recorded rows.

The rows are those of `ganarena study experiments/paired.yaml`; nothing is trained here.
"""

import sys
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parents[2] / "experiments" / "results" / "paired"
SHOWN = {
    "modes": "modes with a valid sample",
    "modes_1pct": "modes with 1 % of all samples",
    "high_quality": "share of valid samples",
    "mode_tv": "unevenness of all samples",
    "mode_tv_valid": "unevenness of valid samples",
}


def main() -> int:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = pd.read_csv(FOLDER / "rows.csv")
    rows = rows[(rows.split == "select") & rows.metric.isin(SHOWN)]
    seeds = rows.groupby(["data", "step", "variant", "metric"]).value.agg(["mean", "std"]).unstack("metric")
    for (data, step, variant), found in seeds.iterrows():
        if step in (10_000, 50_000):
            told = " ".join(f"{name} {found['mean', name]:.3f}+-{found['std', name]:.3f}" for name in SHOWN)
            print(f"{data} {step:,} {variant}: {told}")

    figure, axes = pyplot.subplots(2, len(SHOWN), figsize=(15, 5), sharex=True)
    for data, line in zip(("ring8", "grid25"), axes, strict=True):
        for (name, title), panel in zip(SHOWN.items(), line, strict=True):
            part = rows[(rows.data == data) & (rows.metric == name)].pivot(
                index="step", columns=["variant", "seed"], values="value"
            )
            for variant, colour in (("gan", "C0"), ("pacgan", "C1")):
                panel.plot(part[variant], color=colour, alpha=0.25, linewidth=0.7)
                panel.plot(part[variant].mean(axis=1), color=colour, label=variant)
            panel.set_title(f"{data}: {title}", fontsize=8)
            panel.set_ylim(bottom=0)
    axes[0, 0].legend(frameon=False, fontsize=8)
    for panel in axes[1]:
        panel.set(xlabel="steps", xticks=[0, 25_000, 50_000])
    figure.tight_layout()
    figure.savefig(FOLDER / "paired.png", dpi=100, metadata={"Software": None})
    print(FOLDER / "paired.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
