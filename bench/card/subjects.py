"""What is run on the card: shapes, and where the weights are from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import comfy.model_management
import comfy.model_patcher
import comfy.sd
import torch

from models.full_size import FULL_SIZES, FullSize
from models.more_sizes import MORE_SIZES
from models.random_weights import fill

SIZES = {size.name: size for size in (*FULL_SIZES, *MORE_SIZES)}
DEFAULT = "FLUX.1-dev"
SMALL = {"hidden_size": 128, "num_heads": 1, "context_in_dim": 48, "vec_in_dim": 64, "depth": 2,
         "depth_single_blocks": 2}
FP8 = torch.float8_e4m3fn
# Entries of a model's config that tell one size of a class from another.
TELLING = ("hidden_size", "dim", "depth", "num_layers", "context_in_dim", "guidance_embed")


@dataclass(frozen=True)
class Subject:
    """file: None for random weights. small: whether it runs on the processor."""

    size: FullSize
    file: Path | None
    small: bool

    @property
    def name(self) -> str:
        """Of the model, in the rows."""
        return self.file.name if self.file else f"{self.size.name}, random weights"

    def load(self, fp8: bool) -> comfy.model_patcher.ModelPatcher:
        """On the card; a file as *Load Diffusion Model* does it, with weight_dtype *fp8_e4m3fn* or *default*."""
        if self.file:
            return comfy.sd.load_diffusion_model(str(self.file), model_options={"dtype": FP8} if fp8 else {})
        device = comfy.model_management.get_torch_device()
        dtype = torch.float32 if self.small else torch.bfloat16
        base = self.size.build(device, dtype, FP8 if fp8 else None)
        fill(base.diffusion_model)
        # It stays there until it is dropped: the computer's memory need not hold it.
        return comfy.model_patcher.ModelPatcher(base, load_device=device, offload_device=device)


def subject_of(file: Path | None, shape: str | None, small: bool) -> Subject:
    """From the options; a file whose shapes are not known ends the program, with what to add."""
    if shape is not None and shape not in SIZES:
        raise SystemExit(f"There is no model called {shape}; --shape takes one of {', '.join(SIZES)}.")
    if file is None:
        size = SIZES[shape or DEFAULT]
        return Subject(shrunk(size) if small else size, None, small)
    size = SIZES[shape] if shape else size_of(file)
    return Subject(replace(size, latent=(*size.latent[:-2], 8, 8), words=(7,) * len(size.words)) if small else size,
                   file, small)


def shrunk(size: FullSize) -> FullSize:
    """FLUX's class, tiny."""
    if size.kind not in ("Flux", "FluxSchnell"):
        raise SystemExit("--cpu takes FLUX.1's shapes alone.")
    return replace(size, name=f"{size.name}, small", config={**size.config, **SMALL}, latent=(16, 8, 12), words=(7,),
                   context=48, pooled=64, size="small")


@lru_cache(maxsize=1)
def size_of(file: Path) -> FullSize:
    """The shapes of the model that is in a file."""
    config = comfy.sd.load_diffusion_model(str(file)).model.model_config
    kind = type(config).__name__
    fits = [size for size in SIZES.values() if size.kind == kind and all(
        size.config.get(name) == config.unet_config.get(name) for name in TELLING)]
    if not fits:
        raise SystemExit(f"{file.name} is a {kind} of a size that is not known here; add --shape and the name of one "
                         f"like it: {', '.join(SIZES)}.")
    return fits[0]
