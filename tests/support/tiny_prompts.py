"""Prompts for the tiny models of the tests' own pack, for a server that has it."""

from __future__ import annotations

from tap_pack.demo.launch.client import Prompt
from tap_pack.demo.launch.prompts import SAMPLER, node


def tiny_prompt(name: str, seed: int, **sampling: object) -> Prompt:
    """A tiny model without TAP."""
    usual = {"steps": 6, "cfg": 2.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0}
    links = {"model": ["tiny", 0], "positive": ["tiny", 1], "negative": ["tiny", 2], "latent_image": ["tiny", 3]}
    return {
        "tiny": node("TinyModel", name=name),
        SAMPLER: node("KSampler", seed=seed, **links, **{**usual, **sampling}),
        "digest": node("LatentDigest", latent=[SAMPLER, 0]),
    }


def accelerated(prompt: Prompt, **settings: object) -> Prompt:
    """The same with TAP Accelerate after the model."""
    sampler = {**prompt[SAMPLER], "inputs": {**prompt[SAMPLER]["inputs"], "model": ["tap", 0]}}
    return {**prompt, "tap": node("TapAccelerate", model=["tiny", 0], **settings), SAMPLER: sampler}
