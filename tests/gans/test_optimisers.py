"""Our optimisers are torch's, to the last digits, and give every replica its own numbers."""

import pytest
import torch

from gans import ConfigError
from gans.optimisers import Adam, RMSprop, column

THEIRS = {
    Adam: lambda weights, own, lr: torch.optim.Adam([weights], lr, betas=(own.beta1, own.beta2), eps=own.epsilon),
    RMSprop: lambda weights, own, lr: torch.optim.RMSprop([weights], lr, alpha=own.decay, eps=own.epsilon),
}
RULES = [Adam(), Adam(beta1=0.0, beta2=0.9), Adam(beta1=0.9), RMSprop(), RMSprop(decay=0.9)]


def trajectory(rules, rates, start, gradients):
    weights = start.clone()
    memory, numbers = rules[0].start(weights), rules[0].numbers(rules, weights)
    numbers["lr"] = column(rates, weights)
    for step, gradient in enumerate(gradients, start=1):
        rules[0].update(weights, gradient, memory, torch.empty_like(weights), numbers, step)
    return weights


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_hundred_updates_equal_those_of_torch(rule):
    random = torch.Generator().manual_seed(0)
    start = torch.randn(1, 50, generator=random, dtype=torch.float64)
    gradients = torch.randn(100, 1, 50, generator=random, dtype=torch.float64)
    theirs = start.clone().requires_grad_()
    optimiser = THEIRS[type(rule)](theirs, rule, 1e-2)
    for gradient in gradients:
        theirs.grad = gradient.clone()
        optimiser.step()
    assert torch.allclose(trajectory([rule], [1e-2], start, gradients), theirs, rtol=1e-13, atol=1e-14)


def test_every_row_follows_its_own_numbers():
    random = torch.Generator().manual_seed(0)
    start = torch.randn(2, 20, generator=random, dtype=torch.float64)
    gradients = torch.randn(10, 2, 20, generator=random, dtype=torch.float64)
    rules, rates = [Adam(beta1=0.0), Adam(beta1=0.9, beta2=0.99)], [1e-3, 1e-1]
    together = trajectory(rules, rates, start, gradients)
    for i in range(2):
        alone = trajectory(rules[i : i + 1], rates[i : i + 1], start[i : i + 1], gradients[:, i : i + 1])
        assert torch.allclose(together[i], alone[0], rtol=1e-13)


@pytest.mark.parametrize("changes", [{"beta1": 1.0}, {"beta2": -0.1}, {"beta1": "0.5"}, {"epsilon": 0}])
def test_numbers_outside_their_range_are_refused(changes):
    with pytest.raises(ConfigError, match=f"{next(iter(changes))} must be a finite number"):
        Adam(**changes)
