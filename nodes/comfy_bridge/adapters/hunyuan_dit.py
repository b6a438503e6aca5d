"""HunyuanDiT: blocks with long skip connections."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class HunyuanDiTAdapter(Adapter):
    """`comfy.ldm.hydit.models.HunYuanDiT`."""

    name = "HunyuanDiT"
    attention = "attn1"  # self-attention
    final = "final_layer"  # (x, c)

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=model.blocks)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """LayerNorm(x) + shift."""
        return block.norm1(entry.tokens) + block.default_modulation(entry.args["vec"]).unsqueeze(1)
