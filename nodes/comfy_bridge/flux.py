"""FLUX: double and single stream blocks, image tokens first, reference tokens behind them."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .adapter import BlockKey, Grid


class FluxAdapter:
    """FLUX.1 dev and schnell, in ComfyUI's class `comfy.ldm.flux.model.Flux`."""

    name = "FLUX"

    def block_keys(self, model: nn.Module) -> list[BlockKey]:
        """Double blocks, then single blocks."""
        double = [("double_block", i) for i in range(len(model.double_blocks))]
        return double + [("single_block", i) for i in range(len(model.single_blocks))]

    def probe(self, model: nn.Module, stream: Tensor, args: Mapping[str, object]) -> Tensor:
        """(1 + scale) * LayerNorm(stream) + shift, [B, N, D], as the first double block computes it."""
        block = model.double_blocks[0]
        modulation = block.img_mod(args["vec"])[0]
        # With index_timestep_zero references there are two rows; image tokens take the first.
        shift, scale = modulation.shift[:, :1], modulation.scale[:, :1]
        return torch.addcmul(shift, block.img_norm1(stream), 1 + scale)

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`final_layer(img, vec)`; text tokens are cut off before it."""
        return model.final_layer

    def grid(self, model: nn.Module, latent: Tensor) -> Grid:
        """One frame; sizes are padded up to whole patches."""
        rows, columns = (-(-size // model.patch_size) for size in latent.shape[-2:])
        return 1, rows, columns

    def image_tokens(self, count: int) -> slice:
        """The first ones."""
        return slice(0, count)
