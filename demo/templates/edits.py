"""Pictures made from a picture, and models whose sampler is put together from parts."""

from __future__ import annotations

from .files import CLIP_L, FLUX_VAE, QWEN_VAE, QWEN_VL, T5_FP8, encoder, model, vae
from .graph import Graph
from .notes import all_computed, model_note
from .pictures import CABIN, LIGHTHOUSE, load_parts, save_picture
from .sockets import Socket

KONTEXT = model("Comfy-Org/flux1-kontext-dev_ComfyUI", "flux1-dev-kontext_fp8_scaled.safetensors")
FLUX_2 = model("Comfy-Org/flux2-dev", "flux2_dev_fp8mixed.safetensors")
MISTRAL = encoder("Comfy-Org/flux2-dev", "mistral_3_small_flux2_bf16.safetensors")
FLUX_2_VAE = vae("Comfy-Org/flux2-dev", "flux2-vae.safetensors")
KLEIN = model("Comfy-Org/flux2-klein", "flux-2-klein-base-4b.safetensors")
KLEIN_ENCODER = encoder("Comfy-Org/flux2-klein", "qwen_3_4b.safetensors")
EDIT = model("Comfy-Org/Qwen-Image-Edit_ComfyUI", "qwen_image_edit_2511_fp8mixed.safetensors")
CHROMA = model("Comfy-Org/Chroma1-HD_repackaged", "Chroma1-HD-fp8mixed.safetensors")
YOURS = "*Load Image*: choose your own picture."
# A picture of the person's: ComfyUI brings one of this name.
INPUT = "example.png"
WINTER = "make it a snowy winter evening, keep everything else"


def flux_kontext(graph: Graph) -> None:
    """FLUX.1 Kontext dev: 20 steps, guidance 2.5."""
    graph.note(model_note("Faster FLUX.1 Kontext", "Changes a picture by a sentence. Only the tokens of the "
                          "new picture are forecast; those of your picture are never changed.",
                          [KONTEXT, CLIP_L, T5_FP8, FLUX_VAE], [YOURS]), 430)
    made, clip, decoder = load_parts(graph, KONTEXT, [CLIP_L, T5_FP8], "flux", FLUX_VAE)
    picture = graph.add("FluxKontextImageScale", image=graph.add("LoadImage", image=INPUT)[0])[0]
    latent = graph.add("VAEEncode", pixels=picture, vae=decoder)[0]
    prompt = graph.add("CLIPTextEncode", "Prompt", clip=clip, text=WINTER)
    negative = graph.add("ConditioningZeroOut", conditioning=prompt[0])[0]
    graph.column()
    told = graph.add("ReferenceLatent", conditioning=prompt[0], latent=latent)[0]
    positive = graph.add("FluxGuidance", conditioning=told, guidance=2.5)[0]
    made = graph.add("TapAccelerate", model=made)[0]
    graph.column(380)
    drawn = graph.add("KSampler", model=made, positive=positive, negative=negative, latent_image=latent, seed=7,
                      steps=20, cfg=1.0)
    save_picture(graph, drawn[0], decoder)


def qwen_edit(graph: Graph) -> None:
    """Qwen-Image Edit 2511: 40 steps, cfg 4."""
    graph.columns(280)
    graph.note(model_note("Faster Qwen-Image Edit", "Changes a picture by a sentence, in 40 steps with two prompts "
                          "each.", [EDIT, QWEN_VL, QWEN_VAE], [YOURS]), 400)
    made, clip, decoder = load_parts(graph, EDIT, [QWEN_VL], "qwen_image", QWEN_VAE)
    picture = graph.add("FluxKontextImageScale", image=graph.add("LoadImage", image=INPUT)[0])[0]
    latent = graph.add("VAEEncode", pixels=picture, vae=decoder)[0]
    shifted = graph.add("ModelSamplingAuraFlow", model=made, shift=3.1)[0]
    made = graph.add("CFGNorm", model=shifted)[0]
    graph.column()
    told = [_edit_prompt(graph, title, clip, decoder, picture, text) for title, text in
            (("Prompt", WINTER), ("Negative prompt", ""))]
    graph.column()
    made = graph.add("TapAccelerate", model=made)[0]
    graph.column(330)
    drawn = graph.add("KSampler", model=made, positive=told[0], negative=told[1], latent_image=latent, seed=7, steps=40,
                      cfg=4.0)
    save_picture(graph, drawn[0], decoder)


def _edit_prompt(graph: Graph, title: str, clip: Socket, decoder: Socket, picture: Socket, text: str) -> Socket:
    told = graph.add("TextEncodeQwenImageEditPlus", title, clip=clip, vae=decoder, image1=picture, prompt=text)
    return graph.add("FluxKontextMultiReferenceLatentMethod", conditioning=told[0],
                     reference_latents_method="index_timestep_zero")[0]


def flux_2(graph: Graph) -> None:
    """FLUX.2 dev: 20 steps, guidance 4, its own scheduler."""
    graph.note(model_note("Faster FLUX.2 dev", "20 steps of a 32B model: each step that is forecast saves much.",
                          [FLUX_2, MISTRAL, FLUX_2_VAE]), 400)
    made, clip, decoder = load_parts(graph, FLUX_2, [MISTRAL], "flux2", FLUX_2_VAE)
    prompt = graph.add("CLIPTextEncode", "Prompt", clip=clip, text=CABIN)[0]
    positive = graph.add("FluxGuidance", conditioning=prompt, guidance=4.0)[0]
    _flux_2_end(graph, made, decoder, positive, None, 20)


def flux_2_klein(graph: Graph) -> None:
    """FLUX.2 Klein base 4B: 20 steps, cfg 5, its own scheduler."""
    graph.note(model_note("Faster FLUX.2 Klein", "The small FLUX.2, not made for few steps: 20 with two prompts each. "
                          + all_computed("close", "good", "12 to 14 of 20"), [KLEIN, KLEIN_ENCODER, FLUX_2_VAE]), 430)
    made, clip, decoder = load_parts(graph, KLEIN, [KLEIN_ENCODER], "flux2", FLUX_2_VAE)
    positive = graph.add("CLIPTextEncode", "Prompt", clip=clip, text=CABIN)[0]
    negative = graph.add("CLIPTextEncode", "Negative prompt", clip=clip, text="")[0]
    _flux_2_end(graph, made, decoder, positive, negative, 20, "good")


def _flux_2_end(
    graph: Graph, made: Socket, decoder: Socket, positive: Socket, negative: Socket | None, steps: int,
    quality: str = "close",
) -> None:
    """The latter half of both FLUX.2 templates; without a negative prompt there is no cfg."""
    latent = graph.add("EmptyFlux2LatentImage", width=1024, height=1024)[0]
    sigmas = graph.add("Flux2Scheduler", steps=steps, width=1024, height=1024)[0]
    graph.column()
    save_picture(graph, sample_guided(graph, made, positive, negative, latent, sigmas, 5.0, quality=quality), decoder)


def chroma(graph: Graph) -> None:
    """Chroma1-HD: 26 steps on the beta schedule, cfg 3.5."""
    graph.note(model_note("Faster Chroma", "26 steps with two prompts each: TAP computes only as many as *quality* "
                          "needs.", [CHROMA, T5_FP8, FLUX_VAE]), 400)
    made, clip, decoder = load_parts(graph, CHROMA, [T5_FP8], "chroma", FLUX_VAE)
    clip = graph.add("T5TokenizerOptions", clip=clip)[0]
    positive = graph.add("CLIPTextEncode", "Prompt", clip=clip, text=LIGHTHOUSE)[0]
    negative = graph.add("CLIPTextEncode", "Negative prompt", clip=clip, text="low quality, unfinished, blurred")[0]
    latent = graph.add("EmptySD3LatentImage", width=1024, height=1024)[0]
    graph.column()
    made = graph.add("ModelSamplingAuraFlow", model=made, shift=1.0)[0]
    sigmas = graph.add("BasicScheduler", model=made, scheduler="beta", steps=26)[0]
    save_picture(graph, sample_guided(graph, made, positive, negative, latent, sigmas, 3.5), decoder)


def sample_guided(
    graph: Graph, made: Socket, positive: Socket, negative: Socket | None, latent: Socket, sigmas: Socket, cfg: float,
    sampler: str = "euler", width: int = 380, quality: str = "close",
) -> Socket:
    """TAP Accelerate, and the latent of a sampler that is put together from parts; in two columns."""
    noise = graph.add("RandomNoise", noise_seed=7)[0]
    chosen = graph.add("KSamplerSelect", sampler_name=sampler)[0]
    made = graph.add("TapAccelerate", model=made, quality=quality)[0]
    graph.column(width)
    if negative is None:
        guider = graph.add("BasicGuider", model=made, conditioning=positive)[0]
    else:
        guider = graph.add("CFGGuider", model=made, positive=positive, negative=negative, cfg=cfg)[0]
    return graph.add("SamplerCustomAdvanced", noise=noise, guider=guider, sampler=chosen, sigmas=sigmas,
                     latent_image=latent)[0]


EDITS = {
    "07 Faster FLUX.1 Kontext": flux_kontext,
    "08 Faster FLUX.2 dev": flux_2,
    "09 Faster FLUX.2 Klein": flux_2_klein,
    "12 Faster Qwen-Image Edit": qwen_edit,
    "20 Faster Chroma": chroma,
}
