"""From a text to a video."""

from __future__ import annotations

from .edits import sample_guided
from .files import CLIP_L, UMT5, WAN_VAE, checkpoint, encoder, model, vae
from .graph import Graph
from .notes import all_computed, model_note
from .pictures import load_encoders, load_parts, load_vae
from .sockets import Socket

FOX = "a red fox walks through fresh snow between birch trees, slow camera, soft winter light"
BOAT = "a paper boat drifts down a brook in a spring forest, sunlight on the water, the camera follows it"
UNWANTED = "blurry, low quality, still picture, subtitles, watermark"
MEMORY = "*cache_device* (advanced): *cpu* frees memory on the graphics card; use it if the video is long."

WAN_2_1 = model("Comfy-Org/Wan_2.1_ComfyUI_repackaged", "wan2.1_t2v_1.3B_fp16.safetensors")
WAN_2_2 = "Comfy-Org/Wan_2.2_ComfyUI_Repackaged"
HIGH = model(WAN_2_2, "wan2.2_t2v_high_noise_14B_fp8_scaled.safetensors")
LOW = model(WAN_2_2, "wan2.2_t2v_low_noise_14B_fp8_scaled.safetensors")
HUNYUAN = "Comfy-Org/HunyuanVideo_1.5_repackaged"
HUNYUAN_1_5 = model(HUNYUAN, "hunyuanvideo1.5_720p_t2v_fp16.safetensors")
HUNYUAN_ENCODERS = (encoder(HUNYUAN, "qwen_2.5_vl_7b_fp8_scaled.safetensors"),
                    encoder(HUNYUAN, "byt5_small_glyphxl_fp16.safetensors"))
HUNYUAN_VAE = vae(HUNYUAN, "hunyuanvideo15_vae_fp16.safetensors")
FIRST = "Comfy-Org/HunyuanVideo_repackaged"
HUNYUAN_1 = model(FIRST, "hunyuan_video_t2v_720p_bf16.safetensors")
HUNYUAN_1_ENCODERS = (CLIP_L, encoder(FIRST, "llava_llama3_fp8_scaled.safetensors"))
HUNYUAN_1_VAE = vae(FIRST, "hunyuan_video_vae_bf16.safetensors")
LTX_2 = checkpoint("Lightricks/LTX-2", "ltx-2-19b-dev-fp8.safetensors")
GEMMA = encoder("Comfy-Org/ltx-2", "gemma_3_12B_it_fp4_mixed.safetensors")


def save_video(graph: Graph, frames: Socket, fps: float, sound: Socket | None = None) -> None:
    """The frames, and sound if there is any, as a video."""
    heard = {"audio": sound} if sound else {}
    video = graph.add("CreateVideo", images=frames, fps=fps, **heard)
    graph.add("SaveVideo", video=video[0], filename_prefix="video/tap", codec="auto")


def prompts(graph: Graph, clip: Socket, text: str, negative: str = UNWANTED) -> tuple[Socket, Socket]:
    """Both prompts."""
    return (graph.add("CLIPTextEncode", "Prompt", clip=clip, text=text)[0],
            graph.add("CLIPTextEncode", "Negative prompt", clip=clip, text=negative)[0])


def wan_2_1(graph: Graph) -> None:
    """Wan 2.1 t2v 1.3B: 30 steps of uni_pc, cfg 6, shift 8."""
    graph.note(model_note("Faster Wan 2.1", "30 steps with two prompts each. With guidance as strong as this *close* "
                          "computed 19 to 30 of them on three small models, *good* 14 to 30, *draft* 10 to 16.",
                          [WAN_2_1, UMT5, WAN_VAE], [MEMORY]), 430)
    made, clip, decoder = load_parts(graph, WAN_2_1, [UMT5], "wan", WAN_VAE)
    positive, negative = prompts(graph, clip, FOX)
    latent = graph.add("EmptyHunyuanLatentVideo", width=832, height=480, length=33)[0]
    made = graph.add("ModelSamplingSD3", model=made, shift=8.0)[0]
    graph.column()
    made = graph.add("TapAccelerate", model=made)[0]
    graph.column(380)
    drawn = graph.add("KSampler", model=made, positive=positive, negative=negative, latent_image=latent, seed=7,
                      steps=30, cfg=6.0, sampler_name="uni_pc")[0]
    save_video(graph, graph.add("VAEDecode", samples=drawn, vae=decoder)[0], 16.0)


def wan_2_2(graph: Graph) -> None:
    """Wan 2.2 t2v 14B: ten steps of each of two models, cfg 3.5, shift 5."""
    graph.columns(280)
    graph.note(model_note("Faster Wan 2.2", "Two models share the 20 steps: one for high noise, one for low noise. "
                          "**Each has its own TAP Accelerate** and its own line below it.",
                          [HIGH, LOW, UMT5, WAN_VAE],
                          ["The high noise model decides on motion and composition: if these differ, raise its "
                           "*quality* first.", MEMORY]), 560)
    models = [graph.add("UNETLoader", f"Load Diffusion Model, {name}", [file], unet_name=file.name)[0]
              for name, file in (("high noise", HIGH), ("low noise", LOW))]
    clip = load_encoders(graph, [UMT5], "wan")[0]
    decoder = load_vae(graph, WAN_VAE)
    graph.column()
    positive, negative = prompts(graph, clip, BOAT)
    latent = graph.add("EmptyHunyuanLatentVideo", width=640, height=640, length=81)[0]
    models = [graph.add("ModelSamplingSD3", model=made, shift=5.0)[0] for made in models]
    graph.column()
    models = [graph.add("TapAccelerate", f"TAP Accelerate, {name}", model=made)[0]
              for name, made in zip(("high noise", "low noise"), models, strict=True)]
    graph.column()
    shared = {"positive": positive, "negative": negative, "noise_seed": 7, "steps": 20, "cfg": 3.5,
              "sampler_name": "euler", "scheduler": "simple"}
    half = graph.add("KSamplerAdvanced", "KSampler, high noise", model=models[0], latent_image=latent,
                     add_noise="enable", end_at_step=10, return_with_leftover_noise="enable", **shared)[0]
    drawn = graph.add("KSamplerAdvanced", "KSampler, low noise", model=models[1], latent_image=half,
                      add_noise="disable", start_at_step=10, return_with_leftover_noise="disable", **shared)[0]
    graph.column(330)
    save_video(graph, graph.add("VAEDecode", samples=drawn, vae=decoder)[0], 16.0)


def hunyuan(graph: Graph) -> None:
    """HunyuanVideo 1.5 t2v 720p: 20 steps, cfg 6, shift 7."""
    graph.note(model_note("Faster HunyuanVideo 1.5", "121 frames in 20 steps with two prompts each. "
                          + all_computed("close", "good", "14 or 15 of 20"),
                          [HUNYUAN_1_5, *HUNYUAN_ENCODERS, HUNYUAN_VAE], [MEMORY]), 430)
    made, clip, decoder = load_parts(graph, HUNYUAN_1_5, HUNYUAN_ENCODERS, "hunyuan_video_15", HUNYUAN_VAE)
    positive, negative = prompts(graph, clip, FOX, "")
    latent = graph.add("EmptyHunyuanVideo15Latent", width=1280, height=720, length=121)[0]
    made = graph.add("ModelSamplingSD3", model=made, shift=7.0)[0]
    graph.column()
    sigmas = graph.add("BasicScheduler", model=made, scheduler="simple", steps=20)[0]
    drawn = sample_guided(graph, made, positive, negative, latent, sigmas, 6.0, quality="good")
    save_video(graph, graph.add("VAEDecode", samples=drawn, vae=decoder)[0], 24.0)


def hunyuan_1(graph: Graph) -> None:
    """HunyuanVideo t2v 720p: 20 steps, guidance 6, shift 7."""
    graph.note(model_note("Faster HunyuanVideo", "73 frames in 20 steps: TAP computes only as many as "
                          "*quality* needs.", [HUNYUAN_1, *HUNYUAN_1_ENCODERS, HUNYUAN_1_VAE], [MEMORY]), 430)
    made, clip, decoder = load_parts(graph, HUNYUAN_1, HUNYUAN_1_ENCODERS, "hunyuan_video", HUNYUAN_1_VAE)
    prompt = graph.add("CLIPTextEncode", "Prompt", clip=clip, text=FOX)[0]
    positive = graph.add("FluxGuidance", conditioning=prompt, guidance=6.0)[0]
    latent = graph.add("EmptyHunyuanLatentVideo", width=848, height=480, length=73)[0]
    made = graph.add("ModelSamplingSD3", model=made, shift=7.0)[0]
    graph.column()
    sigmas = graph.add("BasicScheduler", model=made, scheduler="simple", steps=20)[0]
    drawn = sample_guided(graph, made, positive, None, latent, sigmas, 1.0)
    frames = graph.add("VAEDecodeTiled", samples=drawn, vae=decoder, tile_size=256)[0]
    save_video(graph, frames, 24.0)


def ltx_2(graph: Graph) -> None:
    """LTX-2 t2v, first pass: 20 steps of euler_ancestral on its own scheduler, cfg 4, with sound."""
    graph.columns(280)
    graph.note(model_note("Faster LTX-2", "Video and sound in 20 steps: the first pass of ComfyUI's template, without "
                          "its upscaler. The sampler adds noise at each step, which no forecast knows of. "
                          + all_computed("good", "draft", "12 to 14 of 20"),
                          [LTX_2, GEMMA], [MEMORY]), 430)
    loaded = graph.add("CheckpointLoaderSimple", files=[LTX_2], ckpt_name=LTX_2.name)
    clip = graph.add("LTXAVTextEncoderLoader", files=[GEMMA, LTX_2], text_encoder=GEMMA.name, ckpt_name=LTX_2.name)[0]
    sound = graph.add("LTXVAudioVAELoader", files=[LTX_2], ckpt_name=LTX_2.name)[0]
    graph.column()
    told = prompts(graph, clip, FOX)
    told = graph.add("LTXVConditioning", positive=told[0], negative=told[1], frame_rate=25.0)
    video = graph.add("EmptyLTXVLatentVideo", width=768, height=512, length=97)[0]
    audio = graph.add("LTXVEmptyLatentAudio", audio_vae=sound, frames_number=97, frame_rate=25)[0]
    both = graph.add("LTXVConcatAVLatent", video_latent=video, audio_latent=audio)[0]
    graph.column()
    sigmas = graph.add("LTXVScheduler", steps=20, latent=both)[0]
    drawn = sample_guided(graph, loaded[0], told[0], told[1], both, sigmas, 4.0, "euler_ancestral", 280, "draft")
    graph.column(330)
    parts = graph.add("LTXVSeparateAVLatent", av_latent=drawn)
    frames = graph.add("VAEDecodeTiled", samples=parts[0], vae=loaded[2], temporal_size=4096)[0]
    heard = graph.add("LTXVAudioVAEDecode", samples=parts[1], audio_vae=sound)[0]
    save_video(graph, frames, 25.0, heard)


VIDEOS = {
    "15 Faster Wan 2.1 video": wan_2_1,
    "16 Faster Wan 2.2 video": wan_2_2,
    "17 Faster HunyuanVideo 1.5": hunyuan,
    "18 Faster HunyuanVideo": hunyuan_1,
    "19 Faster LTX-2 video": ltx_2,
}
