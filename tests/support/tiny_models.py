"""ComfyUI's own model classes with tiny random weights: one for each model of the table in tests/bridge/adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import comfy.sample
import comfy.supported_models
import torch
from comfy.model_base import BaseModel
from comfy.model_patcher import ModelPatcher
from comfy.nested_tensor import NestedTensor
from torch import Tensor, nn

Shape = tuple[int, ...]
Grid = tuple[int, int, int]
CPU = torch.device("cpu")


@dataclass(frozen=True)
class TinyModel:
    """One row of the table.

    kind: class in comfy.supported_models; config: what ComfyUI detects in its file.
    sizes: latent shape of one picture -> its token grid. context: channels of the text; pooled: those of its summary.
    conditioning: what else the prompt carries, made from the latent. blocks: what counts as a block, else all of it.
    lone: ComfyUI runs it only with one picture and one prompt at a time; single: only with one picture.
    sound: shape of the sound latent that is packed after the video's.
    """

    name: str
    kind: str
    config: Mapping[str, object]
    sizes: Mapping[Shape, Grid]
    blocks: tuple[str, ...]
    context: int = 48
    pooled: int | None = None
    conditioning: Callable[[Tensor], dict[str, object]] = field(default=lambda latent: {})
    model: Callable[[object], BaseModel] | None = None
    lone: bool = False
    single: bool = False
    sound: Shape | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def batch(self) -> int:
        """Number of pictures at the same time."""
        return 1 if self.lone or self.single else 2

    @property
    def known(self) -> bool:
        """Whether this ComfyUI has the model."""
        return hasattr(comfy.supported_models, self.kind)

    def build(self, dtype: torch.dtype = torch.float32) -> BaseModel:
        """The model; the last one that was built is kept."""
        return _kept(self, dtype).model

    def patcher(self) -> ModelPatcher:
        """The kept model as nodes get it: ComfyUI loads it once, as long as nothing patches its weights."""
        return _kept(self, torch.float32).clone()

    def build_anew(self, dtype: torch.dtype = torch.float32) -> BaseModel:
        """A new model that nothing else uses."""
        config = getattr(comfy.supported_models, self.kind)(dict(self.config))
        # Some kinds set the full size for values that they do not detect.
        config.unet_config.update(self.config)
        config.set_inference_dtype(dtype, None)
        model = self.model(config) if self.model else config.get_model({}, "")
        fill(model.diffusion_model)
        return model.eval()

    def block_modules(self) -> list[nn.Module]:
        """All blocks, in order."""
        inner = self.build().diffusion_model
        if not self.blocks:
            return [inner]
        return [block for name in self.blocks for block in listed(inner.get_submodule(name))]

    def __hash__(self) -> int:
        return hash(self.name)


def listed(blocks: nn.Module) -> list[nn.Module]:
    """The blocks of a list or of a dictionary of modules."""
    return list(blocks.values()) if isinstance(blocks, nn.ModuleDict) else list(blocks)


@lru_cache(maxsize=1)
def _kept(row: TinyModel, dtype: torch.dtype) -> ModelPatcher:
    return patcher(row.build_anew(dtype))


def fill(model: nn.Module, seed: int = 0) -> None:
    """Sets random weights: ComfyUI leaves whatever was in memory."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        if weight.ndim >= 2 and "modulation" not in name.rpartition(".")[2]:
            weight.data.copy_(torch.randn(weight.shape, generator=generator) * 0.05)
        elif name.endswith(("weight", "scale")):
            weight.data.fill_(1.0)
        else:
            weight.data.copy_(torch.randn(weight.shape, generator=generator) * 0.02)
    saved = model.state_dict()
    for name, buffer in model.named_buffers():
        if name in saved and buffer.is_floating_point():
            buffer.data.copy_(torch.randn(buffer.shape, generator=generator) * 0.02)


def patcher(model: BaseModel) -> ModelPatcher:
    """What a loader node gives."""
    return ModelPatcher(model, load_device=CPU, offload_device=CPU)


def prompt(row: TinyModel, latent: Tensor, seed: int) -> list:
    """A conditioning of random text."""
    generator = torch.Generator().manual_seed(seed)
    values = row.conditioning(latent)
    if row.pooled:
        values["pooled_output"] = torch.randn(1, row.pooled, generator=generator)
    return [[torch.randn(1, 7, row.context, generator=generator), values]]


def sample(row: TinyModel, model: ModelPatcher, shape: Shape, batch: int = 1, cfg: float = 1.0, steps: int = 1,
           sampler: str = "euler") -> Tensor:
    """What a KSampler node makes of an empty latent."""
    latent = torch.zeros(batch, *shape)
    if row.sound:
        latent = NestedTensor([latent, torch.zeros(batch, *row.sound)])
    noise = comfy.sample.prepare_noise(latent, 5)
    positive, negative = prompt(row, latent, 1), prompt(row, latent, 2)
    made = comfy.sample.sample(model, noise, steps, cfg, sampler, "simple", positive, negative, latent,
                               disable_pbar=True, seed=5)
    return torch.cat([part.flatten(1) for part in made.unbind()], dim=1) if made.is_nested else made
