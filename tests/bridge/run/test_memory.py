"""The memory that ComfyUI is told of before it loads the model is what the histories then take."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import comfy.model_management
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy_extras.nodes_context_windows import ContextWindowsManualNode
from comfy_extras.nodes_slg import SkipLayerGuidanceDiT
from tap_pack.nodes.comfy_bridge.run.run_state import RunState, state_of
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.sampling.replay import Replay
from tap_pack.tap_core.sampling.settings import TapSettings

import tiny_models
from tiles import in_tiles
from tiny_table import ALL_ROWS

ROWS = {row.name: row for row in ALL_ROWS}
PACKED = ["LTX-2, with sound", "MiniMax H3", "LTX-2, without sound"]
NEAR = 0.1
# Windows that move have their most histories before all latents of a replay are there; both are told in full.
APART = 0.15


def held_and_told(sampled: Callable[[ModelPatcher], object], model: ModelPatcher, monkeypatch: pytest.MonkeyPatch,
                  **settings: object) -> tuple[int, float]:
    """Bytes of the histories, and by how many bytes they raised what ComfyUI asks for."""
    asked: list[float] = []
    load = comfy.model_management.load_models_gpu

    def watched(models: list, memory_required: float = 0, **kwargs: object) -> object:
        asked.append(memory_required)
        return load(models, memory_required=memory_required, **kwargs)

    monkeypatch.setattr(comfy.model_management, "load_models_gpu", watched)
    holder, accelerated = RecordHolder(), model.clone()
    TapPatch(TapSettings(interval=2, **settings), holder).install(accelerated)
    with torch.inference_mode():
        sampled(model)
        sampled(accelerated)
    assert any(each.skipped for each in holder.latest.evaluations) or holder.latest.fallbacks
    return holder.latest.cache_bytes, asked[1] - asked[0]


def held_and_told_in_all(sampled: Callable[[ModelPatcher], object], model: ModelPatcher,
                         monkeypatch: pytest.MonkeyPatch, **settings: object) -> tuple[int, float]:
    """The same, with what is asked for during the run: the room that is still needed then, beside the model's own."""
    states: list[RunState] = []
    more: list[float] = []
    stock = comfy.model_management.free_memory

    def watched(executor: Callable, x: torch.Tensor, timestep: torch.Tensor, *args: object) -> torch.Tensor:
        states.append(state_of(executor.class_obj.model_options["transformer_options"]))
        return executor(x, timestep, *args)

    def freed(memory_required: float, *args: object, **kwargs: object) -> object:
        if states and states[-1] is not None and states[-1].run.record.cache_bytes:
            more.append(memory_required - states[-1].needed + states[-1].run.record.cache_bytes)
        return stock(memory_required, *args, **kwargs)

    monkeypatch.setattr(comfy.model_management, "free_memory", freed)
    model = model.clone()
    model.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "watch", watched)
    held, told = held_and_told(sampled, model, monkeypatch, **settings)
    return held, max([told, *more])


@pytest.mark.parametrize("fix", [False, True])
@pytest.mark.parametrize("frames", [4, 9, 12])
@pytest.mark.parametrize("kind", ["standard_static", "batched"])
def test_all_context_windows_are_told(kind: str, frames: int, fix: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ROWS["Wan 2.1"]
    model = ContextWindowsManualNode.execute(
        row.patcher(), 5, 2, kind, 1, False, "pyramid", 2, False, causal_window_fix=fix)[0]
    held, told = held_and_told(
        lambda each: tiny_models.sample(row, each, (16, frames, 4, 6), cfg=2.0, steps=8), model, monkeypatch)
    assert told == pytest.approx(held, rel=NEAR)


@pytest.mark.parametrize("correction", ["on", "off"])
@pytest.mark.parametrize("frames", [9, 21])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", ["standard_uniform", "looped_uniform"])
def test_windows_that_move_are_told(kind: str, stride: int, frames: int, correction: str,
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    row = ROWS["Wan 2.1"]
    model = ContextWindowsManualNode.execute(
        row.patcher(), 5, 2, kind, stride, kind == "looped_uniform", "pyramid", 2, False)[0]
    held, told = held_and_told_in_all(
        lambda each: tiny_models.sample(row, each, (16, frames, 4, 6), cfg=2.0, steps=12), model, monkeypatch,
        correction=correction)
    assert (1 - NEAR) * held <= told <= (1 + (NEAR if correction == "off" else APART)) * held


@pytest.mark.parametrize("target", ["output", "residual", "auto"])
@pytest.mark.parametrize("name", ["PixArt Sigma", "Stable Diffusion 3.5 medium"])
def test_a_model_that_learned_a_variance_is_told_with_it(
    name: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS[name]
    held, told = held_and_told(lambda each: tiny_models.sample(row, each, next(iter(row.sizes)), cfg=2.0, steps=12),
                               row.patcher(), monkeypatch, target=target)
    assert told == pytest.approx(held, rel=0.01)


def test_the_run_keeps_its_model_when_it_asks_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where ComfyUI takes it for unused, as it does once another model, such as a preview's, was loaded."""
    row, kept = ROWS["FLUX.1 dev"], []
    stock = comfy.model_management.free_memory

    def freed(memory_required: float, device: torch.device, keep_loaded: Sequence = ()) -> object:
        kept.append([each.model.model for each in keep_loaded])
        return stock(memory_required, device, keep_loaded)

    def unused(executor: Callable, *args: object) -> torch.Tensor:
        for each in comfy.model_management.current_loaded_models:
            each.currently_used = False
        monkeypatch.setattr(comfy.model_management, "free_memory", freed)
        return executor(*args)

    model = tiled(row.patcher())
    model.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "another model was loaded", unused)
    held_and_told(lambda each: tiny_models.sample(row, each, (16, 12, 18), cfg=2.0, steps=12), model, monkeypatch)
    assert kept and all(model.model in models for models in kept)


def tiled(model: ModelPatcher) -> ModelPatcher:
    """Its picture is made in tiles."""
    model = model.clone()
    model.set_model_unet_function_wrapper(lambda calls, args: in_tiles(args, calls))
    return model


def skipping_layers(start: float, end: float) -> Callable[[ModelPatcher], ModelPatcher]:
    """Guidance that runs the model once more in a range of the run."""
    return lambda model: SkipLayerGuidanceDiT.execute(model, 2.0, start, end, "1", "")[0]


MORE = {
    "overlapping tiles": tiled, "skip-layer guidance": skipping_layers(0.0, 1.0),
    "skip-layer guidance, a part of the run": skipping_layers(0.1, 0.7),
}


@pytest.mark.parametrize("target", ["auto", "residual"])
@pytest.mark.parametrize("name", MORE)
def test_what_is_not_known_before_the_first_step_is_told_after_it(
    name: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS["FLUX.1 dev"]
    model = MORE[name](row.patcher())
    held, told = held_and_told_in_all(
        lambda each: tiny_models.sample(row, each, (16, 12, 18), cfg=2.0, steps=12), model, monkeypatch, target=target)
    assert told == pytest.approx(held, rel=NEAR)


@pytest.mark.parametrize("target", ["auto", "residual", "denoised"])
@pytest.mark.parametrize("name", PACKED)
def test_packed_latents_are_told(name: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ROWS[name]
    model = row.patcher()
    held, told = held_and_told(
        lambda each: tiny_models.sample(row, each, next(iter(row.sizes)), cfg=2.0, steps=8), model, monkeypatch,
        target=target)
    assert told == pytest.approx(held, rel=NEAR)


def test_latents_that_leave_the_model_no_room_are_kept_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    row, kept = ROWS["Wan 2.1"], []
    model = row.patcher()

    def picture(free: float) -> torch.Tensor:
        monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda *_, **__: free)
        monkeypatch.setattr(ModelPatcher, "get_free_memory", lambda *_: 1e13)
        accelerated = model.clone()
        TapPatch(TapSettings(interval=2), RecordHolder()).install(accelerated)
        with torch.inference_mode():
            return tiny_models.sample(row, accelerated, next(iter(row.sizes)), cfg=2.0, steps=8)

    add = Replay.add

    def watched(replay: Replay, *args: object, **kwargs: object) -> bool:
        kept.append(replay.device)
        return add(replay, *args, **kwargs)

    monkeypatch.setattr(Replay, "add", watched)
    spacious, scarce = picture(1e12), picture(1e3)
    assert set(kept[:8]) == {None} and set(kept[8:]) == {torch.device("cpu")}
    assert torch.equal(spacious, scarce)


@pytest.mark.parametrize("cfg", [1.0, 3.0])
@pytest.mark.parametrize("sampler", ["euler", "heun", "dpm_2", "dpmpp_2m", "er_sde"])
def test_latents_are_told_of_samplers_that_evaluate_twice_or_draw_noise(sampler: str, cfg: float,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    """That a sampler does is seen at its first steps, and told then."""
    row = ROWS["FLUX.1 dev"]
    held, told = held_and_told_in_all(
        lambda each: tiny_models.sample(row, each, (16, 64, 64), cfg=cfg, steps=14, sampler=sampler), row.patcher(),
        monkeypatch)
    # Without guidance ComfyUI computes one of the two conditions that it names.
    assert (1 - NEAR) * held <= told <= (1 + (APART if cfg > 1 else 0.5)) * held
