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
    attention = "attn"  # attention of both streams; the video's is its first argument
    output = "vid_out.proj"  # the projection after it

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(block=model.blocks)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """RMSNorm(x) * scale + shift; the call's cache keeps what later layers need."""
        cache, shape = entry.args["cache"], entry.args["vid_shape"]
        norm, modulate = (part.all if part.shared_weights else part.vid for part in (block.attn_norm, block.ada))
        length = cache("vid_len", lambda: shape.prod(-1))
        modulated = modulate(norm(entry.args["vid"]), emb=entry.args["emb"], layer="attn", mode="in", cache=cache,
                             branch_tag="vid", hid_len=length)  # fmt: skip
        return self.tokens(modulated, entry)

    def final_layer(self, model: nn.Module) -> nn.Module:
        """`vid_out_norm(x)`, or the layer after it if there is no norm."""
        return model.vid_out if model.vid_out_norm is None else model.vid_out_norm

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows, columns."""
        return model.vid_in.patch_size

    def half(self, entry: Entry) -> int:
        """No swap if all rows belong to one prompt."""
        return super().half(entry) if len(set(entry.conditions["cond_or_uncond"])) > 1 else 0
