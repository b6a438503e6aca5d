"""AuraFlow: double stream blocks, then single ones with the text's tokens first."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class AuraFlowAdapter(Adapter):
    """`comfy.ldm.aura.mmdit.MMDiT`."""

    name = "AuraFlow"

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """Double blocks, then single blocks."""
        return ReplacedBlocks(double_block=len(model.double_layers), single_block=len(model.single_layers))

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first double block."""
        return model.double_layers[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        shift, scale = block.modX(entry.args["vec"]).unsqueeze(1).chunk(6, dim=-1)[:2]
        return block.normX1(entry.tokens) * (1 + scale) + shift

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Queries of the image stream."""
        return block.attn.w2q

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`final_linear(x)`; the stream comes to it modulated, which is then part of what is forecast."""
        return model.final_linear
