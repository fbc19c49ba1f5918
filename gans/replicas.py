"""Replicas that train as one program: stacked along an axis, looked at and ended one by one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from .configuration import as_path, describe
from .data.dataset import Dataset
from .diagnostics import diagnosed
from .engine import Engine
from .game import Game
from .sampling import Generator
from .streams import Device, generator
from .variants import Variant


class Stack(Game):
    """A game whose replicas end one by one, and whose state can be taken, put back, and looked at alone."""

    def __init__(
        self, variants: Sequence[Variant], dataset: Dataset, seeds: Sequence[int], *,
        device: Device = "cpu", dtype: torch.dtype = torch.float32, engine: Engine | None = None,
    ) -> None:  # fmt: skip
        super().__init__(variants, dataset, seeds, device=device, dtype=dtype, engine=engine)
        self._frozen: dict[int, dict[str, Tensor]] = {}
        self._last_words: dict[int, dict[str, float]] = {}
        self.ended_at: dict[int, int] = {}

    def run(self, until: int) -> None:
        """Take all steps up to `until`, unless nobody is left to take them."""
        if len(self._frozen) == len(self.seeds):
            return
        while self.step < until:
            self.advance()
        if self.team.size > 1:
            self.last = {name: self._of_all(value.detach()) for name, value in self.last.items()}
        for index, kept in self._frozen.items():
            # An ended replica is computed along: leaving it out would change the shapes, and so its neighbours' bits.
            for name, tensor in self.state.items():
                tensor[index] = kept[name]

    def _of_all(self, value: Tensor) -> Tensor:
        """What the whole team saw in the last step: a loss `[R]` on average, logits `[R, N]` side by side."""
        return self.team.mean(value.clone()) if value.dim() == 1 else self.team.whole(value)

    def end(self, index: int) -> None:
        """From here on the state of replica `index` stays what it is."""
        if index not in self._frozen:
            self._last_words[index] = self.diagnostics(index)
            self._frozen[index] = {name: tensor[index].clone() for name, tensor in self.state.items()}
            self.ended_at.setdefault(index, self.step)

    def alive(self, index: int) -> bool:
        """Whether replica `index` has not been ended."""
        return index not in self._frozen

    def step_of(self, index: int) -> int:
        """The step whose state replica `index` holds."""
        return self.ended_at.get(index, self.step)

    @property
    def state(self) -> dict[str, Tensor]:
        """All rows of both players; together with the step this is everything that training depends on."""
        sides = self.players.items()
        named = {f"{side}.{name}": tensor for side, player in sides for name, tensor in player.state.items()}
        return named if self.average is None else {**named, "generator.average": self.average}

    def restore(self, state: dict[str, Tensor], step: int, ended_at: dict[int, int]) -> None:
        """Go on from `state` as if nothing had happened."""
        for name, tensor in self.state.items():
            tensor.copy_(state[name])
        self.step = step
        for index, ended in ended_at.items():
            self.ended_at[index] = ended
            self.end(index)

    def alone(self, index: int, dataset: Dataset) -> "Stack":
        """Replica `index` by itself on these data; what it does there stays there."""
        solo = Stack(
            [self.variants[index]], dataset, [self.seeds[index]],
            device=self.device, dtype=self.dtype, engine=replace(self.engine, processes=1),
        )  # fmt: skip
        state = self.state
        for name, tensor in solo.state.items():
            tensor.copy_(state[name][index : index + 1])
        solo.step = self.step
        return solo

    def diagnostics(self, index: int) -> dict[str, float]:
        """How the last step went for replica `index`, or the last before it ended."""
        if not self.last or index in self._last_words:
            return self._last_words.get(index, {})
        return diagnosed(self, index)


class Replica:
    """One seed of a training, at the tick that was just reached; it moves on with the training."""

    def __init__(self, index: int, stack: Stack, place: int, sampler: Generator) -> None:
        self.index, self.seed = index, stack.seeds[place]
        self._stack, self._place, self._sampler = stack, place, sampler

    @property
    def alive(self) -> bool:
        """Whether it has not been ended."""
        return self._stack.alive(self._place)

    @property
    def step(self) -> int:
        """The step that its weights have reached."""
        return self._stack.step_of(self._place)

    @property
    def diagnostics(self) -> dict[str, float]:
        """Losses, logits, gradient norms and the number of weights that are not finite, at the last step."""
        return self._stack.diagnostics(self._place)

    @property
    def parameters(self) -> int:
        """How many numbers learn, of both players."""
        return int(self._stack.generator.weights.shape[1] + self._stack.discriminator.weights.shape[1])

    @property
    def generator_state(self) -> dict[str, str | None]:
        """What a score of its samples depends on, beside the weights."""
        return self._sampler.state

    def sample(self, n: int, stream: str = "tick") -> Tensor:
        """`n` samples, `[n, ...]`: images from -1 to 1, points as they are; given by seed, step and stream alone."""
        return self.sample_labelled(n, stream)[0]

    def sample_labelled(self, n: int, stream: str = "tick") -> tuple[Tensor, Tensor | None]:
        """What `sample` gives, and the classes `[n]` that the generator was told, if it is told any."""
        self._show()
        random = generator(self.seed, "sample", stream, self.step, device=self._stack.device)
        return self._sampler.draw_labelled(n, random)

    def logits(self, samples: Tensor, known: Tensor | None = None) -> Tensor:
        """The discriminator's logits of being real, `[n]`, for samples as `sample` gives them, moving nothing.

        `known` is what a structure joins to samples: labels as rows with a single 1, or latents.
        """
        return self._stack.look(self._place, samples, known)

    def save_generator(self, folder: Path) -> None:
        """Write the generator that `sample` draws from, for `load_generator`."""
        self._show()
        about = {"variant": describe(self._stack.variants[self._place]), "seed": self.seed, "step": self.step}
        data = {"name": self._stack.dataset.name, "digest": self._stack.dataset.digest}
        self._sampler.save(as_path("folder", folder), **about, data=data)

    def end(self) -> None:
        """Freeze it as it is; its neighbours go on, with the same bits as before."""
        self._stack.end(self._place)

    def _show(self) -> None:
        row = slice(self._place, self._place + 1)
        player, average = self._stack.generator, self._stack.average
        self._sampler.show((player.weights if average is None else average)[row], player.statistics[row])
