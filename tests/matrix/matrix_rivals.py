"""Rows: caches and forecasters of other packs, before TAP and after TAP."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.tap_core.record.record import TapRecord
from torch import Tensor

from matrix_conditions import patched
from matrix_patches import GROUP, NODE
from matrix_row import Exact, Holds, Row, accelerate, relative_error
from matrix_stage import STEPS, Stage
from rival_caches import RIVALS, whole_model_cache

# TAP computes the first three steps, and the cache skips the third.
EARLY = {"placement": "paper", "warmup_steps": 3}
# Afterwards the cache is alone, but it starts from forecast steps.
WITHIN = 0.06


def both_ways(stage: Stage, make: NODE, **inputs: object) -> list[tuple[Tensor, TapRecord]]:
    """The picture and the record with the cache before TAP, and with the cache after TAP."""
    model, after = accelerate(stage.build(), **inputs)
    before, holder = accelerate(make(stage.build()), **inputs)
    return [(stage.sample(before), holder.latest), (stage.sample(make(model)), after.latest)]


def reason_in(record: TapRecord) -> str:
    """What the report says: it names the function that the cache put into the model, and what to do."""
    (reason,) = record.fallbacks
    assert "Another node (rival_caches." in reason and "Remove that node, or TAP." in reason, reason
    return reason


def in_full(make: Callable[..., ModelPatcher]) -> Callable[[Stage], str]:
    """The picture that the cache makes without TAP, bit for bit, and one sentence."""

    def check(stage: Stage) -> str:
        full = stage.sample(make(stage.build()))
        for picture, record in both_ways(stage, make, **EARLY):
            assert torch.equal(picture, full) and not record.skipped_steps
            reason = reason_in(record)
        return f"in full: “{reason}”"

    return check


def in_mid_run(stage: Stage) -> str:
    """A cache that first skips where TAP has forecast already: the rest of the run is the cache's own."""
    make = partial(RIVALS["replaces blocks"], start=1)
    full, errors = stage.sample(make(stage.build())), []
    for picture, record in both_ways(stage, make):
        assert reason_in(record) and record.skipped_steps == [1, 2, 3] and len(record.full_steps) == STEPS - 3
        errors.append(relative_error(picture, full))
    assert max(errors) < WITHIN, errors
    return f"{max(errors):.3f}"


ROWS = [
    Row(GROUP, "another cache that hooks the forward of a model without known blocks",
        Exact("whole_model_cache.forward_or_cache) skips blocks"), patched(whole_model_cache), ("UNet",), EARLY),
    *(Row(GROUP, f"another cache that {does}", Holds("computed in full, and says why", in_full(make)))
      for does, make in RIVALS.items()),
    Row(GROUP, "another cache, from its first skipped step on", Holds("computed in full, and says why", in_mid_run)),
]
