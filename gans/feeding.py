"""What the players are given at every turn: reals and noise of every replica, each from the replica's own streams."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from .data.dataset import Dataset, Law, Split, Synthetic, class_shares
from .streams import Blocks, Device, Order, block_length, derived, generator
from .variants import Variant

Reals = Callable[[int, int], tuple[Tensor, Tensor]]  # of a step and a turn, with what is known of them


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
            self._reals = self._fresh(dataset.law, turns, batch)
        else:
            self._reals = self._shuffled(dataset.split("train"), turns, batch)

    def given(self, step: int, turn: int) -> tuple[Tensor, Tensor]:
        """The generator's input, latents first, `[R, N, latent + told]`; and what is known of the samples it gives."""
        given = self._given.at(step)[turn]
        return given, given if self.structure.encodes else given[..., self.latent :]

    def reals(self, step: int, turn: int) -> tuple[Tensor, Tensor]:
        """`[R, N, ...]`, images in [-1, 1]; and what is known of them, `[R, N, K]`."""
        return self._reals(step, turn)

    def uniform(self, step: int, turn: int) -> Callable[[tuple[int, ...]], Tensor]:
        """Uniform numbers `[R, ...]` for a penalty, each row from its replica's own stream."""
        for seed, random in zip(self.seeds, self._random, strict=True):
            random.manual_seed(derived(seed, "penalty", step, turn))

        def draw(shape: tuple[int, ...]) -> Tensor:
            parts = [torch.rand(shape[1:], generator=random, device=self.device) for random in self._random]
            return torch.stack(parts).to(self.dtype)

        return draw

    def _fresh(self, law: Law, turns: int, batch: int) -> Reals:
        """Points drawn from a law, never twice."""
        length = block_length(turns * batch * law.dimensions)

        def points(seed: int, block: int) -> Tensor:
            fresh = law.draw(length * turns * batch, generator(seed, "reals", block, device=self.device))
            return torch.cat([fresh.samples.to(self.dtype), self._known(fresh)], 1).view(length, turns, batch, -1)

        blocks = self._blocks(length, points)

        def at(step: int, turn: int) -> tuple[Tensor, Tensor]:
            drawn = blocks.at(step)[turn]
            return drawn[..., : law.dimensions], drawn[..., law.dimensions :]

        return at

    def _shuffled(self, train: Split, turns: int, batch: int) -> Reals:
        """Samples of a finite set in an order that is shuffled anew every epoch."""
        samples, labels = train.samples.to(self.device), self.structure.reveal(self._known(train))
        length = block_length(turns * batch)
        orders = {seed: Order(seed, len(samples)) for seed in self.seeds}

        def places(seed: int, block: int) -> Tensor:
            count = length * turns * batch
            return orders[seed].places(block * count, count).view(length, turns, batch).to(self.device)

        blocks = self._blocks(length, places)

        def at(step: int, turn: int) -> tuple[Tensor, Tensor]:
            drawn = blocks.at(step)[turn]
            return centred(samples[drawn], self.dtype), labels[drawn]

        return at

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
