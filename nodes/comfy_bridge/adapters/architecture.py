"""The name of a loaded model's architecture."""

from comfy.model_patcher import ModelPatcher

from ..seam.plain_module import plain_module
from .find_adapter import find_adapter


def architecture(model: ModelPatcher) -> str:
    """The name of the adapter that fits the model."""
    return find_adapter(plain_module(model.model.diffusion_model)).name
