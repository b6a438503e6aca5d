"""LTX-Video: one stream of video tokens, one token for each latent pixel; guide frames are frames of the latent."""

from comfy.ldm.common_dit import rms_norm
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class LTXVAdapter(Adapter):
    """`comfy.ldm.lightricks.model.LTXVModel`. Where it drops some guide tokens, it is computed in full."""

    name = "LTX-Video"
    attention = "attn1"  # self-attention
    final = "norm_out"  # (x)
    output = "proj_out"  # the projection after it
    patch_size = (1, 1, 1)  # no patches
    only_for_blocks = ("_prepare_context", "caption_projection", "_prepare_positional_embeddings")

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=model.transformer_blocks)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x) + shift, with one row for all tokens or one for each."""
        table, time = block.scale_shift_table.to(entry.stream), entry.args["vec"]
        rows = table[:2] + time.reshape(*time.shape[:2], len(table), -1)[:, :, :2]
        shift, scale = rows.unbind(dim=2)
        return rms_norm(entry.tokens) * (1 + scale) + shift
