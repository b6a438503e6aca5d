"""Diffusion model -> adapter, by class name: importing model classes would tie the pack to one ComfyUI version."""

from torch import nn

from .adapter import Adapter
from .adapters.chroma import ChromaAdapter, RadianceAdapter
from .adapters.flux import FluxAdapter
from .adapters.hunyuan_video import HunyuanVideoAdapter
from .adapters.qwen_image import QwenImageAdapter
from .adapters.wan import AnimateAdapter, DancerAdapter, ScailAdapter, VaceAdapter, WanAdapter, WanAudioAdapter
from .in_out_seam import InOutAdapter

# A class stands for its subclasses too, unless they are named themselves.
ADAPTERS: dict[str, Adapter] = {
    "comfy.ldm.flux.model.Flux": FluxAdapter(),
    "comfy.ldm.chroma.model.Chroma": ChromaAdapter(),
    "comfy.ldm.chroma_radiance.model.ChromaRadiance": RadianceAdapter(),
    "comfy.ldm.qwen_image.model.QwenImageTransformer2DModel": QwenImageAdapter(),
    "comfy.ldm.hunyuan_video.model.HunyuanVideo": HunyuanVideoAdapter(),
    "comfy.ldm.wan.model.WanModel": WanAdapter(),
    "comfy.ldm.wan.model.VaceWanModel": VaceAdapter(),
    "comfy.ldm.wan.model.WanModel_S2V": WanAudioAdapter(),
    "comfy.ldm.wan.model.SCAILWanModel": ScailAdapter(),
    "comfy.ldm.wan.model_animate.AnimateWanModel": AnimateAdapter(),
    "comfy.ldm.wan.model_wandancer.WanDancerModel": DancerAdapter(),
}

NOT_REACHED: dict[str, str] = {
    "comfy.ldm.wan.ar_model.CausalWanModel": "it makes the video piece by piece, and pieces share no history",
}


def find_adapter(model: nn.Module) -> Adapter | InOutAdapter:
    """The adapter for a diffusion model, or the fallback if its architecture is not known."""
    return _nearest(model, ADAPTERS) or InOutAdapter()


def why_not_reached(model: nn.Module) -> str:
    """Why no step of this model can be skipped, or nothing."""
    return _nearest(model, NOT_REACHED) or ""


def _nearest(model: nn.Module, table: dict[str, object]) -> object | None:
    names = (f"{cls.__module__}.{cls.__name__}" for cls in type(model).__mro__)
    return next((table[name] for name in names if name in table), None)
