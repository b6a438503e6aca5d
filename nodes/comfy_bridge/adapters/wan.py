"""Wan: one stream of video tokens; references may stand before them, and other conditions behind them."""

import math
from collections.abc import Sequence

import torch
from comfy.model_management import cast_to
from torch import Tensor, nn

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks
from ..seam.shadow import Shadow


class WanAdapter(Adapter):
    """Wan 2.1 and 2.2, in `comfy.ldm.wan.model.WanModel` and its subclasses."""

    name = "Wan"

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=len(model.blocks))

    def first_block(self, model: nn.Module) -> nn.Module:
        """The first of them."""
        return model.blocks[0]

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * LayerNorm(x) + shift."""
        shift, scale = (spread(row, entry)[:, entry.image] for row in modulation(block, entry)[:2])
        return torch.addcmul(shift, block.norm1(entry.tokens.contiguous()), 1 + scale)

    def attention_input(self, block: nn.Module) -> nn.Module:
        """Self-attention."""
        return block.self_attn

    def final_layer(self, model: nn.Module) -> nn.Module | list[nn.Module]:
        """`head(x, e)`; what stands beside the video's tokens is cut off after it."""
        return model.head

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows, columns."""
        return model.patch_size

    def image_tokens(self, entry: Entry) -> slice:
        """Behind the reference frame of models that take one."""
        reference = entry.conditions.get("reference_latent") if entry.model.ref_conv is not None else None
        start = 0 if reference is None else tokens_in(reference, entry)
        return slice(start, start + entry.count)


class VaceAdapter(WanAdapter):
    """`VaceWanModel`: a second row of blocks feeds the first."""

    name = "Wan VACE"

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """No block has a companion."""
        return [Shadow(model, "vace_layers_mapping", {})]


class WanAudioAdapter(WanAdapter):
    """`WanModel_S2V`: sound is mixed in behind some blocks; pictures and motion stand behind the video."""

    name = "Wan S2V"

    def image_tokens(self, entry: Entry) -> slice:
        """The first ones."""
        return slice(0, entry.count)

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """No sound."""
        return [Shadow(model.audio_injector, "forward", lambda x, *args, **kwargs: x)]


class DancerAdapter(WanAdapter):
    """`WanDancerModel`: music is mixed in behind some blocks; one of two heads serves, by the frame rate."""

    name = "WanDancer"

    def final_layer(self, model: nn.Module) -> list[nn.Module]:
        """Either head."""
        return [model.head, model.head_global]

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """No music."""
        return [Shadow(model.music_injector, "forward", lambda x, *args, **kwargs: x)]


class AnimateAdapter(WanAdapter):
    """`AnimateWanModel`: a face is mixed in behind every fifth block."""

    name = "Wan Animate"

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """No face."""
        return [Shadow(fuser, "forward", lambda x, *args: 0.0) for fuser in model.face_adapter.fuser_blocks]


class ScailAdapter(WanAdapter):
    """`SCAILWanModel` and SCAIL-2: reference frames before the video, a pose behind it."""

    name = "SCAIL"

    def image_tokens(self, entry: Entry) -> slice:
        """Behind the reference frames."""
        reference = entry.conditions.get("reference_latent")
        start = 0 if reference is None else tokens_in(reference, entry)
        return slice(start, start + entry.count)


def modulation(block: nn.Module, entry: Entry) -> Sequence[Tensor]:
    """Shift, scale, gate, twice: each [B, 1 or frames, D]."""
    own, time = cast_to(block.modulation, dtype=entry.stream.dtype, device=entry.stream.device), entry.args["vec"]
    return (own + time).chunk(6, dim=1) if time.ndim < 4 else (own.unsqueeze(0) + time).unbind(2)


def spread(row: Tensor, entry: Entry) -> Tensor:
    """One row a token, from one a frame: [B, M, D]; a single row [B, 1, D] is left alone, as it fits all."""
    frames, tokens = row.shape[1], entry.stream.shape[1]
    return row.expand(-1, tokens, -1) if frames == 1 else row.repeat_interleave(-(-tokens // frames), dim=1)[:, :tokens]


def tokens_in(latent: Tensor, entry: Entry) -> int:
    """Number of tokens in a latent [B, C, (T,) H, W]."""
    patch = entry.model.patch_size[-(latent.ndim - 2) :]
    return math.prod(-(-size // step) for size, step in zip(latent.shape[2:], patch, strict=True))
