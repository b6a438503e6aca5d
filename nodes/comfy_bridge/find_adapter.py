"""Diffusion model -> adapter, by class name: importing model classes would tie the pack to one ComfyUI version."""

from torch import nn

from .adapter import Adapter
from .flux import FluxAdapter


def find_adapter(model: nn.Module) -> Adapter | None:
    """The adapter for a diffusion model, or None if its architecture is not known."""
    classes = {f"{cls.__module__}.{cls.__name__}" for cls in type(model).__mro__}
    # FLUX.2 shares the class, but modulates all blocks at once.
    if "comfy.ldm.flux.model.Flux" in classes and not model.params.global_modulation:
        return FluxAdapter()
    return None


def plain_model(model: nn.Module) -> nn.Module:
    """The model itself where torch.compile has wrapped it."""
    return getattr(model, "_orig_mod", model)
