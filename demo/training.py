"""What both trainings use: the rate at a step, one step of the optimisers, the running average of the weights."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .checkpoint import Tensors


def learning_rate(step: int, steps: int, peak: float, warmup: int = 200) -> float:
    """The rate at a step: a linear rise, a constant, then a linear fall over the last 40 %."""
    return peak * min(1.0, (step + 1) / warmup, max(0.02, (steps - step) / (0.4 * steps)))


def train_step(model: nn.Module, optimisers: Sequence[torch.optim.Optimizer], loss: Tensor, rate: float) -> float:
    """One step of every optimiser on this loss; returns its value."""
    for optimiser in optimisers:
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimiser in optimisers:
        optimiser.step()
    return loss.item()


def start_average(model: nn.Module) -> Tensors:
    """A copy of the weights, to be averaged over training."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


@torch.no_grad()
def update_average(average: Tensors, model: nn.Module, step: int, slowest: float = 0.999) -> None:
    """Moves the average towards the weights; faster at the start, to forget the first weights."""
    keep = min(slowest, (1 + step) / (10 + step))
    for name, value in model.state_dict().items():
        average[name].lerp_(value, 1 - keep)
