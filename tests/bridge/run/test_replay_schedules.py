"""Replay and whatever follows a run: schedules that watch it, TAP Measure Run, the browser."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.live import live_run as live
from tap_pack.nodes.comfy_bridge.live.live_run import TO_COME, LiveRun
from tap_pack.nodes.measure_run import TapMeasureRun
from tap_pack.tap_core.sampling.decider import Decider
from tap_pack.tap_core.schedule import AnySchedule
from tap_pack.tap_core.schedules.cg_taylor import ConfidenceGateSchedule
from tap_pack.tap_core.schedules.easycache import EasyCacheSchedule
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tap_pack.tap_core.schedules.sada import StabilitySchedule
from tap_pack.tap_core.schedules.speca import SpeculativeSchedule
from tap_pack.tap_core.schedules.tc_pade import TrajectoryStabilitySchedule
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule
from torch import Tensor

from custom_runs import STEPS, custom
from tiny_flux import tiny_flux
from waiting import wait_until
from watched_runs import Sample, Watched, watched, watched_with_tap

WATCHING = {
    "EasyCache": EasyCacheSchedule(threshold=0.3, warmup=3),
    "EasyCache, from the pool": EasyCacheSchedule(threshold=0.3, warmup=3, forecast="pool"),
    "SADA": StabilitySchedule(multistep_from=0.4, multistep_interval=3),
    "SADA, from the pool": StabilitySchedule(forecast="pool"),
    "TeaCache": TeaCacheSchedule(threshold=0.6, coefficients=(1.0, 0.0)),
    "CG-Taylor": ConfidenceGateSchedule(threshold=1.0),
    "TC-Pade": TrajectoryStabilitySchedule(threshold=0.0),
    "SpeCa": SpeculativeSchedule(),
}


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[float]]:
    """Positions of the evaluations that a schedule sees begin and end, in order."""
    seen: dict[str, list[float]] = {"begin": [], "finish": []}
    begin, finish = Decider.begin, Decider.finish

    def begins(self: Decider, position: float, sigma: float, x: Tensor | None) -> None:
        seen["begin"].append(position)
        begin(self, position, sigma, x)

    def finishes(self: Decider) -> None:
        seen["finish"].append(self.seen.position)
        finish(self)

    monkeypatch.setattr(Decider, "begin", begins)
    monkeypatch.setattr(Decider, "finish", finishes)
    return seen


def by(name: str) -> Sample:
    """A run by a sampler of ComfyUI."""
    return custom(lambda: comfy.samplers.sampler_object(name))


@pytest.fixture(scope="module")
def stock(model: ModelPatcher) -> Callable[[str], Watched]:
    """The run without TAP by a sampler, each made once."""
    return cache(lambda sampler: watched(model, by(sampler)))


@pytest.fixture(scope="module")
def in_full(model: ModelPatcher) -> Callable[[str], list[float]]:
    """Positions of all evaluations of a run that skips nothing, by sampler."""
    return cache(lambda sampler: [e.position for e in watched_with_tap(model, by(sampler), interval=1)
                                  .record.evaluations])


@pytest.mark.parametrize("sampler", ["euler", "dpm_2", "dpmpp_2m"])
@pytest.mark.parametrize("name", WATCHING)
def test_a_schedule_sees_each_evaluation_once(
    model: ModelPatcher, in_full: Callable[[str], list[float]], shown: dict[str, list[float]], name: str, sampler: str
) -> None:
    wanted = in_full(sampler)
    for positions in shown.values():
        positions.clear()
    on = watched_with_tap(model, by(sampler), given_schedule=WATCHING[name])
    assert shown["begin"] == shown["finish"] == wanted != []
    assert [e.position for e in on.record.evaluations] == wanted
    assert on.steps == list(range(STEPS))
    assert on.record.skipped_steps and on.passes > 2


@pytest.mark.parametrize("schedule", [TeaCacheSchedule(threshold=0.0, coefficients=(1.0, 0.0)),
                                      ListedSchedule(tuple(range(STEPS)))], ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("sampler", ["heun", "dpmpp_2m", "dpmpp_2m_sde"])
def test_a_schedule_that_computes_every_step_after_all_leaves_stock(
    model: ModelPatcher, stock: Callable[[str], Watched], sampler: str, schedule: AnySchedule
) -> None:
    on, plain = watched_with_tap(model, by(sampler), given_schedule=schedule), stock(sampler)
    assert torch.equal(on.picture, plain.picture)
    assert (on.calls, on.steps, on.drawn) == (plain.calls, plain.steps, plain.drawn)


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp_2m", "euler_ancestral"])
def test_a_measured_run_is_not_touched(
    model: ModelPatcher, stock: Callable[[str], Watched], shown: dict[str, list[float]], sampler: str
) -> None:
    measured, holder = TapMeasureRun.execute(model, "auto").args
    plain, seen = stock(sampler), watched(measured, by(sampler))
    assert torch.equal(seen.picture, plain.picture)
    assert (seen.calls, seen.steps, seen.passes, seen.drawn) == (plain.calls, plain.steps, 1, plain.drawn)
    assert sorted(shown["begin"]) == shown["begin"] == shown["finish"]
    assert holder.latest.steps == STEPS and len(holder.latest.moved) == STEPS - 1


@pytest.mark.parametrize("sampler", ["euler", "heun", "uni_pc"])
def test_the_browser_is_told_each_evaluation_once(model: ModelPatcher, monkeypatch: pytest.MonkeyPatch,
                                                  sampler: str) -> None:
    ends: list[dict] = []
    marks: list[str] = []
    evaluated, sent = LiveRun.evaluated, []

    def noted(run: LiveRun) -> None:
        evaluated(run)
        marks.append(run._event()["marks"])

    monkeypatch.setattr(LiveRun, "evaluated", noted)
    monkeypatch.setattr(live, "browser_of_prompt", lambda: sent.append)
    for correction in ("on", "off"):
        marks.clear()
        on = watched_with_tap(model, by(sampler), correction)
        assert wait_until(lambda: sent and sent[-1]["ended"])
        ends.append({"marks": marks[:], "last": sent.pop()["marks"], "plan": sent.pop(0)["plan"]})
        sent.clear()
        assert len(marks) == len(on.record.evaluations)
        still_to_come = [each.count(TO_COME) for each in marks]
        assert still_to_come == sorted(still_to_come, reverse=True) and still_to_come[-1] == 0
    assert ends[0] == ends[1]
