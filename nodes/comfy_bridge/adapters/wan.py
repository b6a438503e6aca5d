"""Wan: one stream of video tokens; references may stand before them, and other conditions after them."""

import math
from collections.abc import Sequence

import torch
from comfy.model_management import cast_to
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks
from ..seam.patches import patch_grid
from ..seam.shadow import Shadow


class WanAdapter(Adapter):
    """Wan 2.1 and 2.2, in `comfy.ldm.wan.model.WanModel` and its subclasses."""

    name = "Wan"
    attention = "self_attn"
    final = "head"  # (x, e); tokens that are not the video's are cut off after it
    cuts = {"pe": (1,), "vec": (1,)}  # vec: a row for each frame, or one for all
    only_for_blocks = ("rope_encode", "text_embedding", "img_emb")

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=model.blocks)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        shift, scale = (spread(row, entry)[:, entry.image] for row in modulation(block, entry)[:2])
        return torch.addcmul(shift, block.norm1(entry.tokens.contiguous()), 1 + scale)

    def image_tokens(self, entry: Entry) -> slice:
        """After the reference frame of models that take one."""
        return slice(0, entry.count) if entry.model.ref_conv is None else after_reference(entry)


class VaceAdapter(WanAdapter):
    """`VaceWanModel`: a second row of blocks feeds the first."""

    name = "Wan VACE"

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """No block has a second one."""
        return [Shadow(model, "vace_layers_mapping", {})]


class CameraAdapter(WanAdapter):
    """`CameraWanModel`: its modulation is one for all tokens, six rows [B, 6, D] without a dimension for frames."""

    cuts = {"pe": (1,)}


class WanAudioAdapter(WanAdapter):
    """`WanModel_S2V`: sound is mixed in after some blocks; pictures and motion stand after the video."""

    name = "Wan S2V"

    def image_tokens(self, entry: Entry) -> slice:
        """The first tokens."""
        return slice(0, entry.count)

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """No sound."""
        return [Shadow(model.audio_injector, "forward", lambda x, *args, **kwargs: x)]


class DancerAdapter(WanAdapter):
    """`WanDancerModel`: music is mixed in after some blocks; the frame rate decides which of two heads runs."""

    name = "WanDancer"

    def final_layer(self, model: nn.Module) -> list[nn.Module]:
        """Either head."""
        return [model.head, model.head_global]

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """No music."""
        return [Shadow(model.music_injector, "forward", lambda x, *args, **kwargs: x)]


class AnimateAdapter(WanAdapter):
    """`AnimateWanModel`: a face is mixed in after every fifth block."""

    name = "Wan Animate"

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """No face."""
        return [Shadow(fuser, "forward", lambda x, *args: 0.0) for fuser in model.face_adapter.fuser_blocks]


class ScailAdapter(WanAdapter):
    """`SCAILWanModel` and SCAIL-2: reference frames before the video, a pose after it."""

    name = "SCAIL"

    def image_tokens(self, entry: Entry) -> slice:
        """After the reference frames."""
        return after_reference(entry)


def modulation(block: nn.Module, entry: Entry) -> Sequence[Tensor]:
    """Shift, scale, gate, twice: each [B, 1 or frames, D]."""
    own, time = cast_to(block.modulation, dtype=entry.stream.dtype, device=entry.stream.device), entry.args["vec"]
    return (own + time).chunk(6, dim=1) if time.ndim < 4 else (own.unsqueeze(0) + time).unbind(2)


def spread(row: Tensor, entry: Entry) -> Tensor:
    """One row for each token [B, M, D] from one for each frame; a single row [B, 1, D] is expanded."""
    frames, tokens = row.shape[1], entry.stream.shape[1]
    return row.expand(-1, tokens, -1) if frames == 1 else row.repeat_interleave(-(-tokens // frames), dim=1)[:, :tokens]


def after_reference(entry: Entry) -> slice:
    """The video's tokens, which stand after those of the reference latent [B, C, (T,) H, W] if there is one."""
    reference = entry.conditions.get("reference_latent")
    start = 0 if reference is None else math.prod(patch_grid(reference, entry.model.patch_size))
    return slice(start, start + entry.count)
