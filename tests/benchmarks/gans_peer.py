"""A step of `sngan` against torch-mimicry's: `PYTHONPATH=FOLDER python -m tests.benchmarks.gans_peer`.

FOLDER holds torch-mimicry 0.1.16 (`pip install --no-deps --target FOLDER torch-mimicry`) with tensorboard, scikit-image
and lmdb. As it is published it stops at `import tensorflow` (its metrics) and, with torch 2, at "No module named
'torch._six'" (a download of ImageNet). Its networks and training steps need neither, so stand-ins take their places.
Both take five updates of the discriminator and one of the generator, CIFAR's shape, equal width, on one thread.
"""

import platform
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

import torch

import gans
from gans.data import Finite, Split
from gans.replicas import Stack
from tests.benchmarks.gans_speed import compared

RESULTS = Path(__file__).parent / "results" / "gans_peer.md"
WIDTH, BATCH, LATENT, TURNS = 32, 16, 128, 5


def theirs() -> tuple[Callable[[], None], int]:
    """A step as their trainer takes it, without its logging to disk; and the number of weights."""
    import torch.utils.tensorboard  # both before the stand-in, which they would take for the real one
    import torchvision  # noqa: F401

    sys.modules["tensorflow"] = sys.modules["torch._six"] = MagicMock()
    from torch_mimicry.nets.sngan import SNGANDiscriminator32, SNGANGenerator32
    from torch_mimicry.training.metric_log import MetricLog

    g, d = SNGANGenerator32(ngf=WIDTH, nz=LATENT), SNGANDiscriminator32(ndf=WIDTH)
    g_rule, d_rule = (torch.optim.Adam(each.parameters(), 2e-4, (0.0, 0.9)) for each in (g, d))
    images = data().split("train").samples

    def step() -> None:
        for _ in range(TURNS):
            real = images[torch.randint(len(images), (BATCH,))].float() / 127.5 - 1
            batch = (real, torch.zeros(BATCH))
            d.train_step(real_batch=batch, netG=g, optD=d_rule, log_data=MetricLog(), device=torch.device("cpu"))
        g.train_step(
            real_batch=batch, netD=d, optG=g_rule, log_data=MetricLog(), device=torch.device("cpu"), global_step=0
        )

    return step, sum(each.numel() for player in (g, d) for each in player.parameters())


def data() -> Finite:
    random = torch.Generator().manual_seed(0)
    split = Split(torch.randint(0, 256, (1000, 3, 32, 32), generator=random, dtype=torch.uint8))
    return Finite(name="colours", splits=dict.fromkeys(("train", "select", "final"), split))


def main() -> int:
    torch.set_num_threads(1)
    step, their_weights = theirs()
    made = gans.variant("sngan", {"width": WIDTH, "batch": BATCH, "latent": LATENT, "discriminator_steps": TURNS})
    stack = Stack([made], data(), (0,))
    weights = sum(player.weights.numel() for player in (stack.generator, stack.discriminator))
    slow, [(fast, ratio)] = compared(step, [stack.advance], (2, 2))
    line = f"| {their_weights:,} | {weights:,} | {1e3 * slow:.0f} | {1e3 * fast:.0f} | {1 / ratio:.2f}x the time |"
    about = f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, one thread"
    RESULTS.write_text(
        "# A step of `sngan` against torch-mimicry 0.1.16\n\n"
        f"`python -m tests.benchmarks.gans_peer` ({about}): CPU seconds, interleaved. Same widths, blocks and"
        " game; their\ndiscriminator has two blocks at 8x8, where ours halves once more and has one at 4x4.\n\n"
        "| their weights | our weights | theirs, ms | ours, ms | ratio |\n|--:|--:|--:|--:|--:|\n" + line + "\n"
    )
    print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
