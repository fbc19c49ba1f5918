"""A recorded generator as a program of its own: torch.export or ONNX, read back and compared first."""

import logging
from collections.abc import Callable
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

import gans
from orchestrator.errors import RequestError, WorkError
from orchestrator.generators import load_generator
from orchestrator.home import Home
from orchestrator.review.naming import run_id
from orchestrator.unfinished import whole

TOLERANCE = 1e-4
"""How far a sample may lie from the original's: other kernels add up in another order."""
NEEDED_FOR_ONNX = ("onnx", "onnxscript", "onnxruntime")

Inputs = dict[str, Tensor]
Program = Callable[[Inputs], Tensor]


class Unconditional(nn.Module):
    """A generator as others expect one: latents `[N, latent]` to samples `[N, ...]`."""

    def __init__(self, generator: gans.sampling.Generator) -> None:
        super().__init__()
        self.network = deepcopy(generator.network)
        for tensor in (*self.network.parameters(), *self.network.buffers()):
            tensor.data = tensor.data.clone()  # those of the original are views of one row

    def forward(self, latents: Tensor) -> Tensor:
        """Draw."""
        samples: Tensor = self.network(latents.unsqueeze(0)).squeeze(0)
        return samples


class Labelled(nn.Module):
    """The same with a class for each sample, `[N]`."""

    def __init__(self, generator: gans.sampling.Generator) -> None:
        super().__init__()
        self.told = Unconditional(generator)
        self.classes = len(generator.shares)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Draw of these classes."""
        samples: Tensor = self.told(torch.cat([latents, one_hot(labels, self.classes).to(latents.dtype)], 1))
        return samples


class Coded(nn.Module):
    """The same with a code for each sample, `[N, codes]`, as an InfoGAN is told."""

    def __init__(self, generator: gans.sampling.Generator) -> None:
        super().__init__()
        self.told = Unconditional(generator)

    def forward(self, latents: Tensor, codes: Tensor) -> Tensor:
        """Draw with these codes."""
        samples: Tensor = self.told(torch.cat([latents, codes], 1))
        return samples


def export(home: Home, run: str, output: Path) -> dict[str, Any]:
    """Write the generator of a run as a `.pt2` or `.onnx` file; return what the file takes and gives."""
    write = writer(output)
    meant = run_id(home, run)
    generator = load_generator(meant, home.path)
    difference = exported(generator, output, write)
    shapes = {name: ["N", *value.shape[1:]] for name, value in inputs(generator, 2).items()}
    return {
        "run_id": meant,
        "file": str(output),
        "inputs": shapes,
        "output": ["N", *generator.shape],
        "difference": difference,
    }


def exported(generator: gans.sampling.Generator, output: Path, write: "Writer | None" = None) -> float:
    """Write a generator, read it back, and return by how much its samples differ; the file is kept if they agree."""
    drawn = inputs(generator, 2)
    module = (Labelled if "labels" in drawn else Coded if "codes" in drawn else Unconditional)(generator).eval()
    with whole(output) as unfinished:
        program = (write or writer(output))(module, drawn, unfinished)
        given = inputs(generator, 5, seed=1)  # of another count: the batch is free
        with torch.no_grad():
            difference = float((program(given) - module(**given)).abs().max())
        if not difference <= TOLERANCE:
            raise WorkError(f"{output}: the exported generator differs by {difference:.2g}; nothing is kept of it")
    return difference


def inputs(generator: gans.sampling.Generator, count: int, seed: int = 0) -> Inputs:
    """Return what the exported generator takes, drawn: latents, and labels or codes where it is told any."""
    random = torch.Generator().manual_seed(seed)
    found = {"latents": torch.randn(count, generator.latent, generator=random)}
    told = generator.structure.draw(count, torch.tensor(generator.shares), random)
    if generator.labelled:
        found["labels"] = told.argmax(1)
    elif told.shape[1]:
        found["codes"] = told.float()
    return found


Writer = Callable[[nn.Module, Inputs, Path], Program]


def writer(output: Path) -> Writer:
    """Return the way of writing that the suffix asks for."""
    if output.suffix not in WRITERS:
        raise RequestError(f"{output}: expected a file that ends in {' or '.join(WRITERS)}")
    if not output.absolute().parent.is_dir():
        raise RequestError(f"{output}: there is no folder {output.absolute().parent}; make it first")
    missing = [name for name in NEEDED_FOR_ONNX if output.suffix == ".onnx" and find_spec(name) is None]
    if missing:
        raise RequestError(f"{output}: {missing[0]} is not installed; pip install 'ganarena[onnx]', or write a .pt2")
    return WRITERS[output.suffix]


def _torch_export(module: nn.Module, example: Inputs, path: Path) -> Program:
    program = torch.export.export(module, (), kwargs=example, dynamic_shapes=_free(example))
    torch.export.save(program, path)
    loaded = torch.export.load(path).module()
    return lambda given: loaded(**given)


def _onnx(module: nn.Module, example: Inputs, path: Path) -> Program:
    import onnxruntime

    for chatty in ("onnx_ir", "onnxscript"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    program = torch.onnx.export(
        module,
        kwargs=example,
        dynamic_shapes=_free(example),
        input_names=list(example),
        output_names=["samples"],
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # noqa: S101  (dynamo=True returns it)
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda given: torch.from_numpy(session.run(None, {name: value.numpy() for name, value in given.items()})[0])


def _free(example: Inputs) -> dict[str, Any]:
    """Let the number of samples be any."""
    return {name: {0: torch.export.Dim.DYNAMIC} for name in example}


WRITERS: dict[str, Writer] = {".pt2": _torch_export, ".onnx": _onnx}
