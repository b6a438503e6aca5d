"""Which seam fits a model call: by the model, the target, what the schedule looks at, and torch.compile."""

import math
from collections.abc import Callable

from torch import Tensor

from ..seam.block_count import CountedCall
from ..seam.block_seam import BlockSeam
from ..seam.call_target import CALL_TARGETS, CallSeam, NoTarget
from ..seam.compiled import CompiledSeam, is_compiled
from ..seam.in_out_seam import InOutAdapter, InOutSeam
from ..seam.seam import Seam, SeeEntry
from ..seam.targets import TARGET_KINDS
from .call_context import CallContext

# What is known before block 0 runs; anything else needs a block to run.
SEEN_AT_ENTRY = {"probe", "stream", "target", "loss"}
UNCOMPILED = ("TAP looks into the compiled model, so the steps that are computed run uncompiled. For target auto or "
              "denoised, and most schedules, it does not have to.")


def fitting_seam(call: CallContext, on_entry: SeeEntry, forward: Callable[..., Tensor] | None = None) -> Seam:
    """The seam of a call. on_entry: gets what is known before block 0 runs; forward: the call's own."""
    if isinstance(call.adapter, InOutAdapter):
        seam = _in_out_seam(call)
        on_entry(seam.captured)
        return seam
    at_end, watch, needs = call.tap.settings.target in CALL_TARGETS, call.unchecked, call.decider.course.needs
    seam = _block_seam(call, on_entry)
    if not is_compiled(call.base.diffusion_model):
        return seam
    looks = not at_end or not needs <= SEEN_AT_ENTRY
    if looks:
        call.tap.notes.note(UNCOMPILED)
    return CompiledSeam(seam, call.base, None if looks or watch else lambda o: forward(o, controlled=False))


def _in_out_seam(call: CallContext) -> InOutSeam:
    kind = call.tap.settings.target
    return InOutSeam(call.base.model_sampling.calculate_input(call.sigmas, call.x),
                     call.call_target(kind if kind in CALL_TARGETS else "slope"),
                     None if is_compiled(call.base.diffusion_model) else CountedCall(call.blocks))


def _block_seam(call: CallContext, on_entry: SeeEntry) -> BlockSeam | CallSeam:
    kind = call.tap.settings.target
    at_end = kind in CALL_TARGETS
    seam = BlockSeam(call.adapter, call.model, NoTarget() if at_end else TARGET_KINDS[kind], call.cut,
                     {**call.conditions, "cond_or_uncond": call.options["cond_or_uncond"]}, call.unchecked,
                     call.decider.course.needs, on_entry, CountedCall(call.blocks, math.prod(call.grid)),
                     call.state.unread)
    return CallSeam(seam, call.call_target(kind)) if at_end else seam
