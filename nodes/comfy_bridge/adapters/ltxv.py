"""LTX-Video: one stream of video tokens, one token a latent pixel; guide frames are frames of the latent."""

from collections.abc import Sequence

from comfy.ldm.common_dit import rms_norm
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class LTXVAdapter(Adapter):
    """`comfy.ldm.lightricks.model.LTXVModel`. Where it drops some guide tokens, it is computed in full."""

    name = "LTX-Video"

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=len(model.transformer_blocks))

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.transformer_blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x) + shift, with one row for all tokens or one for each."""
        table, time = block.scale_shift_table.to(entry.stream), entry.args["vec"]
        rows = table[:2] + time.reshape(*time.shape[:2], len(table), -1)[:, :, :2]
        shift, scale = rows.unbind(dim=2)
        return rms_norm(entry.tokens) * (1 + scale) + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.attn1

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`norm_out(x)`."""
        return model.norm_out

    def output_layer(self, model: nn.Module) -> nn.Module:
        """The projection behind it."""
        return model.proj_out

    def patch(self, model: nn.Module) -> Sequence[int]:
        """No patches."""
        return (1, 1, 1)
