"""How torch compiles a step: its products are loops in the step's own C++, wherever torch has such loops for them."""

import logging
import platform
from collections.abc import Callable
from typing import Any

import torch

# g++ writes the sums of torch's loops to memory at every turn unless it is told not to look for patterns.
_FLAG = "-fno-tree-loop-distribute-patterns"


def makes_loops(device: torch.device, *, halves: bool) -> bool:
    """Whether products are loops there; with `halves`, in half precision, they stay with torch's library.

    On an AMD EPYC they are twice as fast as the library, which does not know that processor (228 GFLOP/s against 94).
    Older versions of torch do not take the flag that this needs.
    """
    known = hasattr(torch._inductor.config.cpp, "march")
    return device.type == "cpu" and platform.machine() == "x86_64" and known and not halves


def one_function(function: Callable[..., Any], device: torch.device, *, loops: bool) -> Callable[..., Any]:
    """`function`, compiled when it is first called."""
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # it tells whoever has no GPU so
    config = torch._dynamo.config
    config.trace_autograd_ops = True  # a step finds its slopes itself
    config.recompile_limit = max(config.recompile_limit, 256)  # one for every variant that a process meets
    options: dict[str, Any] = {"cpp_wrapper": True} if device.type == "cpu" else {}  # calls cost as much as products
    if loops:
        _prefer_loops()
        march = f"{torch._inductor.config.cpp.march or 'native'} {_FLAG}"
        options |= {"max_autotune_gemm": True, "max_autotune_gemm_backends": "CPP,ATEN", "cpp.march": march}
    return torch.compile(function, fullgraph=True, dynamic=False, options=options)


def _prefer_loops() -> None:
    from torch._inductor.select_algorithm import (  # takes seconds, which only who compiles has to spend
        add_preprocessing_fn,
        get_algorithm_selector_cache,
    )

    if _loops_first not in get_algorithm_selector_cache().preprocessing_fns:
        add_preprocessing_fn(_loops_first)


def _loops_first(choices: list[Any]) -> list[Any]:
    """Of the ways to multiply a loop, if there is one, and none by torch's stopwatch: bits must not hang on it."""
    from torch._inductor.select_algorithm import ExternKernelCaller

    if _FLAG not in (torch._inductor.config.cpp.march or ""):  # somebody else's function
        return choices
    return sorted(choices, key=lambda each: isinstance(each, ExternKernelCaller))[:1]
