"""How a training is computed, as opposed to what is computed: precision, memory layout, compilation, small bites."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from .configuration import ConfigError, whole

Precision = Literal["float32", "bf16", "fp16"]
_HALVES: dict[str, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Half precision for products (weights, losses and optimisers stay whole), and what saves time or memory.

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
        whole("engine.accumulate", self.accumulate)
        whole("engine.processes", self.processes)

    @property
    def scales(self) -> bool:
        """Whether slopes could underflow, so that losses are scaled up on the way back."""
        return self.precision == "fp16"

    def applied(self, network: nn.Module, device: torch.device) -> Callable[[Tensor], Tensor]:
        """`network` as this engine calls it; its answers come in the precision of its weights."""
        if self.channels_last:
            first = next((each for each in network.modules() if isinstance(each, nn.Conv2d | nn.ConvTranspose2d)), None)
            if first is not None:  # the layers behind it keep the layout that they are given
                first.register_forward_pre_hook(_channels_last)
        run: Callable[[Tensor], Tensor] = torch.compile(network) if self.compiled else network
        if self.precision == "float32":
            return run
        half = _HALVES[self.precision]

        def cast(samples: Tensor) -> Tensor:
            with torch.autocast(device.type, half):
                out = run(samples)
            return out.to(samples.dtype)

        return cast


def _channels_last(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:  # noqa: ARG001
    return tuple(each.contiguous(memory_format=torch.channels_last) for each in inputs)
