"""Files that are whole or absent, and that load without running code: safetensors with a JSON description inside."""

import json
import os
from pathlib import Path
from typing import Any

from torch import Tensor

from .configuration import ConfigError


def write(path: Path, tensors: dict[str, Tensor], description: dict[str, Any]) -> None:
    """One file, written under a temporary name and renamed, so that a crash leaves the old one or the new one."""
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    replace(path, save(plain, metadata={"description": json.dumps(description, sort_keys=True)}))


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the description of a file from `write`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            description = json.loads((file.metadata() or {})["description"])
            return {name: file.get_tensor(name) for name in file.keys()}, description  # noqa: SIM118
    except FileNotFoundError:
        raise ConfigError(f"{path} was expected to hold a saved state, but there is no such file") from None
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ConfigError(f"{path} is not a state saved by this program, or it is damaged ({error})") from error


def replace(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one move."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
