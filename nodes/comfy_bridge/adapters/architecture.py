"""The name of a loaded model's architecture."""

from comfy.model_patcher import ModelPatcher

from ..seam.plain_module import plain_module
from .find_adapter import find_adapter


def architecture(model: ModelPatcher) -> str:
    """The name of the adapter that fits the model, or of what its class makes of it, such as FLUX.2."""
    module = plain_module(model.model.diffusion_model)
    return find_adapter(module).name_of(module)
