"""Diffusion model -> adapter, by class name: importing model classes would tie the pack to one ComfyUI version."""

from torch import nn

from ..seam.adapter import Adapter
from ..seam.in_out_seam import InOutAdapter
from ..seam.self_check import missing_part
from .ace_step import AceStep15Adapter, AceStepAdapter
from .aura_flow import AuraFlowAdapter
from .boogu import BooguAdapter
from .chroma import ChromaAdapter, RadianceAdapter
from .cogvideox import CogVideoXAdapter
from .cosmos import CosmosAdapter
from .cosmos_predict2 import CosmosPredict2Adapter
from .ernie_image import ErnieImageAdapter
from .flux import FluxAdapter
from .hidream import HiDreamAdapter
from .hidream_o1 import HiDreamO1Adapter
from .hunyuan3d import Hunyuan3D21Adapter, Hunyuan3DAdapter
from .hunyuan_dit import HunyuanDiTAdapter
from .hunyuan_video import HunyuanVideoAdapter
from .ideogram4 import Ideogram4Adapter
from .joyimage import JoyImageAdapter
from .kandinsky5 import Kandinsky5Adapter
from .krea2 import Krea2Adapter
from .ltxav import LTXAVAdapter
from .ltxv import LTXVAdapter
from .lumina import LuminaAdapter, ZImagePixelAdapter
from .minimax import MiniMaxAdapter
from .mochi import MochiAdapter
from .omnigen2 import OmniGen2Adapter
from .pixart import PixArtAdapter
from .pixeldit import PiDAdapter, PixelDiTAdapter
from .qwen_image import LensAdapter, MageFlowAdapter, QwenImageAdapter
from .qwen_image21 import QwenImage21Adapter
from .sd3 import SD3Adapter
from .seedvr2 import SeedVR2Adapter
from .stable_audio import StableAudioAdapter
from .wan import (
    AnimateAdapter,
    CameraAdapter,
    DancerAdapter,
    ScailAdapter,
    VaceAdapter,
    WanAdapter,
    WanAudioAdapter,
)
from .wan_animate2 import Animate2Adapter

# Below comfy.ldm. A class stands for its subclasses too, unless they are named themselves.
ADAPTERS: dict[str, Adapter | InOutAdapter] = {
    "flux.model.Flux": FluxAdapter(),
    "chroma.model.Chroma": ChromaAdapter(),
    "chroma_radiance.model.ChromaRadiance": RadianceAdapter(),
    "qwen_image.model.QwenImageTransformer2DModel": QwenImageAdapter(),
    "qwen_image21.model.QwenImage21Transformer2DModel": QwenImage21Adapter(),
    "hunyuan_video.model.HunyuanVideo": HunyuanVideoAdapter(),
    "wan.model.WanModel": WanAdapter(),
    "wan.model.VaceWanModel": VaceAdapter(),
    "wan.model.CameraWanModel": CameraAdapter(),
    "wan.model.WanModel_S2V": WanAudioAdapter(),
    "wan.model.SCAILWanModel": ScailAdapter(),
    "wan.model_animate.AnimateWanModel": AnimateAdapter(),
    "wan.model_animate2.WanAnimate2Model": Animate2Adapter(),
    "wan.model_wandancer.WanDancerModel": DancerAdapter(),
    "modules.diffusionmodules.mmdit.MMDiT": SD3Adapter(),
    "modules.diffusionmodules.mmdit.OpenAISignatureMMDITWrapper": SD3Adapter(),
    "lumina.model.NextDiT": LuminaAdapter(),
    "lumina.model.NextDiTPixelSpace": ZImagePixelAdapter(),
    "hidream.model.HiDreamImageTransformer2DModel": HiDreamAdapter(),
    "cosmos.predict2.MiniTrainDIT": CosmosPredict2Adapter(),
    "lightricks.model.LTXVModel": LTXVAdapter(),
    "lightricks.av_model.LTXAVModel": LTXAVAdapter(),
    "kandinsky5.model.Kandinsky5": Kandinsky5Adapter(),
    "krea2.model.SingleStreamDiT": Krea2Adapter(),
    "aura.mmdit.MMDiT": AuraFlowAdapter(),
    "genmo.joint_model.asymm_models_joint.AsymmDiTJoint": MochiAdapter(),
    "pixart.pixartms.PixArtMS": PixArtAdapter(),
    "omnigen.omnigen2.OmniGen2Transformer2DModel": OmniGen2Adapter(),
    "ideogram4.model.Ideogram4Transformer2DModel": Ideogram4Adapter(),
    "mage_flow.model.MageFlowTransformer2DModel": MageFlowAdapter(),
    "lens.model.LensTransformer2DModel": LensAdapter(),
    "joyimage.model.JoyImageTransformer3DModel": JoyImageAdapter(),
    "cogvideo.model.CogVideoXTransformer3DModel": CogVideoXAdapter(),
    "boogu.model.BooguTransformer2DModel": BooguAdapter(),
    "ernie.model.ErnieImageModel": ErnieImageAdapter(),
    "hydit.models.HunYuanDiT": HunyuanDiTAdapter(),
    "hidream_o1.model.HiDreamO1Transformer": HiDreamO1Adapter(),
    "pixeldit.model.PixDiT_T2I": PixelDiTAdapter(),
    "pixeldit.pid.PidNet": PiDAdapter(),
    "cosmos.model.GeneralDIT": CosmosAdapter(),
    "minimax.model.MiniMaxH3Model": MiniMaxAdapter(),
    "seedvr.model.NaDiT": SeedVR2Adapter(),
    "ace.model.ACEStepTransformer2DModel": AceStepAdapter(),
    "ace.ace_step15.AceStepConditionGenerationModel": AceStep15Adapter(),
    "audio.dit.AudioDiffusionTransformer": StableAudioAdapter(),
    "hunyuan3d.model.Hunyuan3Dv2": Hunyuan3DAdapter(),
    "hunyuan3dv2_1.hunyuandit.HunYuanDiTPlain": Hunyuan3D21Adapter(),
    # Not transformers.
    "modules.diffusionmodules.openaimodel.UNetModel": InOutAdapter(),
    "cascade.stage_c.StageC": InOutAdapter(),
    "cascade.stage_b.StageB": InOutAdapter(),
    # A list of points and a camera, which no layer sees together after the blocks.
    "triposplat.model.LatentSeqMMFlowModel": InOutAdapter(),
    # Video and sound, which no layer sees together after the blocks; the sound has moments before channels.
    "kandinsky6.model.Kandinsky6NativeAVDiT": InOutAdapter(),
}

ASK_AT = "the pack's page in ComfyUI Manager"

NOT_REACHED: dict[str, str] = {
    "wan.ar_model.CausalWanModel": "it makes the video piece by piece, and no piece can be forecast from another",
}


def find_adapter(model: nn.Module) -> Adapter | InOutAdapter:
    """The adapter for a diffusion model, or the input/output fallback if the architecture is not known."""
    return _entry_of(model, ADAPTERS) or InOutAdapter()


def can_cut(adapter: Adapter | InOutAdapter, model: nn.Module) -> bool:
    """Whether it is known how the tokens of this model are cut, for a step that is computed in part.

    Both classes have to be named for it, the adapter's by `cuts` of its own and the model's on this page: the blocks of
    a subclass may take other arguments. HuMo's, for example, hear a sound that belongs to whole frames.
    """
    return vars(type(adapter)).get("cuts") is not None and names_of(type(model))[0] in ADAPTERS


def how_to_ask(model: nn.Module) -> str:
    """A sentence for a model of a class that this page does not name; "" for all others."""
    if _entry_of(model, ADAPTERS) is not None or _entry_of(model, NOT_REACHED) is not None:
        return ""
    name = f"{type(model).__module__}.{type(model).__name__}"
    return (f"TAP does not know the blocks of {name}, so it forecasts what comes out of the model by what goes in. To "
            f"ask for an adapter, give this name at {ASK_AT}.")


def why_in_full(adapter: Adapter | InOutAdapter, model: nn.Module, name: str) -> str:
    """Why no step of the model with this name can be skipped; "" if steps can be."""
    reason = _entry_of(model, NOT_REACHED) or ""
    if not reason and not isinstance(adapter, InOutAdapter):
        missing = missing_part(adapter, model)
        reason = f"it is not as TAP knows it ({missing})" if missing else ""
    return f"{name} is computed in full: {reason}." if reason else ""


def names_of(kind: type) -> list[str]:
    """The name of a class and of its base classes, as in the tables, the class itself first."""
    return [f"{cls.__module__}.{cls.__name__}".removeprefix("comfy.ldm.") for cls in kind.__mro__]


def _entry_of(model: nn.Module, table: dict[str, object]) -> object | None:
    return next((table[name] for name in names_of(type(model)) if name in table), None)
