"""Tiny FLUX models of ComfyUI's own classes, prompts for them, and their sampling as ComfyUI does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import comfy.model_patcher
import comfy.sample
import comfy.supported_models
import torch
from tap_pack.nodes.accelerate import TapAccelerate
from tap_pack.tap_core.record.record import TapRecord
from torch import Tensor, nn

SHAPE = {
    "image_model": "flux", "in_channels": 16, "out_channels": 16, "vec_in_dim": 64, "context_in_dim": 48,
    "hidden_size": 128, "mlp_ratio": 4.0, "num_heads": 1, "depth": 2, "depth_single_blocks": 2,
    "axes_dim": [16, 56, 56], "theta": 10000, "patch_size": 2, "qkv_bias": True, "txt_ids_dims": [],
}
BLOCKS = 4
STEPS = 12
CPU = torch.device("cpu")


def tiny_flux(
    guidance: bool = True, dtype: torch.dtype = torch.float32, seed: int = 0, **shape: object
) -> comfy.model_patcher.ModelPatcher:
    """A FLUX.1 with random weights: dev, or schnell without guidance."""
    kind = comfy.supported_models.Flux if guidance else comfy.supported_models.FluxSchnell
    config = kind({**SHAPE, "guidance_embed": guidance, **shape})
    config.set_inference_dtype(dtype, None)
    model = config.get_model({}, "")
    fill(model.diffusion_model, seed)
    return comfy.model_patcher.ModelPatcher(model, load_device=CPU, offload_device=CPU)


def loaded_flux() -> comfy.model_patcher.ModelPatcher:
    """FLUX.1 with guidance, once sampled: ComfyUI leaves marks on a model when it first loads it."""
    model = tiny_flux()
    sample(model, 1)
    return model


def fill(model: nn.Module, seed: int) -> None:
    """Random weights, small enough that the model's answers change smoothly from step to step."""
    random = torch.Generator().manual_seed(seed)
    for name, weights in model.named_parameters():
        if weights.ndim > 1:
            weights.data.copy_(torch.randn(weights.shape, generator=random) * 0.05)
        elif name.endswith(("weight", "scale")):
            weights.data.fill_(1.0)
        else:
            weights.data.copy_(torch.randn(weights.shape, generator=random) * 0.02)


def prompt(words: int = 7, seed: int = 1, **extra: object) -> list:
    """Conditioning as a text of this many tokens gives it; two seeds give very different pictures."""
    random = torch.Generator().manual_seed(seed)
    text = 10 * torch.randn(1, words, 48, generator=random)
    return [[text, {"pooled_output": 10 * torch.randn(1, 64, generator=random), **extra}]]


def sample(
    model: comfy.model_patcher.ModelPatcher, steps: int = STEPS, cfg: float = 1.0, sampler: str = "euler", *,
    seed: int = 5, size: tuple[int, int] = (8, 12), batch: int = 1, positive: list | None = None,
    negative: list | None = None, latent: Tensor | None = None, scheduler: str = "simple", **options: object,
) -> Tensor:
    """Latents [batch, 16, *size] of one run, in inference mode, as ComfyUI runs its nodes."""
    latent = torch.zeros(batch, 16, *size) if latent is None else latent
    with torch.inference_mode():
        return comfy.sample.sample(
            model, comfy.sample.prepare_noise(latent, seed), steps, cfg, sampler, scheduler,
            prompt() if positive is None else positive, prompt(seed=2) if negative is None else negative,
            latent, disable_pbar=True, seed=seed, **options,
        )


# With these, the places of the full steps and the changes of x are known in advance.
PAPER = {"quality": "fixed", "target": "residual", "correction": "off", "placement": "paper", "trust": "full",
         "probe_stride": 1}


class Accelerated:
    """A model after a TAP Accelerate node with these inputs; the others are PAPER's, else the node's defaults."""

    def __init__(self, model: comfy.model_patcher.ModelPatcher, **inputs: object) -> None:
        defaults = {i.id: getattr(i, "default", None) for i in TapAccelerate.GET_SCHEMA().inputs if i.id != "model"}
        unknown = inputs.keys() - defaults.keys()
        assert not unknown, unknown
        given = {name: value for name, value in {**defaults, **PAPER, **inputs}.items() if value is not None}
        self.model, self.holder = TapAccelerate.execute(model, **given).args

    def sample(self, *args: object, **options: object) -> Tensor:
        """The same as the function `sample`, with this model."""
        return sample(self.model, *args, **options)

    @property
    def record(self) -> TapRecord:
        """The record of the latest run."""
        record = self.holder.latest
        assert record is not None, "no run"
        return record


def blocks(model: comfy.model_patcher.ModelPatcher) -> list[nn.Module]:
    """All blocks, in the order in which they run."""
    flux = model.model.diffusion_model
    return [*flux.double_blocks, *flux.single_blocks]


@contextmanager
def counted_blocks(model: comfy.model_patcher.ModelPatcher) -> Iterator[Counter[int]]:
    """The number of runs of each block inside the context, by its place."""
    counts: Counter[int] = Counter()

    def count(place: int) -> object:
        return lambda *_: counts.update([place])

    hooks = [block.register_forward_hook(count(place)) for place, block in enumerate(blocks(model))]
    try:
        yield counts
    finally:
        for hook in hooks:
            hook.remove()


def distance(one: Tensor, other: Tensor) -> float:
    """Relative error of `one` against `other`."""
    return float((one - other).norm() / other.norm())
