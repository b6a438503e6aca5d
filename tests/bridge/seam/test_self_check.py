"""If a model is not as its adapter says: TAP falls back, the picture is ComfyUI's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from unittest.mock import patch

import comfy.ldm.flux.layers
import comfy.sample
import comfy.samplers
import pytest
import torch
from tap_pack.nodes.comfy_bridge.adapters.find_adapter import find_adapter, why_in_full
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.nodes.comfy_bridge.seam.in_out_seam import InOutAdapter
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor, nn

from tiny_flux_family import DEV
from tiny_image_models import LUMINA2
from tiny_models import TinyModel, prompt, sample
from tiny_wan_family import wan

STEPS = 6


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    """ComfyUI runs every prompt like this."""
    with torch.inference_mode():
        yield


def picture(row: TinyModel, holder: RecordHolder | None = None, target: str = "residual") -> Tensor:
    """A picture, made with TAP if there is a holder for its record."""
    model = row.patcher()
    if holder is not None:
        settings = TapSettings(interval=3, warmup_steps=2, placement="paper", correction="off", target=target)
        TapPatch(settings, holder).install(model)
    return sample(row, model, next(iter(row.sizes)), batch=2, cfg=3.0, steps=STEPS)


def accelerated(row: TinyModel, target: str = "residual") -> tuple[Tensor, TapRecord]:
    """A picture with TAP, and the record."""
    holder = RecordHolder()
    return picture(row, holder, target), holder.latest


def forked(change: Callable[[Tensor], Tensor]) -> object:
    """FLUX as another pack or version may have it: the modulation does one thing more."""
    modulate = comfy.ldm.flux.layers.apply_mod
    return patch.object(comfy.ldm.flux.layers, "apply_mod", lambda *args: change(modulate(*args)))


@pytest.mark.parametrize("target", ["residual", "output", "auto"])
def test_a_fork_with_another_modulation_is_computed_in_full_and_named_once(target: str) -> None:
    with forked(lambda x: x * 1.5):
        stock = picture(DEV)
        made, record = accelerated(DEV, target)
    assert torch.equal(made, stock)
    assert record.skipped_steps == []
    assert len(record.fallbacks) == 1 and "not as TAP knows it" in record.fallbacks[0]


def test_rounding_is_no_reason_to_fall_back() -> None:
    with forked(lambda x: x.bfloat16().float()):
        assert accelerated(DEV)[1].fallbacks == []


def test_an_attention_that_is_not_reached_is_named_too() -> None:
    stock, adapter = picture(DEV), type(find_adapter(DEV.build().diffusion_model))
    with patch.object(adapter, "attention_input", lambda self, block: nn.Linear(1, 1)):
        made, record = accelerated(DEV)
    assert torch.equal(made, stock)
    assert len(record.fallbacks) == 1 and record.skipped_steps == []


@pytest.mark.parametrize("part", ["final_layer", "probe", "image_tokens"])
@pytest.mark.parametrize("error", [AttributeError, KeyError, RuntimeError], ids=lambda kind: kind.__name__)
def test_a_part_that_has_another_name_is_no_crash(part: str, error: type[Exception]) -> None:
    if part == "final_layer" and error is RuntimeError:
        pytest.skip("looking for a part multiplies no shapes")
    stock, adapter = picture(DEV), type(find_adapter(DEV.build().diffusion_model))
    with patch.object(adapter, part, side_effect=error("no such part")):
        made, record = accelerated(DEV)
    assert torch.equal(made, stock)
    assert len(record.fallbacks) == 1 and record.skipped_steps == []


@pytest.mark.parametrize("row", [DEV, LUMINA2], ids=str)
def test_compiled_blocks_are_skipped_and_left_as_they_were(row: TinyModel) -> None:
    blocks = getattr(row.build().diffusion_model, row.blocks[0])
    plain = list(blocks)
    try:
        for i, block in enumerate(plain):
            blocks[i] = torch.compile(block, backend="eager")
        held = [vars(block).copy() for block in blocks]
        _, record = accelerated(row)
        assert record.fallbacks == [] and record.skipped_steps == [2, 3, 5]
        assert [vars(block)["forward"] for block in blocks] == [before["forward"] for before in held]
    finally:
        for i, block in enumerate(plain):
            blocks[i] = block


def test_a_block_that_fails_leaves_no_shadow_behind() -> None:
    model = LUMINA2.build().diffusion_model
    failing = patch.object(type(model.final_layer), "forward", side_effect=RuntimeError("out of memory"))
    with failing, pytest.raises(RuntimeError, match="out of memory"):
        accelerated(LUMINA2)
    assert not [part for part in model.modules() if "forward" in vars(part)]
    assert not [part for part in model.modules() if part._forward_hooks or part._forward_pre_hooks]
    assert accelerated(LUMINA2)[1].skipped_steps == [2, 3, 5]


def test_a_model_that_cannot_be_reached_is_computed_in_full_and_says_why() -> None:
    causal = wan("Wan, causal", "WAN21_CausalAR_T2V")
    if not causal.known:
        pytest.skip("not in this ComfyUI")
    model = causal.build().diffusion_model
    assert "piece by piece" in why_in_full(find_adapter(model), model, "Wan")
    stock, holder = in_pieces(causal), RecordHolder()
    assert torch.equal(in_pieces(causal, holder), stock)
    record = holder.latest
    assert record.skipped_steps == [] and len(record.fallbacks) == 1 and "piece by piece" in record.fallbacks[0]


def in_pieces(row: TinyModel, holder: RecordHolder | None = None) -> Tensor:
    """A video of three frames, made one after the other."""
    model, sigmas = row.patcher(), torch.tensor([1.0, 0.8, 0.6, 0.4, 0.2, 0.0])
    if holder is not None:
        TapPatch(TapSettings(interval=3, warmup_steps=2, placement="paper", correction="off"), holder).install(model)
    latent = torch.zeros(1, *next(iter(row.sizes)))
    text, sampler = prompt(row, latent, 1), comfy.samplers.ksampler("ar_video", {"num_frame_per_block": 1})
    noise = comfy.sample.prepare_noise(latent, 5)
    return comfy.sample.sample_custom(model, noise, 1.0, sampler, sigmas, text, text, latent, disable_pbar=True, seed=5)


def test_an_unknown_model_is_forecast_by_its_input_and_output() -> None:
    assert isinstance(find_adapter(nn.Linear(1, 1)), InOutAdapter)
    assert why_in_full(InOutAdapter(), nn.Linear(1, 1), "a line") == ""
