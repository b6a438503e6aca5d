"""AuraFlow: double stream blocks, then single stream blocks with the text's tokens first."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class AuraFlowAdapter(Adapter):
    """`comfy.ldm.aura.mmdit.MMDiT`."""

    name = "AuraFlow"
    attention = "attn.w2q"  # queries of the image stream
    final = "final_linear"  # (x); it gets the stream modulated, so the modulation is forecast too

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """Double blocks, then single blocks."""
        return ReplacedBlocks(double_block=model.double_layers, single_block=model.single_layers)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        shift, scale = block.modX(entry.args["vec"]).unsqueeze(1).chunk(6, dim=-1)[:2]
        return block.normX1(entry.tokens) * (1 + scale) + shift
