"""What a loaded model is, in a word."""

from comfy.model_patcher import ModelPatcher

from ..seam.plain_module import plain_module
from .find_adapter import find_adapter


def architecture(model: ModelPatcher) -> str:
    """The name of its adapter."""
    return find_adapter(plain_module(model.model.diffusion_model)).name
