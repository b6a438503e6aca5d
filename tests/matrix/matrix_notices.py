"""Rows: the sampler goes again, and nothing but the picture shows it."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable

import comfy.sample
import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrapperExecutor, WrappersMP
from tap_pack.nodes.comfy_bridge.live import live_run
from tap_pack.nodes.comfy_bridge.live.live_run import TO_COME, LiveRun
from tap_pack.nodes.measure_run import TapMeasureRun
from tap_pack.tap_core.schedules.easycache import EasyCacheSchedule
from tap_pack.tap_core.schedules.sada import StabilitySchedule
from torch import Tensor

from custom_runs import stirred
from matrix_replay import guider, row, run
from matrix_row import accelerate, relative_error
from matrix_stage import STEPS, Stage
from other_device import backend
from waiting import wait_until
from watched_runs import accelerated as with_settings
from watched_runs import assert_nobody_notices, watched, watched_with_tap

ONCE = "each step once, in order"
EXACT = "the same picture, bit for bit"
FIRST = "the sampler is called once"
# How far a full step's answer moves when x is repaid: 0.005 at most was measured; from step to step it is 0.01 to 0.9.
AT_THE_REPAID_X = 0.01
KINDS = ("heun", "dpmpp_2m", "euler_ancestral")


def nobody_notices(stage: Stage) -> str:
    """Model calls, callbacks, the record's entries and the random generators are those without replay."""
    for sampler in KINDS:
        on = assert_nobody_notices(stage.build(), run(stage, sampler), replays="ancestral" not in sampler)
        assert on.steps == list(range(STEPS))
        of_steps = [e.step for e in on.record.evaluations]
        assert of_steps == sorted(of_steps) and set(of_steps) == set(range(STEPS))
        assert torch.equal(watched_with_tap(stage.build(), run(stage, sampler)).picture, on.picture)
    return ONCE


def previews(stage: Stage) -> str:
    """What a callback shows of each step is that step's answer, once and in order."""
    for sampler in ("euler", "dpmpp_2m", "euler_ancestral"):
        answers: list[Tensor] = []
        shown: list[Tensor] = []

        def answered(executor: WrapperExecutor, *args: object, to: list[Tensor] = answers, **kwargs: object) -> Tensor:
            to.append(executor(*args, **kwargs))
            return to[-1]

        model, _ = with_settings(stage.build())
        model.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "other", answered)
        stage.sample(model, sampler=sampler, callback=lambda step, x0, *_, to=shown: to.append(x0.clone()))
        assert len(shown) == len(answers) == STEPS
        # After a gap a full step's answer is shown as it is at the x that is repaid.
        assert all(relative_error(*each) < AT_THE_REPAID_X for each in zip(shown, answers, strict=True))
    return ONCE


def live_events(stage: Stage) -> str:
    """The browser is told each evaluation once, and the same as without replay."""
    marks, events = [], []
    evaluated = LiveRun.evaluated

    def noted(live: LiveRun) -> None:
        evaluated(live)
        marks.append(live._event()["marks"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LiveRun, "evaluated", noted)
        patch.setattr(live_run, "browser_of_prompt", lambda: events.append)
        for ends, correction in enumerate(("on", "off"), 1):
            watched_with_tap(stage.build(), run(stage, "dpmpp_2m"), correction)
            assert wait_until(lambda: events and events[-1]["ended"])
            assert sum(event["ended"] for event in events) == ends
            events.append({"ended": False})
    on, off = marks[:STEPS], marks[STEPS:]
    assert on == off
    assert [each.count(TO_COME) for each in on] == list(range(STEPS - 1, -1, -1))
    return ONCE


def of_a_device(stage: Stage) -> str:
    """A sampler draws from the generator of a device: it is put back, and stands after the run where it would."""
    stood = []
    for correction in ("on", "off"):
        generator = torch.Generator().manual_seed(3)

        def draw(x: Tensor, given: torch.Generator = generator) -> Tensor:
            return torch.randn(x.shape, generator=given)

        def sample(model: ModelPatcher, callback: Callable, draw: Callable = draw) -> Tensor:
            return stage.guided(guider(stage, model), sampler=stirred(draw, 0.005), callback=callback)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "npu", backend([generator]), raising=False)
            seen = watched_with_tap(stage.build(), sample, correction)
        assert seen.record.fallbacks == [] and (correction == "off" or seen.passes > 2)
        stood.append((generator.get_state().tolist(), seen.calls, seen.steps))
    assert stood[0] == stood[1]
    return ONCE


def without(stage: Stage) -> str:
    """With correction off, the sampler is called once, and no step is lost."""
    for sampler in KINDS:
        seen = watched_with_tap(stage.build(), run(stage, sampler), "off")
        assert seen.passes == 1 and seen.steps == list(range(STEPS))
        assert seen.record.skipped_steps and not seen.record.fallbacks
    return FIRST


def in_full(stage: Stage) -> str:
    """Where nothing is skipped, the sampler is called once, and the picture is stock's."""
    for sampler in KINDS:
        stock, on = watched(stage.build(), run(stage, sampler)), watched_with_tap(
            stage.build(), run(stage, sampler), interval=1)
        assert torch.equal(on.picture, stock.picture) and on.passes == 1
    return EXACT


def wrapped(stage: Stage) -> str:
    """Wrappers of other nodes, before TAP and after it."""
    kinds = (WrappersMP.OUTER_SAMPLE, WrappersMP.SAMPLER_SAMPLE, WrappersMP.PREDICT_NOISE)

    def counting(model: ModelPatcher, came: list[str]) -> ModelPatcher:
        def wrapper(kind: str) -> Callable:
            return lambda executor, *args, **kwargs: (came.append(kind), executor(*args, **kwargs))[1]

        clone = model.clone()
        for kind in kinds:
            clone.add_wrapper_with_key(kind, "other", wrapper(kind))
        return clone

    for after in (False, True):
        came: list[str] = []
        model = stage.build()
        tapped, _ = accelerate(model if after else counting(model, came))
        stage.sample(counting(tapped, came) if after else tapped)
        assert [came.count(kind) for kind in kinds] == [1, 1, STEPS]
    return ONCE


def bar(stage: Stage) -> str:
    """ComfyUI's bar in the log."""
    model, _ = accelerate(stage.build())
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", STEPS)
    log, latent = io.StringIO(), stage.latent()
    with contextlib.redirect_stderr(log):
        guider(stage, model).sample(comfy.sample.prepare_noise(latent, 5), latent,
                                    comfy.samplers.sampler_object("dpmpp_2m"), sigmas, seed=5)
    steps = [int(step) for step in re.findall(rf"(\d+)/{STEPS} \[", log.getvalue())]
    assert steps == sorted(steps) and steps[0] == 0 and steps[-1] == STEPS
    return ONCE


def schedules(stage: Stage) -> str:
    """Schedules that follow x."""
    for schedule in (EasyCacheSchedule(threshold=0.3, warmup=3), StabilitySchedule()):
        on = watched_with_tap(stage.build(), run(stage, "dpmpp_2m"), given_schedule=schedule)
        assert [e.position for e in on.record.evaluations] == on.steps == list(range(STEPS))
        assert on.record.skipped_steps and not on.record.fallbacks
    return ONCE


def measured(stage: Stage) -> str:
    """TAP Measure Run."""
    model = stage.build()
    stock = stage.sample(model, sampler="heun")
    tapped, holder = TapMeasureRun.execute(model, "auto").args
    assert torch.equal(stage.sample(tapped, sampler="heun"), stock)
    assert holder.latest.steps == STEPS
    return ONCE


ROWS = [
    row("while drift is repaid: model calls, callbacks, the record, random generators", ONCE, nobody_notices),
    row("previews, while drift is repaid", ONCE, previews),
    row("live events", ONCE, live_events),
    row("random generators of any device", ONCE, of_a_device),
    row("the bar in the log", ONCE, bar),
    row("wrappers of other nodes", ONCE, wrapped),
    row("schedules that follow the picture, such as SADA and EasyCache", ONCE, schedules),
    row("TAP Measure Run", ONCE, measured),
    row("interval 1, with all kinds of samplers", EXACT, in_full),
    row("correction off, with all kinds of samplers", FIRST, without),
]
