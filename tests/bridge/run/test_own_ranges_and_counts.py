"""Other nodes' parts that count through the blocks, have a range of steps of their own, or run the model twice."""

from __future__ import annotations

from dataclasses import replace

import comfy.ldm.lumina.controlnet as z_image
import comfy.ldm.wan.uni3c as uni3c
import comfy.ops
import pytest
import torch
from comfy.controlnet import ControlBase
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_context_windows import ContextWindowsManualNode
from comfy_extras.nodes_hidream_o1 import HiDreamO1PatchSeamSmoothing
from comfy_extras.nodes_model_patch import WanUni3CControlnetApply, ZImageFunControlnet
from tap_pack.nodes.comfy_bridge.run.waiting_control import _active
from tap_pack.tap_core.schedules.dicache import DiCacheSchedule
from torch import Tensor

from tiny_flux import Accelerated
from tiny_image_models import Z_IMAGE
from tiny_models import TinyModel, fill, patcher, sample
from tiny_table import ALL_ROWS
from true_steps import errors_of

ROUNDING = 1e-6


def row_of(name: str) -> TinyModel:
    return next(row for row in ALL_ROWS if row.name == name)


class Encoder:
    """A stand-in for an autoencoder, with as many channels as asked for."""

    def __init__(self, channels: int) -> None:
        self._channels = channels

    def spacial_compression_encode(self) -> int:
        return 8

    def temporal_compression_decode(self) -> int:
        return 4

    def encode(self, frames: Tensor) -> Tensor:
        small = torch.nn.functional.avg_pool2d(frames.movedim(-1, 1), 8)[:, :1]
        if len(frames) == 1:
            return 4 * small.repeat(1, self._channels, 1, 1)
        return small[::4].movedim(0, 1)[None].repeat(1, self._channels, 1, 1, 1)


def pictures(count: int) -> Tensor:
    return torch.rand(count, 64, 96, 3, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("schedule", [None, DiCacheSchedule(threshold=1.0, retention=0.0, max_skip=1)],
                         ids=["fixed", "DiCache"])
@pytest.mark.parametrize("layers", [3, 15])
def test_a_control_net_that_counts_from_the_noise_refiner_on_counts_anew_after_a_skip(
    layers: int, schedule: object
) -> None:
    row = replace(row_of("Z-Image"), config={**Z_IMAGE, "n_layers": 30})
    net = z_image.ZImage_Control(dim=256, n_heads=2, n_kv_heads=2, ffn_dim_multiplier=4.0, n_control_layers=layers,
                                 additional_in_dim=17, refiner_control=True, operations=comfy.ops.manual_cast,
                                 dtype=torch.float32)
    fill(net, 3)

    def build() -> ModelPatcher:
        control = ZImageFunControlnet()
        return control.diffsynth_controlnet(row.patcher(), patcher(net), Encoder(16), pictures(1), 1.0)[0]

    found = errors_of(build, row, 10, interval=2, schedule=schedule)
    assert len(found.forecast) >= 3 and not found.record.fallbacks
    assert max(found.computed) < ROUNDING


def test_a_patch_whose_range_ends_is_not_forecast_beyond_it() -> None:
    row = row_of("Wan 2.1")
    net = uni3c.WanUni3CControlnet(
        in_channels=36, conv_out_dim=128, dim=64, ffn_dim=128, num_heads=2, num_layers=2, time_embed_dim=128,
        out_proj_dim=128, mid_channels=16, operations=comfy.ops.manual_cast, dtype=torch.float32)
    fill(net, 3)
    for name, weights in net.named_parameters():
        if "proj_out" in name and weights.ndim > 1:
            weights.data.mul_(6)

    def build() -> ModelPatcher:
        return WanUni3CControlnetApply().apply_patch(row.patcher(), patcher(net), Encoder(16), pictures(9), 1.0, 0.0,
                                                     0.5)[0]

    found = errors_of(build, row, 20, interval=3)
    assert max(found.computed) < ROUNDING and max(found.forecast) < 0.1
    assert any("came or changed" in said for said in found.record.fallbacks)


@pytest.mark.parametrize("name", ["FLUX.1 dev", "Qwen-Image", "Z-Image", "Stable Diffusion 3"])
def test_a_control_net_is_on_at_the_steps_at_which_comfyui_has_it_on(name: str) -> None:
    model, wrong = row_of(name).patcher(), []
    sampling = model.get_model_object("model_sampling")
    for steps in range(8, 31):
        sigmas = comfy.samplers.calculate_sigmas(sampling, "simple", steps)[:-1]
        for percent in range(0, 100, 10):
            control = ControlBase()
            control.set_cond_hint(None, 1.0, (percent / 100, 0.9))
            control.pre_run(model, sampling.percent_to_sigma)
            first, last = control.timestep_range
            # As in ComfyUI's ControlNet.get_control.
            wrong += [(steps, percent, float(t)) for t in sigmas.unsqueeze(1)
                      if _active(control, t)[0] == bool(t[0] > first or t[0] < last)]
    assert not wrong


@pytest.mark.parametrize("start", [0.0, 0.5])
@pytest.mark.parametrize("schedule", [None, DiCacheSchedule(threshold=1.0, retention=0.0)], ids=["fixed", "DiCache"])
def test_where_a_node_runs_the_model_twice_in_a_call_every_step_from_there_on_is_computed(
    schedule: object, start: float
) -> None:
    row = replace(row_of("HiDream-O1"), sizes={(3, 192, 256): None})

    def build() -> ModelPatcher:
        return HiDreamO1PatchSeamSmoothing.execute(
            model=row.patcher(), start_percent=start, end_percent=1.0, pattern="single_shift", passes="2",
            blend="average", strength=1.0).args[0]

    found = errors_of(build, row, 10, interval=3, schedule=schedule)
    assert max(found.computed) < ROUNDING
    assert bool(found.forecast) == (start > 0) and max(found.forecast, default=0) < 0.2
    said, = found.record.fallbacks
    assert said == ("Another node runs HiDreamO1 several times in one call; TAP computes all other steps in full. "
                    "Remove that node, or TAP.")


@pytest.mark.parametrize("schedule", ["standard_static", "batched"])
def test_a_film_with_sound_in_windows_has_the_map_of_the_whole_film(schedule: str) -> None:
    row = row_of("LTX-2, with sound")
    channels, _, *sides = next(iter(row.sizes))
    shape = (channels, 9, *sides)
    windowed = ContextWindowsManualNode.execute(row.patcher(), 5, 2, schedule, 1, False, "pyramid", 2, False)[0]
    accelerated = Accelerated(windowed, interval=3)
    with torch.inference_mode():
        picture, stock = (sample(row, model, shape, steps=8) for model in (accelerated.model, windowed))
    assert accelerated.record.skipped_steps and accelerated.record.grid == (9, 4, 6)
    assert float((picture - stock).norm() / stock.norm()) < 0.1
