"""Lumina 2 and Z-Image: one stream of text and image tokens, the image's last but for padding."""

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks
from ..seam.shadow import Method


class LuminaAdapter(Adapter):
    """Lumina 2, Z-Image and NewBie, in `comfy.ldm.lumina.model.NextDiT`; its refiners run on every step."""

    name = "Lumina 2 and Z-Image"
    stream = "x"

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.layers, passed="x")

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.layers[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x)."""
        # With reference pictures there are rows for them first, then those of the picture.
        scale = block.adaLN_modulation(entry.args["adaln_input"]).chunk(4, dim=1)[0][-len(entry.stream) :]
        return block.attention_norm1(entry.tokens) * (1 + scale.unsqueeze(1))

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.attention

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`final_layer(x, t)`, on the whole stream."""
        return model.final_layer

    def image_tokens(self, entry: Entry) -> slice:
        """The last ones, before what fills them up to a multiple."""
        padding = -entry.count % (entry.model.pad_tokens_multiple or 1)
        end = entry.stream.shape[1] - padding
        return slice(end - entry.count, end)


class ZImagePixelAdapter(LuminaAdapter):
    """`NextDiTPixelSpace`, where a small network paints each patch instead of a final layer."""

    name = "Z-Image, pixels"

    def final_layer(self, model: nn.Module) -> Method:
        """`dec_net(pixels, stream)`, all tokens in one row."""
        return Method(model.dec_net, "forward", position=1)
