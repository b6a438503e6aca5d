"""Sees through torch.compile."""

from torch import nn


def plain_module(module: nn.Module) -> nn.Module:
    """The module itself where torch.compile has wrapped it."""
    return getattr(module, "_orig_mod", module)
