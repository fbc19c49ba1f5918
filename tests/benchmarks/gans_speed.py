"""How fast is a step, against the plain loop that one would write by hand? `python -m tests.benchmarks.gans_speed`.

Both train the same networks on one thread with the same data, losses and optimiser; they take turns within one run, CPU
seconds are counted, and the median of the rounds' ratios is shown.
"""

import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

import gans
from gans.compiling import makes_loops, one_function
from gans.data import Dataset, Finite, Split, load
from gans.replicas import Stack

RESULTS = Path(__file__).parent / "results" / "gans_speed.md"
ROUNDS = 9
Step = Callable[[], object]


def pictures(size: int = 28) -> Dataset:
    random = torch.Generator().manual_seed(0)
    split = Split(torch.randint(0, 256, (3000, 1, size, size), generator=random, dtype=torch.uint8))
    return Finite(name="pictures", splits=dict.fromkeys(("train", "select", "final"), split))


def dense(*widths: int) -> nn.Module:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def dcgan(width: int = 32, latent: int = 64) -> tuple[nn.Module, nn.Module]:
    wide = 2 * width
    generator = nn.Sequential(
        nn.Linear(latent, wide * 49, bias=False), nn.Unflatten(1, (wide, 7, 7)),
        nn.BatchNorm2d(wide), nn.ReLU(), nn.ConvTranspose2d(wide, width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(width), nn.ReLU(), nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, wide, 4, 2, 1, bias=False),
        nn.BatchNorm2d(wide), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(wide * 49, 1),
    )  # fmt: skip
    return generator, discriminator


def plain(generator: nn.Module, discriminator: nn.Module, draw: Callable[[], torch.Tensor], latent: int) -> Step:
    """The loop of every tutorial: two optimisers, two backward passes."""
    g_rule = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
    d_rule = torch.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999))

    def step() -> None:
        real = draw()
        fake = generator(torch.randn(len(real), latent))
        real_logits, fake_logits = discriminator(real), discriminator(fake.detach())
        loss = cross_entropy(real_logits, torch.ones_like(real_logits))
        loss = loss + cross_entropy(fake_logits, torch.zeros_like(fake_logits))
        d_rule.zero_grad()
        loss.backward()
        d_rule.step()
        logits = discriminator(fake)
        loss = cross_entropy(logits, torch.ones_like(logits))
        g_rule.zero_grad()
        loss.backward()
        g_rule.step()

    return step


def points(batch: int) -> Callable[[], torch.Tensor]:
    centres = load("ring8").modes.centres  # type: ignore[union-attr]
    return lambda: centres[torch.randint(8, (batch,))] + 0.1 * torch.randn(batch, 2)


def images(data: Dataset, batch: int) -> Callable[[], torch.Tensor]:
    samples = data.split("train").samples
    return lambda: samples[torch.randint(len(samples), (batch,))].float() / 127.5 - 1


def ours(name: str, data: Dataset, batch: int, replicas: int = 1, *, compiled: bool = False) -> Step:
    variant = gans.variant(name, {"batch": batch})
    return Stack([variant] * replicas, data, tuple(range(replicas)), engine=gans.Engine(compiled=compiled)).advance


def seconds(step: Step, steps: int) -> float:
    start = time.process_time()
    for _ in range(steps):
        step()
    return (time.process_time() - start) / steps


def compared(theirs: Step, mine: Sequence[Step], steps: tuple[int, int]) -> tuple[float, list[tuple[float, float]]]:
    """CPU seconds of one step of theirs; those of each of ours, and the median ratio theirs / ours; all in turns."""
    loops = [(theirs, steps[0]), *((each, steps[1]) for each in mine)]
    for step, count in loops:
        seconds(step, max(3, count // 5))
    rounds = [[seconds(step, count) for step, count in loops] for _ in range(ROUNDS)]
    plain_loop, *ours = map(list, zip(*rounds, strict=True))
    ratios = [statistics.median(t / m for t, m in zip(plain_loop, each, strict=True)) for each in ours]
    return statistics.median(plain_loop), list(zip(map(statistics.median, ours), ratios, strict=True))


def product_rate(replicas: int, batch: int) -> float:
    """GFLOP/s of the product that dominates a step, on its own, by torch's library or its compiler, what is faster."""
    left, right = torch.randn(replicas, 2 * batch, 128), torch.randn(replicas, 128, 128)
    out = torch.empty(replicas, 2 * batch, 128)
    compiled = one_function(torch.bmm, left.device, loops=makes_loops(left.device, halves=False))
    compiled(left, right)
    ways: list[Step] = [lambda: torch.bmm(left, right, out=out), lambda: compiled(left, right)]
    taken = min(seconds(way, 30) for _ in range(5) for way in ways)
    return 2 * replicas * 2 * batch * 128 * 128 / taken / 1e9


def flops(batch: int) -> float:
    """Of the products of one step of one replica of the 2x128 perceptrons, latent 16: forwards and both ways back."""
    generator, discriminator = 16 * 128 + 128 * 128 + 128 * 2, 2 * 128 + 128 * 128 + 128
    back = generator - 16 * 128  # the first layer's input needs no slope
    game = generator + generator + back  # forward, slopes of weights, slopes of inputs
    judged = 2 * (3 * discriminator - 2 * 128) + 2 * discriminator  # reals and fakes, and once more for the generator
    return 2 * batch * (game + judged)


KINDS = {
    "products": ("aten::bmm", "aten::baddbmm", "aten::mul"),
    "Adam": ("aten::_fused_adam_",),
    "rectifiers and sums": ("aten::leaky_relu_", "aten::leaky_relu_backward", "aten::sum"),
}


def profiled(step: Step, steps: int = 64) -> str:
    """Where the time of a step goes, by torch's profiler, which makes small calls look larger than they are."""
    step()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        seconds(step, steps)
    taken = {event.key: event.self_cpu_time_total for event in seen.key_averages()}
    whole = sum(taken.values())
    shares = {kind: sum(taken.get(name, 0) for name in names) / whole for kind, names in KINDS.items()}
    shares["all other calls"] = 1 - sum(shares.values())
    return ", ".join(f"{share:.0%} {kind}" for kind, share in shares.items())


def _together(taken: float, ratio: float, batch: int, replicas: int) -> str:
    share = replicas * flops(batch) / taken / 1e9 / product_rate(replicas, batch)
    return f"{replicas * ratio:.2f}x replica-steps per second, {share:.0%} of the product rate"


def main() -> int:
    torch.set_num_threads(1)
    ring, squares = load("ring8"), pictures()
    lines = ["| what | plain loop, ms | ours, ms | ratio | asked for |", "|---|--:|--:|--:|--:|"]

    def rows(what: str, loop: Step, asked: str, steps: tuple[int, int], name: str, data: Dataset, **about: int) -> None:
        """Ours as it is played, and compiled."""
        mine = [ours(name, data, **about, compiled=compiled) for compiled in (False, True)]
        theirs, found = compared(loop, mine, steps)
        for how, (taken, ratio) in zip(("", ", compiled"), found, strict=True):
            told = f"{1 / ratio:.2f}x the time" if "replicas" not in about else _together(taken, ratio, **about)
            lines.append(f"| {what}{how} | {1e3 * theirs:.3f} | {1e3 * taken:.3f} | {told} | {asked} |")
            print(lines[-1], flush=True)

    def perceptrons(batch: int) -> Step:
        return plain(dense(16, 128, 128, 2), dense(2, 128, 128, 1), points(batch), 16)

    rows("2x128 perceptrons, batch 64, one replica", perceptrons(64), "<= 1.05x", (200, 200), "gan", ring, batch=64)
    conv = plain(*dcgan(), images(squares, 64), 64)
    rows("DCGAN 28x28, batch 64, one replica", conv, "<= 1.05x", (5, 5), "dcgan", squares, batch=64)
    for batch, asked in ((64, ">= 4x"), (256, ">= 1.8x")):
        what = f"the same perceptrons, batch {batch}, 16 replicas"
        rows(what, perceptrons(batch), asked, (100, 30), "gan", ring, batch=batch, replicas=16)
    profile = f"A step of 16 replicas at batch 64, profiled: {profiled(ours('gan', ring, 64, 16))}."
    print(profile)
    RESULTS.parent.mkdir(exist_ok=True)
    note = RESULTS.read_text().partition("\n## ")[2] if RESULTS.exists() else ""
    environment = f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, one thread"
    text = "# Speed of a step\n\n"
    text += f"`python -m tests.benchmarks.gans_speed` ({environment}); CPU seconds, interleaved, {ROUNDS} rounds.\n\n"
    RESULTS.write_text(text + "\n".join(lines) + f"\n\n{profile}\n" + (f"\n## {note}" if note else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
