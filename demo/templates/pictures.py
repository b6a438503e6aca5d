"""From a text to a picture: one line of settings for each model, those of ComfyUI's own template of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .files import (
    CLIP_L,
    FLUX_VAE,
    QWEN_3,
    QWEN_VAE,
    QWEN_VL,
    T5,
    T5_FP8,
    ModelFile,
    checkpoint,
    encoder,
    lora,
    model,
)
from .graph import Graph
from .notes import all_computed, model_note
from .sockets import Placed, Socket

CABIN = ("a wooden cabin by a mountain lake at sunset, autumn larches, mist over the water, a rowing boat at the pier, "
         "photograph")
BOOKSHOP = ('a small bookshop on a rainy evening, warm light in its window, a sign above the door that reads "OPEN '
            'LATE", photograph')
BRIDGE = "an old stone bridge over a river in autumn, fallen leaves, morning fog, photograph"
LIGHTHOUSE = "a lighthouse on a cliff above a calm sea, wild flowers in front, early morning light, photograph"


@dataclass(frozen=True)
class Picture:
    """A model and its settings. encoders: none if a checkpoint has them; negative: None for a model without one.

    patch: a node between loader and TAP with its values; tap: inputs of TAP Accelerate other than the defaults.
    """

    title: str
    sentence: str
    model: ModelFile
    encoders: Sequence[ModelFile] = ()
    clip: str = ""
    vae: ModelFile | None = None
    lora: ModelFile | None = None
    prompt: str = CABIN
    negative: str | None = None
    size: int = 1024
    latent: str = "EmptySD3LatentImage"
    steps: int = 20
    cfg: float = 1.0
    sampler: str = "euler"
    scheduler: str = "simple"
    patch: tuple[str, dict] | None = None
    guidance: float | None = None
    touch: Sequence[str] = ()
    tap: dict = field(default_factory=dict)

    @property
    def files(self) -> list[ModelFile]:
        """All that is to be downloaded."""
        return [file for file in (self.model, self.lora, *self.encoders, self.vae) if file]


AURA = "ModelSamplingAuraFlow"
PICTURES = {
    "05 Faster FLUX.1 dev": Picture(
        "Faster FLUX.1 dev", "**TAP Accelerate** stands between the model and the sampler: many steps are forecast "
        "instead of computed.", model("Comfy-Org/flux1-dev", "flux1-dev.safetensors", ""), (CLIP_L, T5),
        "flux", FLUX_VAE, touch=["*interval*, with *quality* fixed: 1 turns TAP off, bit for bit."],
    ),
    "06 Faster FLUX.1 schnell": Picture(
        "Faster FLUX.1 schnell", "schnell makes its picture in 4 steps, which are too few to forecast: TAP computes "
        "all of them, and says so. The paper's setting, two of four computed, was no closer to the full picture than "
        "two plain steps on three small models. With 8 steps and *quality* good, 6 are computed.",
        model("Comfy-Org/flux1-schnell", "flux1-schnell.safetensors", ""), (CLIP_L, T5), "flux", FLUX_VAE,
        prompt=LIGHTHOUSE, steps=4,
        touch=["*steps* of the sampler: from 8 on there is something to forecast.",
               "The paper's setting: *quality* fixed, *warmup_steps* 2 and *placement* paper (both advanced)."],
    ),
    "10 Faster Qwen-Image": Picture(
        "Faster Qwen-Image", "Qwen-Image 2512 takes 50 steps with two prompts each: TAP computes only as many as "
        "*quality* needs.", model("Comfy-Org/Qwen-Image_ComfyUI", "qwen_image_2512_fp8_e4m3fn.safetensors"), (QWEN_VL,),
        "qwen_image", QWEN_VAE, prompt=BOOKSHOP, negative="", size=1328, steps=50, cfg=4.0,
        patch=(AURA, {"shift": 3.1}),
    ),
    "11 Faster Qwen-Image Lightning": Picture(
        "Faster Qwen-Image Lightning", "The Lightning LoRA makes Qwen-Image's picture in 8 steps, which leave little "
        "to forecast: with *quality* good, as here, 6 or 7 of 8 are computed, with *draft* 4 or 5, with *close* all.",
        model("Comfy-Org/Qwen-Image_ComfyUI", "qwen_image_fp8_e4m3fn.safetensors"), (QWEN_VL,), "qwen_image", QWEN_VAE,
        lora("lightx2v/Qwen-Image-Lightning", "Qwen-Image-Lightning-8steps-V1.0.safetensors"), BOOKSHOP, "", 1328,
        steps=8, patch=(AURA, {"shift": 3.1}), touch=["cfg stays 1: Lightning was made for it."],
        tap={"quality": "good"},
    ),
    "13 Faster Z-Image": Picture(
        "Faster Z-Image", "25 steps with two prompts each: TAP computes only as many as *quality* needs.",
        model("Comfy-Org/z_image", "z_image_bf16.safetensors"), (QWEN_3,), "lumina2", FLUX_VAE, prompt=LIGHTHOUSE,
        negative="", steps=25, cfg=4.0, sampler="res_multistep", patch=(AURA, {"shift": 3.0}),
    ),
    "14 Faster Z-Image Turbo": Picture(
        "Faster Z-Image Turbo", "Turbo makes its picture in 8 steps, which leave little to forecast: with *quality* "
        "good, as here, 6 or 7 of 8 are computed, with *draft* 4 or 5, with *close* all.",
        model("Comfy-Org/z_image_turbo", "z_image_turbo_bf16.safetensors"), (QWEN_3,), "lumina2", FLUX_VAE,
        prompt=LIGHTHOUSE, steps=8, sampler="res_multistep", patch=(AURA, {"shift": 3.0}), tap={"quality": "good"},
    ),
    "21 Faster HiDream": Picture(
        "Faster HiDream", "HiDream-I1 full takes 50 steps with two prompts each: much of that can be forecast.",
        model("Comfy-Org/HiDream-I1_ComfyUI", "hidream_i1_full_fp8.safetensors"),
        (encoder("Comfy-Org/HiDream-I1_ComfyUI", "clip_l_hidream.safetensors"),
         encoder("Comfy-Org/HiDream-I1_ComfyUI", "clip_g_hidream.safetensors"), T5_FP8,
         encoder("Comfy-Org/HiDream-I1_ComfyUI", "llama_3.1_8b_instruct_fp8_scaled.safetensors")), "", FLUX_VAE,
        prompt=BRIDGE, negative="text, watermark", steps=50, cfg=5.0, sampler="uni_pc",
        patch=("ModelSamplingSD3", {"shift": 3.0}),
    ),
    "22 Faster SD3.5 Large": Picture(
        "Faster SD3.5 Large", "20 steps with two prompts each: TAP computes only as many as *quality* needs.",
        checkpoint("Comfy-Org/stable-diffusion-3.5-fp8", "sd3.5_large_fp8_scaled.safetensors"), prompt=BRIDGE,
        negative="", cfg=4.0, scheduler="sgm_uniform",
    ),
    "23 Faster SDXL": Picture(
        "Faster SDXL", "SDXL is a UNet, not a transformer, so TAP works **by input and output**: a token is a square "
        "of 2 x 2 latent pixels, and the model's answer is forecast. SD 1.5 and models that TAP does not know work the "
        "same way. " + all_computed("close", "good", "15 to 19 of 25"),
        checkpoint("stabilityai/stable-diffusion-xl-base-1.0", "sd_xl_base_1.0.safetensors"),
        prompt=BRIDGE, negative="text, watermark", latent="EmptyLatentImage", steps=25, cfg=8.0, scheduler="normal",
        tap={"quality": "good"},
    ),
}


def draw_picture(graph: Graph, asked: Picture) -> None:
    """Writes the workflow: files, prompts, TAP Accelerate, sampler and picture, from left to right."""
    graph.note(model_note(asked.title, asked.sentence, asked.files, asked.touch), height=430)
    made, clip, decoder = load(graph, asked)
    graph.column()
    positive = graph.add("CLIPTextEncode", "Prompt", clip=clip, text=asked.prompt)[0]
    if asked.negative is None:
        negative = graph.add("ConditioningZeroOut", conditioning=positive)[0]
    else:
        negative = graph.add("CLIPTextEncode", "Negative prompt", clip=clip, text=asked.negative)[0]
    if asked.patch:
        made = graph.add(asked.patch[0], model=made, **asked.patch[1])[0]
    empty = graph.add(asked.latent, width=asked.size, height=asked.size)
    graph.column()
    made = graph.add("TapAccelerate", model=made, **asked.tap)[0]
    graph.column(380)
    drawn = graph.add("KSampler", model=made, positive=positive, negative=negative, latent_image=empty[0], seed=7,
                      steps=asked.steps, cfg=asked.cfg, sampler_name=asked.sampler, scheduler=asked.scheduler)
    save_picture(graph, drawn[0], decoder)


def load(graph: Graph, asked: Picture) -> tuple[Socket, Socket, Socket]:
    """Model, text encoder and autoencoder."""
    if asked.vae is None:
        loaded = graph.add("CheckpointLoaderSimple", files=[asked.model], ckpt_name=asked.model.name)
        return loaded[0], loaded[1], loaded[2]
    made = graph.add("UNETLoader", files=[asked.model], unet_name=asked.model.name)
    if asked.lora:
        made = graph.add("LoraLoaderModelOnly", files=[asked.lora], model=made[0], lora_name=asked.lora.name)
    return made[0], load_encoders(graph, asked.encoders, asked.clip)[0], load_vae(graph, asked.vae)


def load_parts(graph: Graph, file: ModelFile, encoders: Sequence[ModelFile], kind: str, decoder: ModelFile
               ) -> tuple[Socket, Socket, Socket]:
    """Model, text encoders and autoencoder from a file each, in a column of their own."""
    made = graph.add("UNETLoader", files=[file], unet_name=file.name)[0]
    parts = made, load_encoders(graph, encoders, kind)[0], load_vae(graph, decoder)
    graph.column()
    return parts


def load_encoders(graph: Graph, encoders: Sequence[ModelFile], kind: str) -> Placed:
    """The loader for this number of text encoders."""
    loader = {1: "CLIPLoader", 2: "DualCLIPLoader", 4: "QuadrupleCLIPLoader"}[len(encoders)]
    names = ["clip_name"] if len(encoders) == 1 else [f"clip_name{place}" for place in range(1, len(encoders) + 1)]
    typed = {"type": kind} if kind else {}
    return graph.add(loader, files=encoders, **dict(zip(names, [file.name for file in encoders], strict=True)), **typed)


def load_vae(graph: Graph, file: ModelFile) -> Socket:
    """The autoencoder."""
    return graph.add("VAELoader", files=[file], vae_name=file.name)[0]


def save_picture(graph: Graph, latent: Socket, decoder: Socket) -> None:
    """The decoded picture, saved under the template's name."""
    picture = graph.add("VAEDecode", samples=latent, vae=decoder)
    graph.add("SaveImage", images=picture[0], filename_prefix="tap")
