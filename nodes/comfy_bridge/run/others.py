"""What the wrappers of other nodes make of the picture on its way from the sampler to the model."""

from collections.abc import Sequence

from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ....tap_core.sampling.run import TapRun

# The name of TAP's own wrappers.
KEY = "tap"
# Those through which the picture goes, after the sampler and before ComfyUI scales it for the model.
ON_THE_WAY = (WrappersMP.PREDICT_NOISE, WrappersMP.CALC_COND_BATCH, WrappersMP.APPLY_MODEL)
# Some put something of their own in a part, the same at every step; who moves a picture changes more of it.
KEPT = 0.5
# Dimensions of a picture: channels, rows and columns; a film has one more.
FRAME = 3
MOVES = ("Another node changes or moves the picture that the model gets, and TAP cannot tell how; TAP computes all "
         "other steps in full. Remove that node, or TAP.")


def others_wrap(options: dict, kinds: Sequence[str] = ON_THE_WAY) -> bool:
    """Whether another node has a wrapper of these kinds. options: ComfyUI's transformer options."""
    wrappers = options.get("wrappers", {})
    return any(calls for kind in kinds for key, calls in wrappers.get(kind, {}).items() if key != KEY)


def looks(run: TapRun, options: dict) -> bool:
    """Whether to look for a picture that is moved: at computed steps alone, as it waits for the device."""
    decider = run.decider
    return decider.skips_any and not decider.wants_skip and not run.notes.fell_back and others_wrap(options)


def is_moved(sampled: Tensor | None, given: Tensor) -> bool:
    """Whether most of the first picture of given [B*conditions, C, ...] is not that of sampled [B, C, ...].

    Of a film each frame would have to be moved. A part of another size may be an area or a window: it is not moved. Nor
    are values that are not numbers. This waits for the device.
    """
    if sampled is None or sampled is given or sampled.shape[1:] != given.shape[1:]:
        return False
    here, there = given[0], sampled[0].to(given)
    kept = ((here == there) | (here.isnan() & there.isnan())).float()
    frames = kept.transpose(0, 1) if kept.ndim > FRAME else kept[None]  # [T, C, H, W]
    return bool(frames.flatten(1).mean(1).amax() < KEPT)
