"""What the players are given at every turn: reals and noise of every replica, each from the replica's own streams."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from .data.dataset import Dataset, Split, Synthetic, class_shares
from .streams import Blocks, Device, Order, block_length, derived, generator
from .variants import Variant


class Feed:
    """Draws blocks of steps, laid out `[step, turn, R, N, ...]`; a small data set is moved to the device once."""

    def __init__(
        self, variant: Variant, dataset: Dataset, seeds: Sequence[int], device: Device, dtype: torch.dtype
    ) -> None:
        self.seeds, self.device, self.dtype = tuple(seeds), device, dtype
        self.structure, self.latent = variant.structure, variant.latent
        self.shares = torch.tensor(class_shares(dataset), device=device)
        self._random = [torch.Generator(device) for _ in seeds]
        turns, batch = variant.discriminator_steps, variant.batch

        steps = block_length(turns * batch * (self.latent + self.structure.told(len(self.shares))))
        self._given = self._blocks(steps, lambda seed, block: self._noise(seed, block, steps, turns, batch))

        if isinstance(dataset, Synthetic):
            law, self._samples = dataset.law, None
            self._dimensions = law.dimensions
            length = block_length(turns * batch * law.dimensions)

            def points(seed: int, block: int) -> Tensor:
                fresh = law.draw(length * turns * batch, generator(seed, "reals", block, device=device))
                return torch.cat([fresh.samples.to(dtype), self._known(fresh)], 1).view(length, turns, batch, -1)

            self._reals = self._blocks(length, points)
        else:
            train = dataset.split("train")
            self._samples = train.samples.to(device)
            self._labels = self.structure.reveal(self._known(train))
            length = block_length(turns * batch)
            orders = {seed: Order(seed, len(self._samples)) for seed in seeds}

            def places(seed: int, block: int) -> Tensor:
                count = length * turns * batch
                return orders[seed].places(block * count, count).view(length, turns, batch).to(device)

            self._reals = self._blocks(length, places)

    def given(self, step: int, turn: int) -> tuple[Tensor, Tensor]:
        """The generator's input, latents first, `[R, N, latent + told]`; and what is known of the samples it gives."""
        given = self._given.at(step)[turn]
        return given, given if self.structure.encodes else given[..., self.latent :]

    def reals(self, step: int, turn: int) -> tuple[Tensor, Tensor]:
        """`[R, N, ...]`, images in [-1, 1]; and what is known of them, `[R, N, K]`."""
        drawn = self._reals.at(step)[turn]
        if self._samples is None:
            return drawn[..., : self._dimensions], drawn[..., self._dimensions :]
        return centred(self._samples[drawn], self.dtype), self._labels[drawn]

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

    def _noise(self, seed: int, block: int, *shape: int) -> Tensor:
        random = generator(seed, "latents", block, device=self.device)
        latents = torch.randn(*shape, self.latent, generator=random, device=self.device)
        random = generator(seed, "told", block, device=self.device)
        told = self.structure.draw(latents[..., 0].numel(), self.shares, random)
        return torch.cat([latents, told.view(*shape, -1)], -1).to(self.dtype)

    def _known(self, split: Split) -> Tensor:
        """Labels as rows with a single 1, if they take part."""
        if split.labels is None or not self.structure.reads_labels:
            return torch.empty(len(split), 0, dtype=self.dtype, device=self.device)
        return one_hot(split.labels.to(self.device), len(self.shares)).to(self.dtype)


def centred(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Grey levels 0 to 255 as numbers from -1 to 1; points stay as they are."""
    return images.to(dtype).mul_(1 / 127.5).sub_(1) if images.dtype == torch.uint8 else images.to(dtype)
