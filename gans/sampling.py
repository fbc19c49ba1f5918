"""Drawing from a generator, out of a running training or out of a file, without moving any training stream."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .checkpoint import read, replace, write
from .configuration import ConfigError, describe
from .networks import Modes, Networks, bind, rebuilt
from .streams import Device, generator, seeded

_CHUNK = 500  # samples at a time: bounded memory for any number of them
_FORMAT = 1


class Generator:
    """A generator ready to be sampled: its batch norms use what they remember, so no sample depends on its batch."""

    def __init__(
        self, networks: Networks, shape: tuple[int, ...], latent: int, *,
        weights: Tensor, statistics: Tensor, averaged: bool,
    ) -> None:  # fmt: skip
        self.networks, self.shape, self.latent, self.averaged = networks, shape, latent, averaged
        with seeded(0, "sampling"):
            self.network = networks.generator(shape, latent).to(device=weights.device, dtype=weights.dtype).eval()
        self.modes = Modes(self.network)
        self.modes.set("running")
        self.show(weights, statistics)

    def show(self, weights: Tensor, statistics: Tensor) -> None:
        """Look through these rows from now on: `[1, P]` and `[1, S]`."""
        self.weights, self.statistics = weights, statistics
        bind(self.network, weights, statistics)

    @property
    def state(self) -> dict[str, str | None]:
        """What a score of these samples depends on, beside the weights."""
        return {
            "weights": "averaged" if self.averaged else "raw",
            "batch_norm": "running" if self.modes.norms else "none",
            "truncation": None,
            "labels": None,
        }

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """`n` samples, `[n, ...]`: images from -1 to 1, points as they are; the same ones for the same seed."""
        return self.draw(n, generator(seed, "sample", device=self.weights.device))

    @torch.no_grad()
    def draw(self, n: int, random: torch.Generator) -> Tensor:
        """`n` samples from the generator `random`."""
        latents = torch.randn(n, self.latent, generator=random, device=random.device).to(self.weights.dtype)
        return torch.cat([self.network(part.unsqueeze(0)).squeeze(0) for part in torch.split(latents, _CHUNK)]).float()

    def save(self, folder: Path, **about: Any) -> None:
        """`generator.safetensors`, and `generator.json` with all that is needed to rebuild it, and `about` it."""
        description = {
            "format": _FORMAT,
            "networks": describe(self.networks),
            "shape": list(self.shape),
            "latent": self.latent,
            "state": self.state,
            **about,
        }
        write(folder / "generator.safetensors", {"weights": self.weights, "statistics": self.statistics}, description)
        replace(folder / "generator.json", json.dumps(description, indent=2, sort_keys=True).encode())


def load_generator(folder: Path, *, networks: Networks | None = None, device: Device = "cpu") -> Generator:
    """The generator that `Replica.save_generator` wrote; somebody's own builder must be given: no code is loaded."""
    tensors, description = read(Path(folder) / "generator.safetensors")
    if description.get("format") != _FORMAT:
        raise ConfigError(f"{folder} holds a generator of format {description.get('format')!r}; this reads {_FORMAT}")
    return Generator(
        networks if networks is not None else rebuilt(description["networks"]),
        tuple(description["shape"]), description["latent"],
        weights=tensors["weights"].to(device), statistics=tensors["statistics"].to(device),
        averaged=description["state"]["weights"] == "averaged",
    )  # fmt: skip
