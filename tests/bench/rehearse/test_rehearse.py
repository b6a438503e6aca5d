"""Models of full width on a card that is not there: nothing of TAP's waits for it at a skipped step."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tap_pack.tap_core.predictors.families import FAMILIES
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.settings import TapSettings

from models.full_size import FULL_SIZES
from rehearse import command, rows
from rehearse.stage import Rehearsal, build, card, rehearse
from rehearse.watch import site

FLUX = next(size for size in FULL_SIZES if size.name == "FLUX.1-dev")
QWEN = next(size for size in FULL_SIZES if size.name == "Qwen-Image")
SHALLOW = {"depth": 1, "depth_single_blocks": 1}
# Until then the run gets to know its sampler.
FIRST = 3
CACHED = {"cuda -> cpu: history.py moved_away", "cuda -> cpu: replay.py _kept"}
# With guidance a part of each drift is held back, and what that is stays with its gap.
HELD_BACK = "cuda -> cpu: gaps.py _put_away"
READ = "readback.py read"
# Operators of FLUX.1-dev's skipped step with the defaults: TAP's, and all of them.
OURS, ALL = 67, 144


def run_of(settings: TapSettings, sampler: str = "euler", weights: torch.dtype | None = None, cfg: float = 1.0
           ) -> Rehearsal:
    """Ten steps of FLUX.1-dev."""
    with card() as watch:
        return rehearse(watch, FLUX, build(FLUX, weights=weights, **SHALLOW), settings, 10, cfg, sampler)


def check(run: Rehearsal) -> None:
    """No wait at a skipped step, one at a full one, no float64, and nothing is read before the card has written it.

    Until the run knows its sampler, it reads the sigma of each evaluation.
    """
    assert not run.record.fallbacks and run.of(full=False)
    assert [step.early for step in run.steps] == [[]] * len(run.steps)
    for step, each in list(zip(run.steps, run.record.evaluations, strict=True))[FIRST:]:
        assert step.waits == ([READ] if each.full else []), (each, step.waits)
        assert step.doubles == []
    assert all(step.waits in ([], ["pace.py sigma_of"]) for step in run.of(full=False))


@pytest.mark.parametrize("settings", [
    {}, {"quality": "good"}, {"target": "residual", "correction": "off"}, {"proxy_loss": "l2", "target": "output"},
    {"proxy_loss": "l1", "trust": "full", "target": "denoised"},
], ids=str)
def test_a_skipped_step_waits_for_nothing(settings: dict[str, object]) -> None:
    run = run_of(TapSettings(**{"interval": 3, **settings}))
    check(run)
    step = run.of(full=False)[-1]
    assert settings or (step.ours <= OURS and step.operators <= ALL), (step.ours, step.operators)


@pytest.mark.parametrize("settings", [
    {}, {"proxy_loss": "l1", "target": "residual"},
    {"given_pool": PoolSettings(families=tuple(FAMILIES), orders="0,1,2")},
], ids=str)
def test_histories_on_the_processor_are_copied_where_it_is_said_and_wait_for_nothing(settings: dict[str, object]
                                                                                     ) -> None:
    run = run_of(TapSettings(interval=3, cache_device="cpu", **settings))
    check(run)
    assert copied(run) == CACHED | {f"cuda -> cpu: {READ}"}


def copied(run: Rehearsal) -> set[str]:
    """From where to where, and by whom, at full steps."""
    return {copy for step in run.of(full=True) for copy in step.copies if copy.startswith("cuda -> cpu")}


def test_with_guidance_what_is_held_back_is_copied_too() -> None:
    run = run_of(TapSettings(interval=3, cache_device="cpu"), cfg=2.0)
    check(run)
    assert copied(run) == CACHED | {f"cuda -> cpu: {READ}", HELD_BACK}


def test_histories_that_give_way_wait_for_nothing() -> None:
    run = run_of(TapSettings(interval=3, memory_limit=30))
    check(run)
    assert any("cuda -> cpu: history.py moved_away" in step.copies for step in run.of(full=True))


def test_no_predictor_makes_float64_on_the_device() -> None:
    """A Mac's graphics has none: all families in one pool, and only the processor sees their small systems."""
    run = run_of(TapSettings(interval=3, given_pool=PoolSettings(families=tuple(FAMILIES), orders="0,1,2")))
    assert run.of(full=False) and not run.record.fallbacks
    assert [step.doubles for step in run.steps] == [[]] * len(run.steps)


def test_a_sampler_with_noise_and_fp8_weights() -> None:
    check(run_of(TapSettings(interval=3), "euler_ancestral", torch.float8_e4m3fn))


def test_two_prompts() -> None:
    with card() as watch:
        model = build(QWEN, num_layers=1)
        check(rehearse(watch, QWEN, model, TapSettings(interval=3), 10, cfg=4.0))


def test_a_wait_is_seen_and_named() -> None:
    with card() as watch:
        far = torch.ones(3, device="cuda")
        assert float(far[0]) == 1.0 and site()
        torch.ones(2).to("cuda")
        torch.ones(2, dtype=torch.float64, device="cuda")
    assert watch.step.others_wait == ["test_rehearse.py test_a_wait_is_seen_and_named"] * 2
    assert watch.step.copies == ["cpu -> cuda: test_rehearse.py test_a_wait_is_seen_and_named"]
    assert watch.step.others_doubles == ["test_rehearse.py test_a_wait_is_seen_and_named"]


def test_pinned_memory_is_copied_without_a_wait_and_not_to_be_read() -> None:
    here = "test_rehearse.py test_pinned_memory_is_copied_without_a_wait_and_not_to_be_read"
    with card() as watch:
        far = torch.ones(100, 400, dtype=torch.bfloat16, device="cuda")
        near = torch.empty(100, 400, dtype=torch.bfloat16, pin_memory=True).copy_(far, non_blocking=True)
        near[3:].flatten().to("cuda", non_blocking=True)
        assert near[3:].is_pinned() and watch.step.others_wait == watch.step.early == []
        near.to("cuda", torch.float32, non_blocking=True)
        near.t().to("cuda", non_blocking=True)
        near.float()
        assert watch.step.early == [here] * 3 and watch.step.others_wait == []
        torch.ones(100, 400).to("cuda", non_blocking=True)
        far.to("cpu", non_blocking=True)
        assert watch.step.others_wait == [here] * 2


def test_what_is_held_is_followed() -> None:
    with card() as watch:
        kept = torch.ones(1000, device="cuda")
        dropped = kept + 1
        del dropped
        assert watch.held == kept.nbytes and watch.step.peak == 2 * kept.nbytes


def test_a_deeper_model_takes_longer() -> None:
    deep = replace(FLUX, name="deep")
    with card() as watch:
        few = rehearse(watch, deep, build(deep, depth=1, depth_single_blocks=1), None, 2).steps[-1]
        more = rehearse(watch, deep, build(deep, depth=2, depth_single_blocks=1), None, 2).steps[-1]
    assert sum(flops for flops, _ in more.work) > 1.4 * sum(flops for flops, _ in few.work)


def test_rows_are_kept_and_a_run_carries_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is not rehearsed again, unless it is asked for."""
    jobs, asked = [rows.Job(FLUX, variant=variant) for variant in ("", "cache_device cpu")], []
    monkeypatch.setattr(command, "jobs", lambda: jobs)
    row = rows.Job.row
    monkeypatch.setattr(rows.Job, "row", lambda job: asked.append(job.variant) or row(job))
    for arguments in ([], [], ["--model", "Qwen-Image", "--anew"]):
        command.run([*arguments, "--output", str(tmp_path)])
    assert asked == ["", "cache_device cpu"]
    kept = json.loads((tmp_path / "rehearse.json").read_text(encoding="utf-8"))["rows"]
    assert [one["variant"] for one in kept] == asked and "| cache_device cpu |" in command.markdown({"rows": kept})
    assert [one["waits"]["skipped"] == [] and one["waits"]["full"] == [READ] for one in kept] == [True, True]
    monkeypatch.setattr(rows.Job, "row", lambda job: kept[jobs.index(job)] | {"cfg": 7.0})
    command.run(["--model", FLUX.name, "--anew", "--output", str(tmp_path)])
    kept = json.loads((tmp_path / "rehearse.json").read_text(encoding="utf-8"))["rows"]
    assert [one["cfg"] for one in kept] == [7, 7]
