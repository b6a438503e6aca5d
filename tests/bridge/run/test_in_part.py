"""Steps that are computed in part, in real runs of a tiny FLUX: what the blocks get, and what the run tells of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.live.plan_marks import mark_of
from tap_pack.tap_core.pictures.choice_image import MapOptions, draw_choice_map
from tap_pack.tap_core.pictures.viewer_data import viewer_data
from tap_pack.tap_core.record.file import load_record, save_record
from tap_pack.tap_core.record.summary import report_text, summary_line
from tap_pack.tap_core.schedule import SKIP, Decision, Seen
from tap_pack.tap_core.schedules.adaptive import AdaptiveCourse, AdaptiveSettings
from tap_pack.tap_core.schedules.sada import StabilitySchedule
from tap_pack.tap_core.schedules.unstable_tokens import kept_tokens
from tap_pack.tap_core.timeline import Timeline

from tiny_flux import Accelerated, blocks, distance, loaded_flux, prompt, sample

STEPS, IN_PART, SKIPPED = 10, (4, 7), (3, 5, 8)
GRID, WORDS = (1, 4, 6), 7
TOKENS = GRID[1] * GRID[2]


@dataclass(frozen=True)
class InPart(AdaptiveSettings):
    """Computes the left half of the picture at some steps, and forecasts some others. all: computes all of it there."""

    all: bool = field(default=False)

    def start(self, timeline: Timeline) -> InPartCourse:
        return InPartCourse(self, timeline)


class InPartCourse(AdaptiveCourse):
    def choose(self, seen: Seen) -> Decision:
        if int(seen.position) in SKIPPED:
            return SKIP
        if int(seen.position) not in IN_PART:
            return Decision(full=True)
        unstable = torch.ones_like(seen.x)
        if not self.settings.all:
            unstable[..., unstable.shape[-1] // 2 :] = -1
        return Decision(full=False, reason="left half", unstable=unstable)


def expected(step: int) -> torch.Tensor:
    """Which tokens are computed: the left half, and one of each cell."""
    left = torch.zeros(GRID, dtype=torch.bool)
    left[..., : GRID[2] // 2] = True
    return left.flatten() | kept_tokens(GRID, step)


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    return loaded_flux()


@pytest.fixture(scope="module")
def run(model: ModelPatcher) -> tuple[Accelerated, torch.Tensor]:
    """A run with guidance, correction and learned trust, and its picture."""
    accelerated = Accelerated(model, schedule=InPart(), target="auto", correction="on", trust="learned")
    return accelerated, accelerated.sample(STEPS, cfg=2.0)


@contextmanager
def rows_seen(model: ModelPatcher) -> Iterator[list[int]]:
    """How many tokens the last block gets at each of its calls."""
    rows: list[int] = []
    hook = blocks(model)[-1].register_forward_pre_hook(lambda _, args: rows.append(args[0].shape[1]))
    try:
        yield rows
    finally:
        hook.remove()


def test_the_blocks_get_the_text_and_the_chosen_tokens(model: ModelPatcher) -> None:
    with rows_seen(model) as rows:
        Accelerated(model, schedule=InPart()).sample(STEPS, cfg=2.0)
    computed = [step for step in range(STEPS) if step not in SKIPPED]
    assert rows == [WORDS + (int(expected(step).sum()) if step in IN_PART else TOKENS) for step in computed]


def test_the_record_says_which_tokens_were_computed(run: tuple[Accelerated, torch.Tensor]) -> None:
    record = run[0].record
    assert record.part_steps == list(IN_PART) and record.skipped_steps == list(SKIPPED)
    assert record.forecast_steps == sorted(IN_PART + SKIPPED) and not record.fallbacks
    for evaluation in record.evaluations:
        assert mark_of(evaluation, True) == ("p" if evaluation.step in IN_PART else "s"
                                             if evaluation.step in SKIPPED else "f")
        for choices in evaluation.choices:
            assert (choices.computed is not None) == (evaluation.step in IN_PART)
        if evaluation.step in IN_PART:
            assert len(evaluation.choices) == 2
            assert all(torch.equal(choices.computed[0], expected(evaluation.step)) for choices in evaluation.choices)
            assert evaluation.computed_share == expected(evaluation.step).float().mean()
    shares = [float(expected(step).float().mean()) for step in IN_PART]
    assert record.steps_computed == pytest.approx(len(record.full_steps) + sum(shares))
    assert record.report()["part_shares"] == pytest.approx(shares)
    assert "5 of 10 steps computed, 2 in part" in summary_line(record)
    assert f"computed in part, {shares[0]:.0%} of the tokens: left half; order" in report_text(record)


def test_closeness_and_replay_take_such_a_step_as_a_forecast_one(
    model: ModelPatcher, run: tuple[Accelerated, torch.Tensor]
) -> None:
    accelerated, picture = run
    assert accelerated.record.closeness is not None
    stock = sample(model, STEPS, cfg=2.0)
    assert distance(picture, stock) < 0.35
    still = [evaluation for evaluation in accelerated.record.evaluations if evaluation.part]
    assert all(not evaluation.whole and not evaluation.full and not evaluation.skipped for evaluation in still)


def test_a_run_that_chooses_all_tokens_is_computed_in_full(model: ModelPatcher) -> None:
    accelerated = Accelerated(model, schedule=InPart(all=True))
    accelerated.sample(STEPS)
    assert accelerated.record.part_steps == [] and accelerated.record.skipped_steps == list(SKIPPED)
    assert [e.reason for e in accelerated.record.evaluations if e.step in IN_PART] == ["left half"] * len(IN_PART)


def with_area(model: ModelPatcher) -> tuple[ModelPatcher, dict]:
    return model, {"positive": [*prompt(), *prompt(seed=3, area=(4, 6, 0, 0), strength=1.0)]}


def with_patch(model: ModelPatcher) -> tuple[ModelPatcher, dict]:
    patched = model.clone()
    patched.set_model_patch(lambda q, k, v, **_: {"q": q, "k": k, "v": v}, "attn1_patch")
    return patched, {}


@pytest.mark.parametrize(("change", "says"), [(with_area, "has an area"), (with_patch, "another node changes")])
def test_what_is_not_plainly_right_is_computed_in_full_and_said_once(
    model: ModelPatcher, change: Callable[..., tuple[ModelPatcher, dict]], says: str
) -> None:
    changed, options = change(model)
    accelerated = Accelerated(changed, schedule=InPart())
    accelerated.sample(STEPS, **options)
    assert accelerated.record.part_steps == [] and set(IN_PART) <= set(accelerated.record.full_steps)
    assert [says in said for said in accelerated.record.fallbacks] == [True]


def test_map_viewer_and_file_show_the_computed_tokens(run: tuple[Accelerated, torch.Tensor], tmp_path: Path) -> None:
    record = run[0].record
    save_record(record, tmp_path / "record.safetensors")
    again = load_record(tmp_path / "record.safetensors")
    for one, other in zip(record.evaluations, again.evaluations, strict=True):
        assert [c.computed is None for c in one.choices] == [c.computed is None for c in other.choices]
        assert all(torch.equal(a.computed, b.computed) for a, b in zip(one.choices, other.choices, strict=True)
                   if a.computed is not None)
    document = viewer_data(again, "run").document
    step = document["steps"][IN_PART[0]]
    assert step["kind"] == "partly" and "of the tokens computed: left half" in step["words"]
    block = document["prompts"][0]["blocks"][IN_PART[0]]
    for layer in document["layers"]:
        entry = [e["label"] for e in layer["entries"]].index("computed, not forecast")
        assert layer["shares"][block][0][entry] == pytest.approx(float(expected(IN_PART[0]).float().mean()), abs=1e-3)
    frames = draw_choice_map(again, MapOptions(size=GRID[2] * 20, legend=False))
    assert len(frames[IN_PART[0]].unique(dim=0)) > 1
    assert draw_choice_map(again, MapOptions(layer="loss")).shape[0] == STEPS


@pytest.mark.parametrize("sampler", ["euler", "heun", "euler_ancestral"])
def test_sada_computes_unstable_steps_in_part(model: ModelPatcher, sampler: str) -> None:
    schedule = StabilitySchedule(token_wise=True, multistep_from=1.0, start_share=0.25)
    accelerated = Accelerated(model, schedule=schedule, target="auto", correction="on")
    picture = accelerated.sample(16, sampler=sampler)
    assert picture.isfinite().all() and accelerated.record.part_steps and accelerated.record.complete
    reasons = {e.reason for e in accelerated.record.evaluations if e.part}
    assert reasons == {"path not stable"} and accelerated.record.closeness is not None
