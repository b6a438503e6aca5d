"""A graph with two models for one picture: one after the other, as in Wan 2.2, or both in one guider."""

from __future__ import annotations

import comfy.sample
import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy_extras import nodes_custom_sampler
from tap_pack.nodes.comfy_bridge.live import live_run as live
from tap_pack.nodes.comfy_bridge.run.measuring import MeasuringPatch
from tap_pack.nodes.comfy_bridge.run.second_model import ALONE, FOLLOWS
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.calibrate.trace_holder import TraceHolder
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.run_line import run_line
from tap_pack.tap_core.sampling.settings import TapSettings

from custom_runs import custom
from tiny_flux import sample, tiny_flux
from tiny_models import prompt
from tiny_table import ALL_ROWS
from waiting import wait_until


def test_two_models_share_one_picture_but_no_history() -> None:
    """Wan 2.2: one model for the high noise levels, another for the low ones, each with its own TAP node."""
    row = next(row for row in ALL_ROWS if row.name == "Wan 2.1")
    shape, holders = next(iter(row.sizes)), (RecordHolder(), RecordHolder())
    latent = torch.zeros(1, *shape)
    noise, text = comfy.sample.prepare_noise(latent, 5), prompt(row, latent, 1)
    for part, holder in enumerate(holders):
        model = row.patcher()
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
    assert high.part_of_run and low.part_of_run
    for record in (high, low):  # each tells of its own steps only, and says so
        assert f"({record.closeness.figure}) in this part of the run" in run_line(record)


@pytest.mark.parametrize("options", [{}, {"denoise": 0.5}, {"latent": torch.ones(1, 16, 8, 12)}], ids=str)
def test_a_picture_that_one_sampling_makes_is_no_part(options: dict) -> None:
    model, holder = tapped(tiny_flux())
    sample(model, 12, **options)
    assert holder.latest.skipped_steps and not holder.latest.part_of_run


DUAL = getattr(nodes_custom_sampler, "Guider_DualModel", None)
in_one_guider = pytest.mark.skipif(DUAL is None, reason="not in this ComfyUI")
SAMPLERS = ("euler", "heun", "dpmpp_2m", "euler_ancestral")


def tapped(model: ModelPatcher, node: str = "", **settings: object) -> tuple[ModelPatcher, RecordHolder]:
    """The model with TAP, and where its records go."""
    holder, clone = RecordHolder(), model.clone()
    TapPatch(TapSettings(**{"quality": "fixed", "interval": 3, **settings}), holder, node).install(clone)
    return clone, holder


def together(first: ModelPatcher, second: ModelPatcher, sampler: str = "euler") -> torch.Tensor:
    """One sampling of a guider that runs the negative prompt on the second model."""
    run = custom(lambda: comfy.samplers.sampler_object(sampler), lambda model: DUAL(model, second))
    with torch.inference_mode():
        return run(first, None)


@in_one_guider
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_with_tap_on_both_models_of_a_guider_the_first_leads_and_both_have_a_record(sampler: str) -> None:
    one, other = tiny_flux(), tiny_flux(seed=1)
    (first, held), (second, followed) = tapped(one), tapped(other, interval=1)
    alone, _ = tapped(one)
    assert torch.equal(together(first, second, sampler), together(alone, other, sampler))
    record, copy = held.latest, followed.latest
    assert record.skipped_steps and copy.skipped_steps == record.skipped_steps
    assert copy.settings["interval"] == 3 and copy.fallbacks == [*record.fallbacks, FOLLOWS]
    assert FOLLOWS not in record.fallbacks
    blocks = sum(e.full_calls for e in record.evaluations)
    assert blocks == 2 * sum(e.full for e in record.evaluations)


@in_one_guider
def test_with_tap_on_the_second_model_alone_the_picture_is_the_same_and_its_node_says_why(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[dict] = []
    monkeypatch.setattr(live, "browser_of_prompt", lambda: events.append)
    one, other = tiny_flux(), tiny_flux(seed=1)
    second, holder = tapped(other, "8")
    assert torch.equal(together(one, second), together(one, other))
    assert run_line(holder.latest) == f"No step was forecast. {ALONE}"
    assert events[-1]["node"] == "8" and events[-1]["line"].endswith(ALONE) and events[-1]["ended"]


@in_one_guider
def test_the_line_of_the_second_model_is_that_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[dict] = []
    monkeypatch.setattr(live, "browser_of_prompt", lambda: events.append)
    (first, _), (second, _) = tapped(tiny_flux(), "7"), tapped(tiny_flux(seed=1), "8")
    together(first, second)
    # The run's own events are sent by a thread of theirs.
    assert wait_until(lambda: any(event["node"] == "7" and event["ended"] for event in events))
    (told,) = [event for event in events if event["node"] == "8"]
    (ended,) = [event for event in events if event["node"] == "7" and event["ended"]]
    assert told["ended"] and set(told["marks"]) == {"f", "s"}
    assert (told["line"], told["marks"]) == (ended["line"], ended["marks"])


@in_one_guider
def test_the_second_model_of_a_guider_is_not_measured_and_the_trace_says_why() -> None:
    holder, model = TraceHolder(), tiny_flux(seed=1)
    MeasuringPatch("auto", holder).install(model)
    for first in (tiny_flux(), tapped(tiny_flux())[0]):
        holder.clear()
        together(first, model)
        assert holder.latest is None and holder.why_none == ALONE
