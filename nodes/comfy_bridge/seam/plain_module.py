"""A module without torch.compile around it."""

from torch import nn


def plain_module(module: nn.Module) -> nn.Module:
    """The module inside, if torch.compile has wrapped it; else the module itself."""
    return getattr(module, "_orig_mod", module)
