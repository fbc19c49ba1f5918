"""How a step went: losses, logits, slopes and updates of one replica, and what they mean under its loss."""

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from .game import Game
from .losses import Loss


def diagnosed(game: Game, index: int) -> dict[str, float]:
    """What the last step was for replica `index`; numbers that are not finite are counted."""
    real, fake = (game.last[name][index].detach() for name in ("real_logits", "fake_logits"))
    g_loss, d_loss = game.last["g_loss"][index], game.last["d_loss"][index]
    updates = {"generator": game.step, "discriminator": game.step * game.variant.discriminator_steps}
    found = {"generator_loss": g_loss, "discriminator_loss": d_loss}
    found |= {"real_logit": real.mean(), "fake_logit": fake.mean()}
    found |= {f"{name}_gradient": player.gradient[index].norm() for name, player in game.players.items()}
    found |= {f"{name}_update": each.update_to_weight(index, updates[name]) for name, each in game.players.items()}
    found |= _judgement(game.variant.loss, real, fake) | _accuracies(game, index)
    counted = [row for player in game.players.values() for row in (player.weights[index], player.gradient[index])]
    found["nonfinite"] = sum(((~row.isfinite()).sum() for row in counted), torch.zeros(()))
    return {name: float(value.detach()) for name, value in found.items()}


def _judgement(loss: Loss, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """What the logits `[N]` of reals and fakes mean under this loss."""
    found = {}
    if loss.probabilistic:
        value = -(softplus(-real) + softplus(fake)).mean()
        found = {"real_probability": real.sigmoid().mean(), "fake_probability": fake.sigmoid().mean()}
        found["value_above_equilibrium"] = value + math.log(4)
    if loss.border is None:
        # Scores without an origin: only their difference means something, and of a critic it is a distance.
        return found if loss.pairs else {**found, "wasserstein_estimate": real.mean() - fake.mean()}
    right, wrong = (real > loss.border).float().mean(), (fake > loss.border).float().mean()
    found["discriminator_recall"] = right
    if right + wrong > 0:
        found["discriminator_precision"] = right / (right + wrong)
    return found


def _accuracies(game: Game, index: int) -> dict[str, Tensor]:
    """How often the structure's guesses were true, of those whose truth is known."""
    found = {}
    for name in [name.removesuffix(".scores") for name in game.last if name.endswith(".scores")]:
        scores, truth = game.last[f"{name}.scores"][index], game.last[f"{name}.truth"][index]
        if (known := truth.amax(1) > 0).any():
            found[name] = (scores.argmax(1) == truth.argmax(1))[known].float().mean()
    return found
