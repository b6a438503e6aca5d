"""OmniGen 2: one stream, text first, then references, then the image."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks


class OmniGen2Adapter(Adapter):
    """`comfy.ldm.omnigen.omnigen2.OmniGen2Transformer2DModel`; its refiners run on every step."""

    name = "OmniGen 2"
    stream = "hidden_states"
    attention = "attn.to_q"  # queries
    final = "norm_out"  # (x, time), on the whole stream
    image_is_last = True

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.layers, returns=self.stream)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x): the norm gives this."""
        return block.norm1(entry.tokens, entry.args["temb"])[0]
