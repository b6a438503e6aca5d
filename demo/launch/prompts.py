"""The demo workflow in the form that ComfyUI's HTTP interface takes: node id to class and inputs."""

from __future__ import annotations

from .client import Prompt

MODEL = "tap_demo_flux.safetensors"
VAE = "tap_demo_vae.safetensors"
# Ids are words, because they come back in the server's messages.
SAMPLER, PICTURE, FRAMES, FILM, REPORT = "sampler", "picture", "frames", "film", "report"


def stock_prompt(seed: int, steps: int = 50, size: int = 256, prefix: str = "stock") -> Prompt:
    """The demo model without TAP: one picture."""
    return {
        "model": node("UNETLoader", unet_name=MODEL, weight_dtype="default"),
        "vae": node("VAELoader", vae_name=VAE),
        "scene": node("TapDemoScene"),
        "empty": node("EmptySD3LatentImage", width=size, height=size, batch_size=1),
        SAMPLER: node(
            "KSampler",
            model=["model", 0],
            positive=["scene", 0],
            negative=["scene", 1],
            latent_image=["empty", 0],
            seed=seed,
            steps=steps,
            cfg=1.0,
            sampler_name="euler",
            scheduler="simple",
            denoise=1.0,
        ),
        "decode": node("VAEDecode", samples=[SAMPLER, 0], vae=["vae", 0]),
        PICTURE: node("SaveImage", images=["decode", 0], filename_prefix=prefix),
    }


def tap_prompt(seed: int, steps: int = 50, size: int = 256, prefix: str = "tap", **settings: object) -> Prompt:
    """The same with TAP Accelerate before the sampler; `settings` are inputs of that node."""
    prompt = stock_prompt(seed, steps, size, prefix)
    prompt["tap"] = node("TapAccelerate", model=["model", 0], **{**TAP_DEFAULTS, **settings})
    prompt[SAMPLER]["inputs"]["model"] = ["tap", 0]
    return prompt


def with_views(prompt: Prompt, fps: float = 8.0) -> Prompt:
    """A TAP prompt that also saves the choice map, as frames and as a film, and the report."""
    film = {"fps": fps, "lossless": True, "quality": 100, "method": "default"}
    return {
        **prompt,
        "map": node("TapChoiceMap", record=["tap", 1], after=["decode", 0]),
        FRAMES: node("SaveImage", images=["map", 0], filename_prefix="choice_map/step"),
        FILM: node("SaveAnimatedWEBP", images=["map", 0], filename_prefix="choice_map", **film),
        REPORT: node("TapReport", record=["tap", 1], after=["decode", 0]),
    }


def node(kind: str, **inputs: object) -> dict:
    """One node of a prompt; a link is a list of node id and output number."""
    return {"class_type": kind, "inputs": inputs}


TAP_DEFAULTS: dict[str, object] = {
    "interval": 5,
    "orders": "0,1,2",
    "horizon_from": -4,
    "horizon_to": 0,
    "proxy_loss": "cosine",
}
