"""OmniGen 2: one stream, text first, then references, then the image."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class OmniGen2Adapter(Adapter):
    """`comfy.ldm.omnigen.omnigen2.OmniGen2Transformer2DModel`; its refiners run on every step."""

    name = "OmniGen 2"
    stream = "hidden_states"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.layers, passed=self.stream)

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.layers[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x), which is what its norm gives."""
        return block.norm1(entry.tokens, entry.args["temb"])[0]

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Queries."""
        return block.attn.to_q

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`norm_out(x, time)`, on the whole stream."""
        return model.norm_out

    def image_tokens(self, entry: Entry) -> slice:
        """The last ones."""
        return slice(-entry.count, None)
