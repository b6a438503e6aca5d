"""Stand-ins for models that came after the ComfyUI here: the same names, block signatures and order of tokens.

What their blocks compute is their own, and small. TAP finds an adapter by the name of a class, so they have the names
of the models that they stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import comfy.conds
import comfy.latent_formats
import torch
from comfy.ldm.flux.layers import timestep_embedding
from comfy.ldm.modules.attention import optimized_attention
from comfy.ldm.wan.model import WanAttentionBlock, WanModel, WanSelfAttention, sinusoidal_embedding_1d
from comfy.model_base import WAN21, BaseModel, ModelType, QwenImage
from comfy.model_management import cast_to
from torch import Tensor, nn

Rows = tuple[Tensor, Tensor]


def standing_for(module: str) -> Callable[[type], type]:
    """Gives a class the address of a module of ComfyUI."""

    def moved(kind: type) -> type:
        kind.__module__ = f"comfy.ldm.{module}"
        return kind

    return moved


class SelfAttention(nn.Module):
    """Queries, keys and values of the same tokens."""

    def __init__(self, dim: int, heads: int, operations: type, **place: object) -> None:
        super().__init__()
        self.heads, self.qkv = heads, operations.Linear(dim, 3 * dim, **place)

    def forward(self, x: Tensor, pe: Tensor, attn_fn: Callable[..., Tensor], prefix_len: int,
                transformer_options: dict) -> Tensor:
        """[B, M, D]."""
        return attn_fn(*(self.qkv(x) + pe).chunk(3, dim=-1), self.heads)


class QwenImage21Block(nn.Module):
    """One stream; modulation comes from outside; the stream is written into."""

    def __init__(self, dim: int, heads: int, operations: type, **place: object) -> None:
        super().__init__()
        self.img_norm1 = operations.LayerNorm(dim, elementwise_affine=False, **place)
        self.attn = SelfAttention(dim, heads, operations, **place)
        self.img_norm2 = operations.LayerNorm(dim, elementwise_affine=False, **place)
        self.img_mlp = nn.Sequential(operations.Linear(dim, 2 * dim, **place), nn.SiLU(),
                                     operations.Linear(2 * dim, dim, **place))

    def forward(self, x: Tensor, mod: tuple, pe: Tensor, attn_fn: Callable[..., Tensor], prefix_len: int,
                transformer_options: dict) -> Tensor:
        """[B, M, D], the same tensor."""
        scale1, gate1, scale2, gate2, _ = mod
        y = self.attn(_by_rows(self.img_norm1(x), scale1, prefix_len), pe, attn_fn, prefix_len, transformer_options)
        _add(x, y, gate1, prefix_len)
        return _add(x, self.img_mlp(_by_rows(self.img_norm2(x), scale2, prefix_len)), gate2, prefix_len)


def _by_rows(x: Tensor, scale: Rows, prefix: int) -> Tensor:
    return torch.cat([x[:, :prefix] * (1 + scale[0]), x[:, prefix:] * (1 + scale[1])], dim=1)


def _add(x: Tensor, y: Tensor, gate: Rows, prefix: int) -> Tensor:
    x[:, :prefix].addcmul_(y[:, :prefix], gate[0])
    x[:, prefix:].addcmul_(y[:, prefix:], gate[1])
    return x


class LastLayer(nn.Module):
    """Only scaled."""

    def __init__(self, dim: int, operations: type, **place: object) -> None:
        super().__init__()
        self.linear = operations.Linear(dim, dim, **place)
        self.norm = operations.LayerNorm(dim, elementwise_affine=False, **place)

    def forward(self, x: Tensor, temb: Tensor) -> Tensor:
        """[B, N, D]."""
        return self.norm(x) * (1 + self.linear(temb).unsqueeze(1))


@standing_for("qwen_image21.model")
class QwenImage21Transformer2DModel(nn.Module):
    """Text, references, then the picture, in one stream; one token for each latent pixel [B, C, H, W]."""

    def __init__(self, in_channels: int, num_layers: int, dim: int, heads: int, context_in_dim: int,
                 image_model: str = "", operations: type | None = None, **place: object) -> None:
        super().__init__()
        self.dtype = place["dtype"]
        self.txt_in = operations.Linear(context_in_dim, dim, **place)
        self.img_in = operations.Linear(in_channels, dim, **place)
        self.time_in = operations.Linear(256, dim, **place)
        self.modulation = nn.Sequential(nn.SiLU(), operations.Linear(dim, 4 * dim, **place))
        self.transformer_blocks = nn.ModuleList(
            [QwenImage21Block(dim, heads, operations, **place) for _ in range(num_layers)])
        self.norm_out = LastLayer(dim, operations, **place)
        self.proj_out = operations.Linear(dim, in_channels, **place)

    def forward(self, x: Tensor, timestep: Tensor, context: Tensor, ref_latents: list[Tensor] | None = None,
                transformer_options: dict | None = None, **other: object) -> Tensor:
        """[B, C, H, W]."""
        options, pictures = transformer_options or {}, [*(ref_latents or []), x]
        parts = [self.txt_in(context), *(self.img_in(each.flatten(2).transpose(1, 2)) for each in pictures)]
        prefix_len, stream = sum(part.shape[1] for part in parts[:-1]), torch.cat(parts, dim=1)
        pe = torch.linspace(0, 0.1, stream.shape[1], device=x.device, dtype=x.dtype)[None, :, None]
        temb = self.time_in(timestep_embedding(torch.cat([timestep, timestep.new_zeros(1)]), 256).to(x.dtype))
        rows = [(row[-1:, None], row[:-1, None]) for row in self.modulation(temb).chunk(4, dim=-1)]
        mod = (*rows, torch.zeros_like(rows[0][0]))
        replace = options.get("patches_replace", {}).get("dit", {})
        for i, block in enumerate(self.transformer_blocks):
            args = {"img": stream, "vec": temb, "pe": pe, "mod": mod, "attn_fn": _attention, "prefix_len": prefix_len,
                    "transformer_options": options}

            def run(args: Mapping, block: nn.Module = block) -> dict[str, Tensor]:
                return {"img": block(args["img"], mod, args["pe"], _attention, prefix_len, args["transformer_options"])}

            replaced = replace.get(("single_block", i))
            stream = (run(args) if replaced is None else replaced(args, {"original_block": run}))["img"]
        out = self.proj_out(self.norm_out(stream[:, prefix_len:], temb[:-1]))
        return out.transpose(1, 2).reshape(x.shape)


def _attention(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    return optimized_attention(q, k, v, heads)


def qwen_image21(config: object) -> BaseModel:
    """Latents have 64 channels."""
    config.latent_format = comfy.latent_formats.LatentFormat()
    return QwenImage(config, ModelType.FLOW, unet_model=QwenImage21Transformer2DModel)


class Animate2SelfAttention(WanSelfAttention):
    """The pose and the video go through the same layers, by methods of their own."""

    def forward_pose(self, x: Tensor, freqs: Tensor, transformer_options: dict) -> tuple[Tensor, Tensor, Tensor]:
        """[B, M, D], and keys and values for the video."""
        return self.forward(x, freqs, transformer_options=transformer_options), self.k(x), self.v(x)

    def forward_gen(self, x: Tensor, freqs: Tensor, k_pose: Tensor | None, v_pose: Tensor | None, *other: object,
                    transformer_options: dict) -> Tensor:
        """[B, M, D]; without keys and values the pose has no say."""
        y = self.forward(x, freqs, transformer_options=transformer_options)
        return y if k_pose is None else y + self.o((k_pose * v_pose).mean(1, True))


class Animate2Block(WanAttentionBlock):
    """A Wan block whose `forward` is not called."""

    def __init__(self, cross_attn_type: str, dim: int, ffn_dim: int, num_heads: int, *args: object,
                 **kwargs: object) -> None:
        super().__init__(cross_attn_type, dim, ffn_dim, num_heads, *args, **kwargs)
        self.self_attn = Animate2SelfAttention(dim, num_heads, operation_settings=kwargs["operation_settings"])

    def _rows(self, e: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        return (cast_to(self.modulation, dtype=x.dtype, device=x.device).unsqueeze(0) + e).unbind(2)

    def _entering(self, x: Tensor, e: Tensor) -> Tensor:
        shift, scale = self._rows(e, x)[:2]
        return torch.addcmul(shift, self.norm1(x), 1 + scale)

    def _leaving(self, x: Tensor, y: Tensor, e: Tensor, context: Tensor, options: dict) -> Tensor:
        rows = self._rows(e, x)
        x = torch.addcmul(x, y, rows[2])
        x = x + self.cross_attn(self.norm3(x), context, context_img_len=None, transformer_options=options)
        return torch.addcmul(x, self.ffn(torch.addcmul(rows[3], self.norm2(x), 1 + rows[4])), rows[5])

    def forward_pose(self, x: Tensor, e: Tensor, freqs: Tensor, context: Tensor, context_img_len: int | None = None,
                     transformer_options: dict | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """The pose's tokens [B, M, D], and keys and values for the video."""
        y, k, v = self.self_attn.forward_pose(self._entering(x, e), freqs, transformer_options)
        return self._leaving(x, y, e, context, transformer_options), k, v

    def kv_from_input(self, x_pose: Tensor, e: Tensor, freqs: Tensor, transformer_options: dict
                      ) -> tuple[Tensor, Tensor]:
        """Keys and values from what entered the block once."""
        entering = self._entering(x_pose, e)
        return self.self_attn.k(entering), self.self_attn.v(entering)

    def forward_gen(self, x: Tensor, e: Tensor, freqs: Tensor, context: Tensor, k_pose: Tensor | None,
                    v_pose: Tensor | None, transformer_options: dict) -> Tensor:
        """The video's tokens [B, M, D]."""
        y = self.self_attn.forward_gen(self._entering(x, e), freqs, k_pose, v_pose,
                                       transformer_options=transformer_options)
        return self._leaving(x, y, e, context, transformer_options)


@standing_for("wan.model_animate2")
class WanAnimate2Model(WanModel):
    """Frame 0 is the reference picture's. The options may keep what entered each block, of the pose."""

    def __init__(self, **config: object) -> None:
        super().__init__(**config, wan_attn_block_class=Animate2Block)

    def forward_orig(self, x: Tensor, t: Tensor, context: Tensor, freqs: Tensor, pose_latents: Tensor,
                     transformer_options: dict, **other: object) -> Tensor:
        """[B, C, T, H, W]."""
        x, pose = self.patch_embedding(x), self.patch_embedding(pose_latents).flatten(2).transpose(1, 2)
        grid, x = x.shape[2:], x.flatten(2).transpose(1, 2)
        e, still = self._times(t), self._times(torch.ones_like(t))
        rows, rows_pose, context = self._modulation(e), self._modulation(still), self.text_embedding(context)
        freqs_pose, cache = freqs[:, : pose.shape[1]], transformer_options.get("animate2_cache")
        kept = cache is not None and len(cache) == len(self.blocks)
        replace = transformer_options.get("patches_replace", {}).get("dit", {})
        for i, block in enumerate(self.blocks):
            if kept:
                k, v = block.kv_from_input(cache[i], rows_pose, freqs_pose, transformer_options=transformer_options)
            else:
                if cache is not None:
                    cache[i] = pose
                pose, k, v = block.forward_pose(pose, rows_pose, freqs_pose, context, context_img_len=None,
                                                transformer_options=transformer_options)

            def run(args: Mapping, block: nn.Module = block, k: Tensor = k, v: Tensor = v) -> dict[str, Tensor]:
                return {"img": block.forward_gen(args["img"], args["vec"], args["pe"], args["txt"], k, v,
                                                 transformer_options=args["transformer_options"])}

            args = {"img": x, "txt": context, "vec": rows, "pe": freqs, "transformer_options": transformer_options}
            replaced = replace.get(("double_block", i))
            x = (run(args) if replaced is None else replaced(args, {"original_block": run}))["img"]
        return self.unpatchify(self.head(x, e), grid)

    def _times(self, t: Tensor) -> Tensor:
        e = self.time_embedding(sinusoidal_embedding_1d(self.freq_dim, t.flatten()))
        return e.reshape(t.shape[0], -1, e.shape[-1])

    def _modulation(self, e: Tensor) -> Tensor:
        return self.time_projection(e).unflatten(2, (6, self.dim))


class Animate2Base(WAN21):
    """Gives the model its pose."""

    def __init__(self, config: object) -> None:
        BaseModel.__init__(self, config, ModelType.FLOW, unet_model=WanAnimate2Model)
        self.image_to_video = False

    def extra_conds(self, **kwargs: object) -> dict[str, object]:
        """With the pose's latents [B, C, T - 1, H, W]."""
        return {**super().extra_conds(**kwargs), "pose_latents": comfy.conds.CONDRegular(kwargs["pose_video_latent"])}
