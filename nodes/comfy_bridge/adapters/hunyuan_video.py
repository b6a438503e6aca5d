"""HunyuanVideo: FLUX's blocks on a video; a reference picture's tokens stand first."""

import torch
from torch import Tensor, nn

from ..seam.adapter import Entry
from .flux import FluxAdapter


class HunyuanVideoAdapter(FluxAdapter):
    """HunyuanVideo, its image-to-video, 1.5 and HunyuanImage 2.1, in `comfy.ldm.hunyuan_video.model.HunyuanVideo`."""

    name = "HunyuanVideo"
    image_is_last = True
    cuts = {"pe": (2,), "attention_mask": (-2, -1), "modulation_dims_img": (), "modulation_dims": ()}
    only_for_blocks = ("pe_embedder", "txt_in", "byt5_in", "vision_in", "cond_type_embedding")

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift; image-to-video may modulate the first frame with a row of its own."""
        modulation, ranges = block.img_mod(entry.args["vec"])[0], entry.args["modulation_dims_img"]
        if ranges is None:
            return torch.addcmul(modulation.shift, block.img_norm1(entry.tokens), 1 + modulation.scale)
        normed = block.img_norm1(entry.stream)
        for start, end, row in ranges:
            normed[:, start:end] *= 1 + modulation.scale[:, row : row + 1]
            normed[:, start:end] += modulation.shift[:, row : row + 1]
        return normed[:, entry.image]
