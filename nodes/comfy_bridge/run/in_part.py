"""Whether a model call can be computed in part: some of the picture's tokens by the blocks, the others forecast."""

from ..adapters.find_adapter import can_cut
from ..seam.compiled import is_compiled
from ..seam.cut import is_packed
from .call_context import CallContext
from .condition import window_frames

IN_FULL = "Steps that the schedule would compute in part were computed in full: {reason}."
OTHER_TOKENS = "the model has other tokens beside those of the picture, such as references"


def why_in_full(call: CallContext) -> str:
    """Why all tokens of this call have to be computed; "" if some of them can be left out."""
    tap, options = call.tap, call.options
    if not can_cut(call.adapter, call.model):
        return f"TAP cannot compute some tokens of {tap.record.model} without the others"
    if any(map(is_compiled, (call.base.diffusion_model, *call.adapter.blocks(call.model).modules))):
        return "the model is compiled, for one number of tokens"
    if call.place or call.grid != tap.record.grid or window_frames(options) or is_packed(call.shapes):
        return "a prompt has an area, or a video is made in windows"
    patched = any(options.get("patches", {}).values()) or options.get("patches_replace", {}).get("dit")
    if patched or "optimized_attention_override" in options:
        return "another node changes the blocks, or the attention in them"
    return "the true result of all tokens is needed" if tap.forecaster.wants_truth else ""
