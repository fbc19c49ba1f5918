"""Commands that judge and draw: evaluate, sample."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import SEED, Names, NewFile, common, computing, print_json, trusting
from orchestrator.home import Home

if TYPE_CHECKING:
    from rich.progress import Progress


@click.command()
@click.option(
    "--real", required=True, metavar="SRC", help="Dataset name, image folder, .npz (perhaps with labels), .npy or .pt."
)
@click.option("--fake", required=True, metavar="SRC", help="The same; what is judged.")
@click.option("--extractor", metavar="X", help="Feature space; default identity for features, inception for images.")
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The extractor's weights.",
)
@click.option("--metrics", type=Names(), default="fd", show_default=True, help="Metric families.")
@click.option("--samples", type=click.IntRange(min=2), metavar="N", help="Take N of each side; default all.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Which N are taken.")
@click.option("--range", "pixels", type=click.Choice(["0..1", "-1..1"]), help="Range of floating-point images.")
@click.option("--download", is_flag=True, help="Fetch the extractor's weights where they are missing.")
@click.option("--check", is_flag=True, help="Also run torchmetrics' own classes and print the difference.")
@trusting
@computing
@common
def evaluate(
    home: Home,
    as_json: bool,
    quiet: bool,
    device: str,
    real: str,
    fake: str,
    extractor: str | None,
    weights: Path | None,
    metrics: list[str],
    samples: int | None,
    seed: int,
    pixels: str | None,
    download: bool,
    check: bool,
    trust_code: bool,
) -> None:
    """Score samples from anywhere. E.g. `ganarena evaluate --real mnist5k --fake samples.npz --extractor lenet`."""
    from rich.text import Text

    from orchestrator.cli.tables import scores_table, show
    from orchestrator.evaluating.judgement import judge
    from orchestrator.machine import chosen_device

    with _bars(quiet) as progress:
        document = judge(
            real,
            fake,
            extractor=extractor,
            weights=weights,
            metrics=metrics,
            samples=samples,
            seed=seed,
            pixels=pixels,
            download=download,
            check=check,
            trust_code=trust_code,
            cache=home.cache,
            device=chosen_device(device),
            progress=progress,
        )
    if as_json:
        print_json(document)
        return
    protocol = document["protocol"]
    beside = f"{protocol['generated']:,} samples against {protocol['reals']:,} reals"
    beside += f", {protocol['extractor']['name']} features"
    show(scores_table(document["scores"], document["floors"]), Text(beside, style="dim"))
    for key, difference in document.get("check", {}).items():
        click.echo(
            f"{key}: torchmetrics gives {difference['torchmetrics']:.6g}, difference {difference['difference']:.2g}"
        )


@click.command()
@click.argument("run")
@click.option(
    "-n", "count", type=click.IntRange(1, 10_000_000), default=64, show_default=True, help="How many samples."
)
@click.option("-o", "--output", required=True, type=NewFile(), help="A .png, .npz or .npy file.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@common
def sample(home: Home, as_json: bool, quiet: bool, run: str, count: int, output: Path, seed: int) -> None:
    """Draw from a recorded generator. E.g. `ganarena sample demo/4 -o samples.png`.

    RUN is an id, the beginning of one, EXPERIMENT/INDEX, or a registered generator such as models:/demo@champion.
    """
    from orchestrator.sampling import sample as draw

    with _bars(quiet) as progress:
        task = progress.add_task("samples", total=count)
        document = draw(home, run, count, output, seed, on_batch=lambda drawn: progress.advance(task, drawn))
    if as_json:
        print_json(document)
    else:
        click.echo(f"{count} samples of run {document['run_id']}: {document['file']}")


def _bars(quiet: bool) -> "Progress":
    """Return bars for long work, which only a terminal is shown, and which leave nothing behind."""
    from rich.console import Console
    from rich.progress import Progress

    return Progress(console=Console(stderr=True), transient=True, disable=quiet or not sys.stderr.isatty())


COMMANDS = (evaluate, sample)
