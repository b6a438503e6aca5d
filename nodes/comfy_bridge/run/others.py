"""What other nodes make of the picture on its way from the sampler to the model: they may move it, or give a part."""

import operator
from collections.abc import Sequence
from functools import partial

import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ....tap_core.sampling.run import TapRun
from ....tap_core.sampling.same_values import same_values

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


def watch(run: TapRun, options: dict, sampled: Tensor | None, given: Tensor) -> None:
    """See whether another node moves the picture that the sampler asked for: the full step reads it, and nobody waits.

    sampled: [B, C, ...]. given: [B*conditions, C, ...]; of another size it may be an area or a window.
    """
    looks = run.decider.skips_any and not run.decider.wants_skip and not run.notes.fell_back and others_wrap(options)
    if looks and sampled is not None and sampled is not given and sampled.shape[1:] == given.shape[1:]:
        run.readback.ask(kept_share(sampled[0].to(given), given[0]), partial(_take, run))


def kept_share(sampled: Tensor, given: Tensor) -> Tensor:
    """How many of a picture's values [C, ...] are where they were, 0 to 1; of a film, in the frame that kept most."""
    kept = same_values(sampled, given).float()
    frames = kept.transpose(0, 1) if kept.ndim > FRAME else kept[None]  # [T, C, H, W]
    return frames.flatten(1).mean(1).amax()


def _take(run: TapRun, kept: Tensor) -> None:
    if kept < KEPT:
        run.fall_back_blind(MOVES)


def place_in(whole: Tensor | None, part: Tensor) -> tuple[int, ...] | None:
    """Where in a latent [B, C, ...] the first picture of a part is: () if it is all of it, None if it is not in there.

    Waits for the device.
    """
    if whole is None or part.shape[1:] == whole.shape[1:]:
        return () if whole is None or same_values(part[0], whole[0].to(part)).all() else None
    if part.ndim != whole.ndim or any(map(operator.gt, part.shape[1:], whole.shape[1:])):
        return None
    one, all_of_it = part[0], whole[0].to(part)
    ranges = tuple(slice(large - small + 1) for small, large in zip(one.shape[1:], all_of_it.shape[1:], strict=True))
    for corner in (all_of_it[0][ranges] == one[0].flatten()[0]).nonzero().tolist():
        inside = (slice(None), *(slice(at, at + size) for at, size in zip(corner, one.shape[1:], strict=True)))
        if torch.equal(all_of_it[inside], one):
            return tuple(corner)
    return None
