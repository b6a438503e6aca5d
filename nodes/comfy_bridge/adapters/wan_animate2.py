"""Wan Animate 2: Wan with a second row of tokens, of the pose, which feeds each block of the video."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from ..seam.shadow import Method, Shadow
from .wan import WanAdapter


class Animate2Adapter(WanAdapter):
    """`comfy.ldm.wan.model_animate2.WanAnimate2Model`, which came after ComfyUI 0.30.0.

    The reference picture is the first frame of the video itself.
    """

    name = "Wan Animate 2"
    only_for_blocks = ()  # the pose, which the model may keep, reads the same tables

    def attention_input(self, block: nn.Module) -> Method:
        """Of the video: the pose goes through the same layers before it."""
        return Method(block.self_attn, "forward_gen")

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """No pose."""
        return [Shadow(block, name, passed) for block in model.blocks for name, passed in
                (("forward_pose", _unless_kept(block.forward_pose)), ("kv_from_input", _no_keys))]


def _unless_kept(forward_pose: Callable[..., tuple]) -> Callable[..., tuple]:
    """The pose goes by, unless the model keeps what enters each block, for steps that are computed."""

    def passed(x: Tensor, *args: object, transformer_options: dict, **kwargs: object) -> tuple:
        if transformer_options.get("animate2_cache") is None:
            return x, None, None
        return forward_pose(x, *args, transformer_options=transformer_options, **kwargs)

    return passed


def _no_keys(*args: object, **kwargs: object) -> tuple[None, None]:
    return None, None
