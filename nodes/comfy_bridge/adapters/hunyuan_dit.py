"""HunyuanDiT: blocks with long skip connections."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class HunyuanDiTAdapter(Adapter):
    """`comfy.ldm.hydit.models.HunYuanDiT`."""

    name = "HunyuanDiT"

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=len(model.blocks))

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """LayerNorm(x) + shift."""
        return block.norm1(entry.tokens) + block.default_modulation(entry.args["vec"]).unsqueeze(1)

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.attn1

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`final_layer(x, c)`."""
        return model.final_layer
