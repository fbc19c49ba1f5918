"""How torch compiles a step: its products are loops in the step's own C++, wherever torch has such loops for them."""

import logging
import platform
from collections.abc import Callable
from functools import cache
from typing import Any

import torch

# torch's loops are twice as fast as its library where that does not know the processor (on an AMD EPYC 228 GFLOP/s, MKL
# has 94); but g++ writes their sums to memory at every turn unless it is told not to look for patterns.
_MACHINE = "native -fno-tree-loop-distribute-patterns"


def one_function(function: Callable[..., Any], device: torch.device, *, halves: bool = False) -> Callable[..., Any]:
    """`function`, compiled when it is first called; `halves`: it multiplies in half precision."""
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # it tells whoever has no GPU so
    config = torch._dynamo.config
    config.trace_autograd_ops = True  # a step finds its slopes itself
    config.recompile_limit = max(config.recompile_limit, 256)  # one for every variant that a process meets
    options: dict[str, Any] = {"cpp_wrapper": True} if device.type == "cpu" else {}  # calls cost as much as products
    if device.type == "cpu" and platform.machine() == "x86_64" and not halves:
        _prefer_loops()
        options |= {"max_autotune_gemm": True, "max_autotune_gemm_backends": "CPP,ATEN", "cpp.march": _MACHINE}
    return torch.compile(function, fullgraph=True, dynamic=False, options=options)


@cache  # once is enough: torch keeps it
def _prefer_loops() -> None:
    """Have torch take its loops for our products, not what its stopwatch likes: bits must not hang on that."""
    from torch._inductor import config  # takes seconds, which only who compiles has to spend
    from torch._inductor.select_algorithm import ExternKernelCaller, add_preprocessing_fn

    def chosen(choices: list[Any]) -> list[Any]:
        if config.cpp.march != _MACHINE:  # somebody else's function
            return choices
        return sorted(choices, key=lambda each: isinstance(each, ExternKernelCaller))[:1]

    add_preprocessing_fn(chosen)
