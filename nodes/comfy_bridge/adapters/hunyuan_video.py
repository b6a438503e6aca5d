"""HunyuanVideo: FLUX's blocks on a video; a reference picture's tokens stand in front."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..adapter import Entry
from .flux import FluxAdapter


class HunyuanVideoAdapter(FluxAdapter):
    """HunyuanVideo, its image-to-video, 1.5 and HunyuanImage 2.1, in `comfy.ldm.hunyuan_video.model.HunyuanVideo`."""

    name = "HunyuanVideo"

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift; image-to-video may modulate the first frame by a row of its own."""
        modulation = block.img_mod(entry.args["vec"])[0]
        normed = block.img_norm1(entry.stream)
        parts = entry.args["modulation_dims_img"] or [(0, None, 0)]
        return torch.cat([
            torch.addcmul(modulation.shift[:, row : row + 1], normed[:, start:end], 1 + modulation.scale[:, row : row + 1])
            for start, end, row in parts
        ], dim=1)[:, entry.image]

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Two sizes for pictures, three for videos."""
        return model.patch_size

    def image_tokens(self, entry: Entry) -> slice:
        """The last ones."""
        return slice(-entry.count, None)
