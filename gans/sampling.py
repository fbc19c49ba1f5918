"""Drawing from a generator, out of a running training or out of a file, without moving any training stream."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from . import structures
from .checkpoint import read, replace, write
from .configuration import ConfigError, as_path, describe, whole
from .networks import Modes, Networks, bind, rebuilt, rows
from .streams import Device, generator, present, seeded
from .structures import Structure

_CHUNK = 500  # samples at a time: bounded memory for any number of them
_FORMAT = 1

OnBatch = Callable[[int], object]
"""Told after each part of many samples how many it held."""


class Generator:
    """A generator ready to be sampled: its batch norms use what they remember, so no sample depends on its batch."""

    def __init__(
        self, networks: Networks, structure: Structure, shape: tuple[int, ...], latent: int, *,
        shares: Sequence[float] = (), weights: Tensor, statistics: Tensor, averaged: bool,
    ) -> None:  # fmt: skip
        self.networks, self.structure, self.shape, self.latent = networks, structure, shape, latent
        self.shares, self.averaged = tuple(shares), averaged
        with seeded(0, "sampling"):
            network = networks.generator(shape, latent + structure.told(len(self.shares)))
        self.network = network.to(device=weights.device, dtype=weights.dtype).eval()
        self.size, self.remembered = (flat.shape[1] for flat in rows(self.network, 1))
        self.modes = Modes(self.network)
        self.modes.set("running")
        self.show(weights, statistics)

    def show(self, weights: Tensor, statistics: Tensor) -> None:
        """Look through these rows from now on, `[1, P]` and `[1, S]`; those of an encoder would stand at their end."""
        self.weights, self.statistics = weights[:, : self.size], statistics[:, : self.remembered]
        bind(self.network, self.weights, self.statistics)

    @property
    def state(self) -> dict[str, str | None]:
        """What a score of these samples depends on, beside the weights."""
        return {
            "weights": "averaged" if self.averaged else "raw",
            "batch_norm": "running" if self.modes.norms else "none",
            "truncation": None,
            "labels": "training law" if self.labelled else None,
        }

    @property
    def labelled(self) -> bool:
        """Whether its samples are of classes that it was told."""
        return self.structure.reads_labels and self.structure.told(len(self.shares)) > 0

    def sample(self, n: int, seed: int = 0, on_batch: OnBatch | None = None) -> Tensor:
        """`n` samples, `[n, ...]`: images from -1 to 1, points as they are; the same ones for the same seed."""
        return self.draw_labelled(n, generator(seed, "sample", device=self.weights.device), on_batch)[0]

    def draw(self, n: int, random: torch.Generator) -> Tensor:
        """`n` samples from the generator `random`."""
        return self.draw_labelled(n, random)[0]

    @torch.no_grad()
    def draw_labelled(
        self, n: int, random: torch.Generator, on_batch: OnBatch | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """`n` samples, and the classes `[n]` that the generator was told, drawn by their shares in training."""
        whole("n", n, least=0)
        latents = torch.randn(n, self.latent, generator=random, device=random.device)
        told = self.structure.draw(n, torch.tensor(self.shares, device=random.device), random)
        given = torch.cat([latents, told], 1).to(self.weights.dtype)
        samples = []
        for part in torch.split(given, _CHUNK):
            samples.append(self.network(part.unsqueeze(0)).squeeze(0))
            if on_batch is not None:
                on_batch(len(part))
        return torch.cat(samples).float(), told.argmax(1) if self.labelled else None

    def save(self, folder: Path, **about: Any) -> None:
        """`generator.safetensors`, and `generator.json` with all that is needed to rebuild it, and `about` it."""
        description = {
            "format": _FORMAT,
            "networks": describe(self.networks),
            "structure": describe(self.structure),
            "shares": list(self.shares),
            "shape": list(self.shape),
            "latent": self.latent,
            "state": self.state,
            **about,
        }
        write(folder / "generator.safetensors", {"weights": self.weights, "statistics": self.statistics}, description)
        replace(folder / "generator.json", json.dumps(description, indent=2, sort_keys=True).encode())


def load_generator(folder: Path, *, networks: Networks | None = None, device: Device = "cpu") -> Generator:
    """The generator that `Replica.save_generator` wrote; somebody's own builder must be given: no code is loaded."""
    where = present(device)
    tensors, description = read(as_path("folder", folder) / "generator.safetensors")
    if description.get("format") != _FORMAT:
        raise ConfigError(f"{folder} holds a generator of format {description.get('format')!r}; this reads {_FORMAT}")
    return Generator(
        networks if networks is not None else rebuilt(description["networks"]),
        structures.rebuilt(description["structure"]),
        tuple(description["shape"]), description["latent"], shares=description["shares"],
        weights=tensors["weights"].to(where), statistics=tensors["statistics"].to(where),
        averaged=description["state"]["weights"] == "averaged",
    )  # fmt: skip
