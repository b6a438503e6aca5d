"""SeedVR2: a stream of video and one of text, all pictures of the batch in one row."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..seam.adapter import Entry
from ..seam.blocks import ReplacedBlocks
from .swapped_halves import SwappedHalvesAdapter


class SeedVR2Adapter(SwappedHalvesAdapter):
    """`comfy.ldm.seedvr.model.NaDiT`."""

    name = "SeedVR2"
    stream = "vid"

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(block=len(model.blocks))

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """RMSNorm(x) * scale + shift; the call's cache takes what later layers look up there."""
        cache, shape = entry.args["cache"], entry.args["vid_shape"]
        norm, modulate = (part.all if part.shared_weights else part.vid for part in (block.attn_norm, block.ada))
        length = cache("vid_len", lambda: shape.prod(-1))
        modulated = modulate(norm(entry.args["vid"]), emb=entry.args["emb"], layer="attn", mode="in", cache=cache,
                             branch_tag="vid", hid_len=length)  # fmt: skip
        return self.tokens(modulated, entry)

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Attention of both streams; the video's is its first argument."""
        return block.attn

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`vid_out_norm(x)`, or what stands behind it."""
        return model.vid_out if model.vid_out_norm is None else model.vid_out_norm

    def output_layer(self, model: nn.Module) -> nn.Module:
        """The projection behind it."""
        return model.vid_out.proj

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows, columns."""
        return model.vid_in.patch_size

    def half(self, entry: Entry) -> int:
        """None where all rows are of one prompt."""
        return super().half(entry) if len(set(entry.conditions["cond_or_uncond"])) > 1 else 0
