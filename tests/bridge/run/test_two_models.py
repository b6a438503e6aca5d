"""A graph with two models for one picture, as in Wan 2.2."""

from __future__ import annotations

import comfy.sample
import torch
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.record.record import RecordHolder
from tap_pack.tap_core.sampling.settings import TapSettings

from tiny_models import patcher, prompt
from tiny_table import ALL_ROWS


def test_two_models_share_one_picture_but_no_history() -> None:
    """Wan 2.2: one model for the high noise levels, another for the low ones, each with its own TAP node."""
    row = next(row for row in ALL_ROWS if row.name == "Wan 2.1")
    shape, holders = next(iter(row.sizes)), (RecordHolder(), RecordHolder())
    latent = torch.zeros(1, *shape)
    noise, text = comfy.sample.prepare_noise(latent, 5), prompt(row, latent, 1)
    for part, holder in enumerate(holders):
        model = patcher(row.build())
        TapPatch(TapSettings(interval=3, warmup_steps=2, placement="paper", correction="off"), holder).install(model)
        latent = comfy.sample.sample(
            model, noise if part == 0 else torch.zeros_like(noise), 12, 1.0, "euler", "simple", text, text, latent,
            disable_noise=part == 1, start_step=6 * part, last_step=6 * part + 6, force_full_denoise=part == 1,
            disable_pbar=True, seed=5,
        )
    assert latent.isfinite().all()
    high, low = (holder.latest for holder in holders)
    assert high.full_steps == low.full_steps == [0, 1, 4]
    assert high.sigmas[-1] == low.sigmas[0] and high.fallbacks == low.fallbacks == []
