"""Lumina 2 and Z-Image: one stream of text and image tokens, the image's last before the padding."""

import math

from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ShadowedBlocks
from ..seam.shadow import Method


class LuminaAdapter(Adapter):
    """Lumina 2, Z-Image and NewBie, in `comfy.ldm.lumina.model.NextDiT`; its noise refiner runs on every step."""

    name = "Lumina 2 and Z-Image"
    stream = "x"
    attention = "attention"  # self-attention
    final = "final_layer"  # (x, t), on the whole stream
    # The noise refiner runs on the picture before block 0, so the probe needs it, and its rotary table.
    only_for_blocks = ("embed_cap", "cap_embedder", "context_refiner", "siglip_embedder", "siglip_refiner")

    def blocks(self, model: nn.Module) -> ShadowedBlocks:
        """One kind, and no hook for it."""
        return ShadowedBlocks(model.layers, returns="x")

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x)."""
        # With reference pictures their rows come first, then those of the picture.
        scale = block.adaLN_modulation(entry.args["adaln_input"]).chunk(4, dim=1)[0][-len(entry.stream) :]
        return block.attention_norm1(entry.tokens) * (1 + scale.unsqueeze(1))

    def image_tokens(self, entry: Entry) -> slice:
        """The last tokens before the padding, but for references that stand behind the picture (Ming-Image)."""
        side, references = entry.model.patch_size, entry.conditions.get("ref_frames") or ()
        behind = sum(math.prod(-(-length // side) for length in each.shape[-2:]) for each in references)
        padding = -(entry.count + behind) % (entry.model.pad_tokens_multiple or 1)
        end = entry.stream.shape[1] - padding - behind
        return slice(end - entry.count, end)


class ZImagePixelAdapter(LuminaAdapter):
    """`NextDiTPixelSpace`, where a small network paints each patch instead of a final layer."""

    name = "Z-Image, pixels"

    def final_layer(self, model: nn.Module) -> Method:
        """`dec_net(pixels, stream)`, all tokens of the batch in one row."""
        return Method(model.dec_net, "forward", position=1)
