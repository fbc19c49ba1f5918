"""What the players are given at every turn: reals and latents of every replica, each from the replica's own streams."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .data.dataset import Dataset, Synthetic
from .streams import Blocks, Device, Order, block_length, derived, generator
from .variants import Variant


class Feed:
    """Draws blocks of steps, laid out `[step, turn, R, N, ...]`; a small data set is moved to the device once."""

    def __init__(
        self, variant: Variant, dataset: Dataset, seeds: Sequence[int], device: Device, dtype: torch.dtype
    ) -> None:
        self.seeds, self.device, self.dtype = tuple(seeds), device, dtype
        self._random = [torch.Generator(device) for _ in seeds]
        turns, batch, latent = variant.discriminator_steps, variant.batch, variant.latent

        steps = block_length((turns) * batch * latent)
        self._latents = self._blocks(steps, lambda seed, block: self._normal(seed, block, steps, turns, batch, latent))

        if isinstance(dataset, Synthetic):
            law, self._samples = dataset.law, None
            length = block_length(turns * batch * law.dimensions)

            def points(seed: int, block: int) -> Tensor:
                fresh = law.draw(length * turns * batch, generator(seed, "reals", block, device=device)).samples
                return fresh.view(length, turns, batch, -1).to(dtype)

            self._reals = self._blocks(length, points)
        else:
            self._samples = dataset.split("train").samples.to(device)
            length = block_length(turns * batch)
            orders = {seed: Order(seed, len(self._samples)) for seed in seeds}

            def places(seed: int, block: int) -> Tensor:
                count = length * turns * batch
                return orders[seed].places(block * count, count).view(length, turns, batch).to(device)

            self._reals = self._blocks(length, places)

    def latents(self, step: int, turn: int) -> Tensor:
        """`[R, N, latent]`."""
        return self._latents.at(step)[turn]

    def reals(self, step: int, turn: int) -> Tensor:
        """`[R, N, ...]`; images in [-1, 1]."""
        drawn = self._reals.at(step)[turn]
        return drawn if self._samples is None else centred(self._samples[drawn], self.dtype)

    def uniform(self, step: int, turn: int) -> Callable[[tuple[int, ...]], Tensor]:
        """Uniform numbers `[R, ...]` for a penalty, each row from its replica's own stream."""
        for seed, random in zip(self.seeds, self._random, strict=True):
            random.manual_seed(derived(seed, "penalty", step, turn))

        def draw(shape: tuple[int, ...]) -> Tensor:
            parts = [torch.rand(shape[1:], generator=random, device=self.device) for random in self._random]
            return torch.stack(parts).to(self.dtype)

        return draw

    def _blocks(self, steps: int, draw: Callable[[int, int], Tensor]) -> Blocks:
        return Blocks(steps, lambda block: torch.stack([draw(seed, block) for seed in self.seeds], 2))

    def _normal(self, seed: int, block: int, *shape: int) -> Tensor:
        random = generator(seed, "latents", block, device=self.device)
        return torch.randn(shape, generator=random, device=self.device).to(self.dtype)


def centred(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Grey levels 0 to 255 as numbers from -1 to 1; points stay as they are."""
    return images.to(dtype).mul_(1 / 127.5).sub_(1) if images.dtype == torch.uint8 else images.to(dtype)
