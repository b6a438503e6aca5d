"""Runs prompts of the demo model on a real server and reads their outputs."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import load
from tap_pack.demo.launch.client import Prompt, PromptRun, Watcher, run_prompt
from tap_pack.demo.launch.prompts import FRAMES, PICTURE, REPORT, SAMPLER, fill_defaults, node
from tap_pack.demo.launch.server import Server
from torch import Tensor


@dataclass(frozen=True)
class ServedPack:
    """A ComfyUI server that knows the pack, the folder it writes to, and its /object_info."""

    server: Server
    base: Path
    known: dict

    def run(self, prompt: Prompt, watch: Watcher | None = None) -> PromptRun:
        """Runs a prompt and makes sure that the sampler really ran and was not cached."""
        run = run_prompt(self.server.url, fill_defaults(prompt, self.known), watch=watch)
        assert SAMPLER not in prompt or run.seconds_in(SAMPLER) is not None
        return run

    def picture(self, run: PromptRun) -> np.ndarray:
        """The picture that the prompt saved, [H, W, 3] in 0..255."""
        data = self.server.fetch(run.outputs[PICTURE]["images"][0])
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)

    def latent(self, run: PromptRun) -> Tensor:
        """The latent that the prompt saved, in full precision."""
        return load(self.server.fetch(run.outputs["latent"]["latents"][0]))["latent_tensor"]

    def report(self, run: PromptRun) -> dict:
        """What TapReport says."""
        return json.loads(run.outputs[REPORT]["tap_report"][0])

    def frames(self, run: PromptRun) -> int:
        """The number of frames of the choice map."""
        return len(run.outputs[FRAMES]["images"])


def with_latent(prompt: Prompt) -> Prompt:
    """The same prompt, which also saves the latent."""
    return {**prompt, "latent": node("SaveLatent", samples=[SAMPLER, 0], filename_prefix="latent")}


def with_report(prompt: Prompt) -> Prompt:
    """The same TAP prompt with its report, and without the choice map, which takes longer than a small picture."""
    return {**prompt, REPORT: node("TapReport", record=["tap", 1], after=["decode", 0])}
