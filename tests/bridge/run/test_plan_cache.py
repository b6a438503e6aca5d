"""The plan names the cache before the first block is computed, and the run then takes exactly that."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_context_windows import ContextWindowsManualNode
from comfy_extras.nodes_pag import PerturbedAttentionGuidance
from tap_pack.nodes.comfy_bridge.live import live_run as live
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.record import size_words as sizes
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule
from torch import nn

import tiny_flux
import tiny_models
from tiny_table import ALL_ROWS

KINDS = {"FLUX": "FLUX.1 dev", "Wan": "Wan 2.1", "PixArt": "PixArt Alpha", "UNet": "Stable Diffusion 1.5"}
ROWS = {kind: next(row for row in ALL_ROWS if row.name.startswith(name)) for kind, name in KINDS.items()}
Sampled = Callable[[ModelPatcher], object]


@pytest.fixture(autouse=True)
def to_the_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan shows all digits."""
    for module in (live, sizes):
        monkeypatch.setattr(module, "size_words", lambda nbytes: f"{nbytes} bytes")


def told(model: ModelPatcher, sampled: Sampled, caplog: pytest.LogCaptureFixture,
         **settings: object) -> tuple[list[str], TapRecord]:
    """The lines of the log, with a mark for each computed block of the model, and the record."""
    holder, clone = RecordHolder(), model.clone()
    TapPatch(TapSettings(**settings), holder).install(clone)
    block = next(part for name, part in model.model.diffusion_model.named_modules() if re.search(r"blocks\.0$", name))
    # The last layer of the block: the probe needs the first ones.
    layer = [part for part in block.modules() if isinstance(part, nn.Linear | nn.Conv2d)][-1]
    hook = layer.register_forward_pre_hook(lambda *_: logging.getLogger("tap").info("a block is computed"))
    try:
        with torch.inference_mode(), caplog.at_level(logging.INFO, "tap"):
            sampled(clone)
    finally:
        hook.remove()
    return [entry.getMessage() for entry in caplog.records if entry.name == "tap"], holder.latest


def assert_known_beforehand(said: list[str], record: TapRecord) -> None:
    """The first line, before any block, is the plan with the cache that the run takes; no line corrects it."""
    assert record.cache_bytes > 0
    assert said[0].endswith(f"fewer calls, cache {record.cache_bytes} bytes"), said[0]
    assert said[1] == "a block is computed"
    assert not any("other than planned" in line for line in said)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("target", ["auto", "residual", "output", "denoised"])
@pytest.mark.parametrize("kind", ROWS)
def test_the_cache_in_the_plan_is_what_the_run_takes(kind: str, target: str, dtype: torch.dtype,
                                                     caplog: pytest.LogCaptureFixture) -> None:
    row = ROWS[kind]

    def sampled(model: ModelPatcher) -> None:
        tiny_models.sample(row, model, next(iter(row.sizes)), row.batch, cfg=2.0, steps=6)

    model = tiny_models.patcher(row.build(dtype))
    assert_known_beforehand(*told(model, sampled, caplog, target=target, interval=2))


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """FLUX.1 with guidance."""
    return tiny_flux.tiny_flux()


@pytest.fixture
def one_by_one(model: ModelPatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """ComfyUI finds no memory to batch conditions in."""
    monkeypatch.setattr(ModelPatcher, "get_free_memory", lambda *_: 0)


AREA = tiny_flux.prompt() + tiny_flux.prompt(seed=4, area=(4, 6, 0, 0), strength=0.7)
CONDITIONS = {
    "no guidance": {"cfg": 1.0},
    "guidance": {"cfg": 2.0},
    "other lengths": {"cfg": 2.0, "negative": tiny_flux.prompt(9, seed=2)},
    "an area": {"cfg": 2.0, "positive": AREA},
    "two pictures": {"cfg": 2.0, "batch": 2},
}


@pytest.mark.parametrize("options", CONDITIONS.values(), ids=CONDITIONS)
def test_it_is_the_whole_run_s_with_all_kinds_of_conditions(
    model: ModelPatcher, options: dict, caplog: pytest.LogCaptureFixture
) -> None:
    assert_known_beforehand(*told(model, lambda clone: tiny_flux.sample(clone, **options), caplog))


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize("options", CONDITIONS.values(), ids=CONDITIONS)
def test_it_is_the_whole_run_s_with_conditions_in_a_call_each(
    model: ModelPatcher, options: dict, caplog: pytest.LogCaptureFixture
) -> None:
    assert_known_beforehand(*told(model, lambda clone: tiny_flux.sample(clone, **options), caplog))


@pytest.mark.parametrize("kind", ["standard_static", "batched"])
def test_it_counts_all_context_windows(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    row = ROWS["Wan"]
    windowed = ContextWindowsManualNode.execute(row.patcher(), 5, 2, kind, 1, False, "pyramid", 2,
                                                False)[0]
    assert_known_beforehand(*told(windowed, lambda clone: tiny_models.sample(row, clone, (16, 9, 4, 6), cfg=2.0,
                                                                             steps=6), caplog, interval=2))


def test_guidance_that_runs_the_model_once_more_corrects_it(caplog: pytest.LogCaptureFixture) -> None:
    row = ROWS["UNet"]
    perturbed = PerturbedAttentionGuidance.execute(row.patcher(), 2.0)[0]
    said, record = told(perturbed, lambda clone: tiny_models.sample(row, clone, next(iter(row.sizes)), cfg=2.0,
                                                                    steps=6), caplog, interval=2)
    assert ", cache " in said[0] and f"cache {record.cache_bytes} bytes" not in said[0]
    assert f"TAP: cache {record.cache_bytes} bytes, other than planned" in said


@pytest.mark.parametrize("settings", [
    {"interval": 20},  # fewer full steps than a history could keep
    {"placement": "paper", "warmup_steps": 6},  # the first step is not remembered
    {"cache_device": "cpu"}, {"probe_stride": 1}, {"orders": "0"},
], ids=str)
def test_settings_count(model: ModelPatcher, settings: dict, caplog: pytest.LogCaptureFixture) -> None:
    assert_known_beforehand(*told(model, lambda clone: tiny_flux.sample(clone, 20), caplog, **settings))


def test_a_schedule_that_decides_during_the_run_has_a_cache_too(
    model: ModelPatcher, caplog: pytest.LogCaptureFixture
) -> None:
    said, record = told(model, lambda clone: tiny_flux.sample(clone, 20), caplog, given_schedule=TeaCacheSchedule())
    assert "decides as it goes" in said[0] and ", cache " in said[0] and said[1] == "a block is computed"
    assert record.cache_bytes > 0


def test_without_skipped_steps_the_plan_names_no_cache(model: ModelPatcher, caplog: pytest.LogCaptureFixture) -> None:
    said, record = told(model, tiny_flux.sample, caplog, interval=1)
    assert said[0].startswith("TAP: plan: No step will be forecast") and "cache" not in said[0]
    assert record.cache_bytes == 0
