"""How a training is computed, as opposed to what is computed: precision, memory layout, compilation, small bites."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from .configuration import ConfigError, whole
from .variants import Variant

Network = Callable[[Tensor], Tensor]
Precision = Literal["float32", "bf16", "fp16"]
_HALVES: dict[str, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Half precision for products (weights, losses and optimisers stay whole), and what saves time or memory.

    `compiled` makes one function of a step, for which the first takes half a minute. On a processor a small perceptron
    takes a third of the time then, sixteen half of it (numbers that divide well: eleven go one by one),
    convolutions as long (`tests/benchmarks/results/gans_speed.md`).
    `accumulate` cuts every batch into so many parts that are looked at one after the other; batch norms see parts.
    `processes` share every batch: so many, in a group that torch.distributed knows, all train the same replicas.
    """

    precision: Precision = "float32"
    channels_last: bool = False
    compiled: bool = False
    accumulate: int = 1
    processes: int = 1

    def __post_init__(self) -> None:
        if self.precision not in ("float32", *_HALVES):
            raise ConfigError(f"engine.precision must be float32, bf16 or fp16, but {self.precision!r} came")
        for name in ("channels_last", "compiled"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"engine.{name} must be True or False, but {getattr(self, name)!r} came")
        whole("engine.accumulate", self.accumulate)
        whole("engine.processes", self.processes)
        if self.compiled and (self.accumulate > 1 or self.processes > 1 or self.scales):
            raise ConfigError(
                "engine.compiled makes one function of a whole step, but accumulate, processes and fp16 cut into it;"
                " leave them at 1, 1, and float32 or bf16"
            )

    @property
    def scales(self) -> bool:
        """Whether slopes could underflow, so that losses are scaled up on the way back."""
        return self.precision == "fp16"

    def misfit(self, variant: Variant) -> str | None:
        """Why it cannot drive this variant, or None."""
        parts = self.accumulate * self.processes
        if variant.batch % (parts * variant.packing):
            return f"a batch of {variant.batch} cannot be cut into {parts} parts; take a multiple"
        if self.compiled and not all(hasattr(variant.optimiser, name) for name in ("at", "move")):
            return (
                f"{variant.name} cannot be compiled: {variant.optimiser} is no formula (`at`, `move`); run it as it is"
            )
        if self.compiled and variant.penalty is not None:
            return f"{variant.name} cannot be compiled: {variant.penalty} takes slopes of slopes; run it as it is"
        return None

    def check(self, device: torch.device | str) -> None:
        """Refuse a device on which it cannot compute."""
        if self.compiled:
            _check_compiler(torch.device(device))

    def applied(self, network: nn.Module, device: torch.device) -> Network:
        """`network` as this engine calls it; its answers come in the precision of its weights."""
        return self.cast(self.laid_out(network), device)

    def laid_out(self, network: nn.Module) -> nn.Module:
        """`network`, whose images lie in memory as this engine wants them."""
        if self.channels_last:
            first = next((each for each in network.modules() if isinstance(each, nn.Conv2d | nn.ConvTranspose2d)), None)
            if first is not None:  # the layers behind it keep the layout that they are given
                first.register_forward_pre_hook(_channels_last)
        return network

    def cast(self, run: Network, device: torch.device) -> Network:
        """`run` in this engine's precision."""
        if self.precision == "float32":
            return run
        half = _HALVES[self.precision]

        def cast(samples: Tensor) -> Tensor:
            with torch.autocast(device.type, half):
                out = run(samples)
            return out.to(samples.dtype)

        return cast


def _check_compiler(device: torch.device) -> None:
    """Refuse to compile where torch cannot."""
    if not hasattr(torch._dynamo.config, "trace_autograd_ops"):
        raise ConfigError(f"engine.compiled needs a newer torch than {torch.__version__}; upgrade it, or run as it is")
    wanted = os.environ.get("CXX", "g++")
    if device.type == "cpu" and shutil.which(wanted) is None:
        raise ConfigError(
            f"engine.compiled needs a C++ compiler, but {wanted} is not installed; install it, or run as it is"
        )


def _channels_last(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:  # noqa: ARG001
    return tuple(each.contiguous(memory_format=torch.channels_last) for each in inputs)
