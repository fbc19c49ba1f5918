"""Weights from a file, and nothing else from it: no pickle is ever run."""

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from metrics.errors import WeightsError


def fill(module: nn.Module, path: Path) -> None:
    """Load the state of a safetensors file, or of a file of PyTorch's with `weights_only=True`."""
    try:
        module.load_state_dict(_read(path))
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} does not hold the weights of this network ({type(error).__name__})") from error


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            tensors: dict[str, Tensor] = load_file(path)
        except SafetensorError as error:
            raise ValueError(str(error)) from error
        return tensors
    found = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(found, dict):
        raise ValueError(f"it holds a {type(found).__name__}")
    return found
