"""Steps that are computed in part, in real runs of tiny models: what the blocks get, and what the run tells of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from comfy.context_windows import ContextHandlerABC
from comfy.model_patcher import ModelPatcher
from comfy_api.torch_helpers import set_torch_compile_wrapper
from tap_pack.nodes.comfy_bridge.live.plan_marks import mark_of
from tap_pack.nodes.comfy_bridge.run.in_part import IN_FULL, OTHER_TOKENS
from tap_pack.tap_core.pictures.choice_image import MapOptions, draw_choice_map
from tap_pack.tap_core.pictures.palette import COMPUTED
from tap_pack.tap_core.pictures.viewer_data import viewer_data
from tap_pack.tap_core.record.file import load_record, save_record
from tap_pack.tap_core.record.summary import report_text, summary_line
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.schedule import SKIP, Decision, Seen
from tap_pack.tap_core.schedules.adaptive import AdaptiveCourse, AdaptiveSettings
from tap_pack.tap_core.schedules.sada import StabilitySchedule
from tap_pack.tap_core.schedules.unstable_tokens import kept_tokens
from tap_pack.tap_core.timeline import Timeline

import tiny_models
from tiny_flux import Accelerated, blocks, distance, loaded_flux, prompt, sample
from tiny_models import TinyModel
from tiny_table import ALL_ROWS
from tiny_wan_family import T2V, humming

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
    assert len(still) == len(IN_PART)
    assert all(not evaluation.whole and not evaluation.full and not evaluation.skipped for evaluation in still)


def test_a_run_that_chooses_all_tokens_is_computed_in_full(model: ModelPatcher) -> None:
    accelerated = Accelerated(model, schedule=InPart(all=True))
    accelerated.sample(STEPS)
    assert accelerated.record.part_steps == [] and accelerated.record.skipped_steps == list(SKIPPED)
    assert [e.reason for e in accelerated.record.evaluations if e.step in IN_PART] == ["left half"] * len(IN_PART)


def with_area(model: ModelPatcher) -> tuple[ModelPatcher, dict]:
    return model, {"positive": [*prompt(), *prompt(seed=3, area=(4, 6, 0, 0), strength=1.0)]}


def with_reference(model: ModelPatcher) -> tuple[ModelPatcher, dict]:
    latent = torch.randn(1, 16, 6, 4, generator=torch.Generator().manual_seed(4))
    return model, {"positive": prompt(reference_latents=[latent])}


def with_patch(model: ModelPatcher) -> tuple[ModelPatcher, dict]:
    patched = model.clone()
    patched.set_model_patch(lambda q, k, v, **_: {"q": q, "k": k, "v": v}, "attn1_patch")
    return patched, {}


def with_attention(model: ModelPatcher) -> tuple[ModelPatcher, dict]:
    changed = model.clone()
    changed.model_options["transformer_options"]["optimized_attention_override"] = (
        lambda original, *args, **options: original(*args, **options))
    return changed, {}


def compiled(model: ModelPatcher) -> tuple[ModelPatcher, dict]:
    changed = model.clone()
    set_torch_compile_wrapper(changed, "eager", keys=["diffusion_model"])
    return changed, {}


class Windows(ContextHandlerABC):
    """Three frames at a time."""

    def should_use_context(self, model: object, conds: object, x: torch.Tensor, *_: object) -> bool:
        return x.shape[2] > 3

    def get_resized_cond(self, cond: object, *_: object) -> object:
        return cond

    def execute(self, calc: Callable, model: object, conds: list, x: torch.Tensor, *rest: object) -> list:
        parts = [calc(model, conds, part, *rest) for part in x.split(3, dim=2)]
        return [torch.cat(sides, dim=2) for sides in zip(*parts, strict=True)]


def in_windows(model: ModelPatcher) -> tuple[ModelPatcher, dict]:
    video = T2V.patcher()
    video.model_options["context_handler"] = Windows()
    text = [[torch.randn(1, 7, T2V.context, generator=torch.Generator().manual_seed(1)), {}]]
    return video, {"positive": text, "negative": text, "latent": torch.zeros(1, 16, 6, 4, 6)}


NOT_PLAIN = [
    (with_area, "a prompt has an area, or a video is made in windows"),
    (in_windows, "a prompt has an area, or a video is made in windows"),
    (with_reference, OTHER_TOKENS),
    (with_patch, "another node changes the blocks, or the attention in them"),
    (with_attention, "another node changes the blocks, or the attention in them"),
    (compiled, "the model is compiled, for one number of tokens"),
]


@pytest.mark.parametrize(("change", "reason"), NOT_PLAIN)
def test_what_is_not_plainly_right_is_computed_in_full_and_said_once(
    model: ModelPatcher, change: Callable[..., tuple[ModelPatcher, dict]], reason: str
) -> None:
    changed, options = change(model)
    accelerated = Accelerated(changed, schedule=InPart())
    accelerated.sample(STEPS, **options)
    assert accelerated.record.part_steps == [] and set(IN_PART) <= set(accelerated.record.full_steps)
    assert accelerated.record.skipped_steps == list(SKIPPED)
    assert [said for said in accelerated.record.fallbacks if "in part" in said] == [IN_FULL.format(reason=reason)]


def test_an_oracle_needs_all_tokens(model: ModelPatcher) -> None:
    accelerated = Accelerated(model, schedule=InPart(), predictors=PoolSettings(selection="oracle"))
    accelerated.sample(STEPS)
    assert accelerated.record.part_steps == []
    assert IN_FULL.format(reason="the true result of all tokens is needed") in accelerated.record.fallbacks


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
    for layer in ("predictor", "loss"):
        frames = draw_choice_map(again, MapOptions(layer=layer, size=GRID[2] * 20, legend=False))
        _, height, width, _ = frames.shape
        middles = frames[:, height // GRID[1] // 2 :: height // GRID[1], width // GRID[2] // 2 :: width // GRID[2]]
        for step in IN_PART:
            shown = (middles[step].flatten(0, 1) * 255).round() == torch.tensor(COMPUTED)
            assert torch.equal(shown.all(-1), expected(step))


SADA = StabilitySchedule(token_wise=True, multistep_from=1.0, start_share=0.2)


@pytest.mark.parametrize("sampler", ["euler", "heun", "euler_ancestral"])
def test_sada_computes_unstable_steps_in_part(model: ModelPatcher, sampler: str) -> None:
    schedule = replace(SADA, start_share=0.25)
    accelerated = Accelerated(model, schedule=schedule, target="auto", correction="on")
    picture = accelerated.sample(16, sampler=sampler)
    assert picture.isfinite().all() and accelerated.record.part_steps and accelerated.record.complete
    reasons = {e.reason for e in accelerated.record.evaluations if e.part}
    assert reasons == {"path not stable"} and accelerated.record.closeness is not None


def row_of(name: str) -> TinyModel:
    return next(row for row in ALL_ROWS if row.name == name)


def sada_run(row: TinyModel) -> Accelerated:
    """A run in which SADA's criterion is asked to the end."""
    with torch.inference_mode():
        accelerated = Accelerated(row.patcher(), schedule=SADA, target="auto", correction="on")
        picture = tiny_models.sample(row, accelerated.model, next(iter(row.sizes)), row.batch, cfg=2.0, steps=16)
    assert picture.isfinite().all() and accelerated.record.complete
    return accelerated


@pytest.mark.parametrize("name", ["FLUX.1 dev", "Qwen-Image", "Wan 2.1", "Wan 2.2 5B, image to video", "Wan Camera",
                                  "HunyuanVideo, image to video", "Stable Diffusion 3.5 medium"])
def test_sada_computes_steps_of_every_family_in_part(name: str) -> None:
    record = sada_run(row_of(name)).record
    assert record.part_steps and not record.fallbacks
    assert all(0 < e.computed_share < 1 for e in record.evaluations if e.part)


# Without its portrait, HuMo's stream holds the picture's tokens alone; its sound needs them frame by frame.
ALONE = replace(row_of("Wan HuMo"), conditioning=lambda latent: {"audio_embed": humming(latent)["audio_embed"]})


@pytest.mark.parametrize("row", [ALONE, row_of("Chroma")], ids=str)
def test_other_models_are_computed_in_full_and_that_is_said(row: TinyModel) -> None:
    record = sada_run(row).record
    reason = f"TAP cannot compute some tokens of {record.model} without the others"
    assert record.part_steps == [] and record.fallbacks == [IN_FULL.format(reason=reason)]
