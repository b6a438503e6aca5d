"""The demo workflow as ComfyUI's HTTP interface takes it: node id to class and inputs."""

from __future__ import annotations

from .client import Prompt

MODEL = "tap_demo_flux.safetensors"
VAE = "tap_demo_vae.safetensors"
# Ids are words, because the server's messages name them.
SAMPLER, PICTURE, FRAMES, FILM, REPORT = "sampler", "picture", "frames", "film", "report"


def stock_prompt(seed: int, steps: int = 50, size: int = 256, prefix: str = "stock") -> Prompt:
    """The demo model without TAP: one picture."""
    sampling = {
        "seed": seed,
        "steps": steps,
        "cfg": 2.0,
        "sampler_name": "euler",
        "scheduler": "simple",
        "denoise": 1.0,
    }
    links = {"positive": ["scene", 0], "negative": ["scene", 1], "latent_image": ["empty", 0]}
    return {
        "model": node("UNETLoader", unet_name=MODEL, weight_dtype="default"),
        "vae": node("VAELoader", vae_name=VAE),
        "scene": node("TapDemoScene"),
        "empty": node("EmptySD3LatentImage", width=size, height=size, batch_size=1),
        SAMPLER: node("KSampler", model=["model", 0], **links, **sampling),
        "decode": node("VAEDecode", samples=[SAMPLER, 0], vae=["vae", 0]),
        PICTURE: node("SaveImage", images=["decode", 0], filename_prefix=prefix),
    }


def tap_prompt(seed: int, steps: int = 50, size: int = 256, prefix: str = "tap", **settings: object) -> Prompt:
    """The same with TAP Accelerate before the sampler; `settings` are inputs of that node."""
    prompt = stock_prompt(seed, steps, size, prefix)
    prompt["tap"] = node("TapAccelerate", model=["model", 0], **settings)
    prompt[SAMPLER]["inputs"]["model"] = ["tap", 0]
    return prompt


def with_views(prompt: Prompt, fps: float = 8.0) -> Prompt:
    """A TAP prompt that also saves the choice map, as frames and as a film, and the report."""
    film = {"fps": fps, "lossless": True, "quality": 100, "method": "default"}
    return {
        **prompt,
        "map": node("TapChoiceMap", record=["tap", 1], after=["decode", 0], picture=["decode", 0]),
        FRAMES: node("SaveImage", images=["map", 0], filename_prefix="choice_map/step"),
        FILM: node("SaveAnimatedWEBP", images=["map", 0], filename_prefix="choice_map", **film),
        REPORT: node("TapReport", record=["tap", 1], after=["decode", 0]),
    }


def node(kind: str, **inputs: object) -> dict:
    """One node of a prompt; a link is a list of node id and output number."""
    return {"class_type": kind, "inputs": inputs}


def fill_defaults(prompt: Prompt, known: dict[str, dict]) -> Prompt:
    """The prompt, with the default of every widget that it does not name; `known` is the answer of /object_info."""
    filled = {}
    for name, asked in prompt.items():
        required = known[asked["class_type"]]["input"].get("required", {})
        defaults = {key: default_of(spec) for key, spec in required.items() if default_of(spec) is not None}
        filled[name] = {**asked, "inputs": {**defaults, **asked["inputs"]}}
    return filled


def default_of(spec: list) -> object:
    """The default of an input as /object_info describes it; None for a link and for an empty list."""
    kind, settings = spec[0], spec[1] if len(spec) > 1 else {}
    if "default" in settings:
        return settings["default"]
    options = kind if isinstance(kind, list) else settings.get("options")
    return options[0] if options else None
