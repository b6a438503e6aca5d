"""What memory is measured with, on tiny models."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.listed import ListedSchedule

from memory import command as memory
from models.full_size import FULL_SIZES, FullSize

CPU = torch.device("cpu")
TOKENS = 24
SHAPE = {"hidden_size": 128, "num_heads": 1, "context_in_dim": 48, "vec_in_dim": 64}
TINY = replace(FULL_SIZES[0], config={**FULL_SIZES[0].config, **SHAPE, "depth": 2, "depth_single_blocks": 2},
               latent=(16, 8, 12), words=(7,), steps=12, context=48, pooled=64)


@pytest.mark.parametrize("kept", [1, 3])
def test_the_residual_costs_two_token_tensors_a_kept_step(kept: int) -> None:
    """And no more: nothing else stays between steps but a few numbers a token."""
    base = memory.hollow(TINY, CPU)
    settings = TapSettings(target="residual", probe_stride=1, orders=memory.ORDERS[kept],
                           given_schedule=ListedSchedule(tuple(range(kept))))
    with torch.no_grad():
        found = memory.held_bytes(TINY, base, CPU, settings, kept)
        without = memory.held_bytes(TINY, base, CPU, TapSettings(interval=1), kept).bytes
    tensors, latent = 2 * kept * TOKENS * 128 * 2, 4 * 16 * 8 * 12
    # A slope for each full step, and the sum of those of the gap, by which closeness is known.
    assert found.record == tensors + (kept + 1) * latent
    # Dots of three snapshots are ten floats a token, a few latents say where the sampler goes.
    assert tensors <= found.bytes - without <= tensors + 60 * 4 * TOKENS + 6 * latent


@pytest.mark.parametrize("size", FULL_SIZES, ids=lambda size: size.name)
def test_every_model_has_a_hollow_one(size: FullSize) -> None:
    """With its own class, narrow."""
    narrow = {"num_attention_heads": 1} if "num_layers" in size.config else {"hidden_size": 128, "num_heads": 1}
    small = replace(size, config={**size.config, **narrow}, latent=(*size.latent[:-2], 8, 12))
    base = memory.hollow(small, CPU)
    settings = TapSettings(orders="0,1", given_schedule=ListedSchedule((0, 1)), correction="off")
    with torch.no_grad():
        assert memory.held_bytes(small, base, CPU, settings, 2).record > 0
