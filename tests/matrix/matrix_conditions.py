"""Rows: what prompts, guidance and windows do to the calls of the model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import comfy.hooks
import comfy.model_patcher
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_context_windows import ContextWindowsManualNode, WanContextWindowsManualNode
from comfy_extras.nodes_custom_sampler import CFGOverride, Guider_DualCFG
from comfy_extras.nodes_nag import NAGuidance
from comfy_extras.nodes_pag import PerturbedAttentionGuidance
from comfy_extras.nodes_perpneg import Guider_PerpNeg
from comfy_extras.nodes_sag import SelfAttentionGuidance
from comfy_extras.nodes_slg import SkipLayerGuidanceDiT, SkipLayerGuidanceDiTSimple
from torch import Tensor

from matrix_row import Close, Exact, Holds, Plugged, Row, accelerate, free_memory, relative_error
from matrix_stage import Stage

GROUP = "Prompts and guidance"
FEW_BLOCKS = {"double_layers": "1", "single_layers": ""}
CAME = "came or changed"


def prompts(**options: object) -> Callable[[Stage], Plugged]:
    """A KSampler with these options; an option that is a function gets the stage."""

    def plug(stage: Stage) -> Plugged:
        given = {name: value(stage) if callable(value) else value for name, value in options.items()}
        return Plugged(stage.build(), lambda model: stage.sample(model, **given))

    return plug


def patched(patch: Callable[[ModelPatcher], ModelPatcher], **options: object) -> Callable[[Stage], Plugged]:
    """A node on the model, then a KSampler with these options."""

    def plug(stage: Stage) -> Plugged:
        base = prompts(**options)(stage)
        return Plugged(patch(base.model), base.sample)

    return plug


def guided(guider: Callable[[Stage, ModelPatcher], comfy.samplers.CFGGuider]) -> Callable[[Stage], Plugged]:
    """A guider that the row builds."""
    return lambda stage: Plugged(stage.build(), lambda model: stage.guided(guider(stage, model)))


def dual_cfg(stage: Stage, model: ModelPatcher, **steps: float) -> comfy.samplers.CFGGuider:
    """Two prompts and a negative one."""
    guider = Guider_DualCFG(model)
    guider.set_conds(stage.prompt(), stage.prompt(seed=3, **steps), stage.negative())
    guider.set_cfg(2.0, 1.5)
    return guider


def perp_neg(stage: Stage, model: ModelPatcher, **steps: float) -> comfy.samplers.CFGGuider:
    """A negative prompt that acts where it is perpendicular."""
    guider = Guider_PerpNeg(model)
    guider.set_conds(stage.prompt(), stage.negative() + stage.prompt(seed=4, **steps) * bool(steps),
                     stage.prompt(seed=3))
    guider.set_cfg(2.0, 1.0)
    return guider


def areas(stage: Stage, **steps: float) -> list:
    """A prompt for the whole picture, and one for a part."""
    sizes = (1, 4, 4) if len(stage.shape) == 4 else (4, 4)
    return stage.prompt() + stage.prompt(seed=4, area=(*sizes, *[0] * len(sizes)), strength=0.7, **steps)


def masked(stage: Stage, **steps: float) -> list:
    """A prompt for the whole picture, and one with a mask."""
    mask = torch.zeros(1, *stage.shape[1:])
    mask[..., : stage.shape[-1] // 2] = 1
    return stage.prompt() + stage.prompt(seed=4, mask=mask, mask_strength=0.8, **steps)


def ranges(stage: Stage) -> list:
    """One prompt after the other."""
    return stage.prompt(start_percent=0.0, end_percent=0.5) + stage.prompt(seed=4, start_percent=0.5, end_percent=1.0)


def two_second_passes(model: ModelPatcher) -> ModelPatcher:
    """Two guidances that run the model again with other blocks left out, each on some steps only."""
    one = SkipLayerGuidanceDiT.execute(model, 2.0, 0.0, 0.3, "0", "")[0]
    return SkipLayerGuidanceDiT.execute(one, 2.0, 0.2, 1.0, "1", "")[0]


def hooked(stage: Stage) -> list:
    """A LoRA on this prompt only; its strength changes twice."""
    return _with_lora(stage, [(1.0, 0.0), (0.3, 0.4), (-0.5, 0.7)])


def steadily_hooked(stage: Stage) -> list:
    """A LoRA on this prompt only."""
    return _with_lora(stage, [(1.0, 0.0)])


def _with_lora(stage: Stage, keyframes: list[tuple[float, float]]) -> list:
    model = stage.build()
    name, weight = next((n, w) for n, w in model.model.state_dict().items() if n.endswith("0.img_mlp.0.weight")
                        or n.endswith("blocks.0.ffn.0.weight"))
    noise = torch.randn(weight.shape, generator=torch.Generator().manual_seed(3)) * 0.1
    group = comfy.hooks.create_hook_lora({}, 1.0, 1.0)
    (hook,) = group.hooks
    hook.weights, hook.need_weight_init = {name: ("diff", (noise,))}, False
    hook.hook_keyframe = comfy.hooks.HookKeyframeGroup()
    for strength, start in keyframes:
        hook.hook_keyframe.add(comfy.hooks.HookKeyframe(strength=strength, start_percent=start))
    return comfy.hooks.set_hooks_for_conditioning(stage.prompt(), group)


def flipping(stage: Stage) -> str:
    """The layout changes from call to call, and the picture is the same as with one layout."""
    made = []
    for memory in ((1e13,), (1e13, 0, 0, 1e13, 0)):
        model, holder = accelerate(stage.build())
        with free_memory(*memory):
            made.append(stage.sample(model))
        assert holder.latest.skipped_steps and not holder.latest.fallbacks
    assert relative_error(*made) < 1e-4
    return "as in one batch"


class Anchored:
    """A video in windows, and what its map shows."""

    @staticmethod
    def check(stage: Stage) -> str:
        """The map of a video in windows covers all of its frames."""
        model, holder = accelerate(windows("standard_static")(stage.build()))
        stage.sample(model, latent=long_video(stage))
        record = holder.latest
        assert record.grid[0] == 9 and record.skipped_steps
        assert all(choice.member.shape[1] == 9 * 2 * 3 for e in record.evaluations for choice in e.choices)
        return "the map covers all frames"


def windows(schedule: str) -> Callable[[ModelPatcher], ModelPatcher]:
    """Context windows of 5 frames."""
    return lambda model: ContextWindowsManualNode.execute(model, 5, 2, schedule, 1, False, "pyramid", 2, False)[0]


def windows_of_wan(model: ModelPatcher) -> ModelPatcher:
    """The node for Wan at its defaults."""
    return WanContextWindowsManualNode.execute(model, 81, 30, "standard_uniform", 1, False, "pyramid", True).args[0]


def long_video(stage: Stage) -> Tensor:
    """Nine frames."""
    return torch.zeros(1, stage.shape[0], 9, *stage.shape[2:])


def _override(model: ModelPatcher) -> ModelPatcher:
    return CFGOverride.execute(CFGOverride.execute(model, 1.0, 0.0, 0.3)[0], 1.0, 0.7, 1.0)[0]


WINDOWED = ["standard_static", "standard_uniform", "batched"]
FLUX, BOTH = ("FLUX",), ("FLUX", "Wan", "UNet")
SOME_STEPS = {"start_percent": 0.5, "end_percent": 0.8}
UNEVEN = 0.3

ROWS = [
    Row(GROUP, "prompts in one batch or in one call each", Close(0.15), prompts(), BOTH),
    Row(GROUP, "prompts of different lengths", Close(0.15), prompts(negative=lambda s: s.prompt(2, words=9)), BOTH),
    Row(GROUP, "the layout changes during the run", Holds("as in one batch", flipping), models=BOTH),
    Row(GROUP, "a batch of three", Close(0.2), prompts(latent=lambda s: s.latent(3)), BOTH),
    Row(GROUP, "CFG 1", Close(0.15), prompts(cfg=1.0), BOTH),
    Row(GROUP, "a prompt for an area", Close(0.15), prompts(positive=areas), BOTH),
    Row(GROUP, "a prompt with a mask", Close(0.15), prompts(positive=masked), BOTH),
    Row(GROUP, "prompts for ranges of steps", Close(0.2, CAME, UNEVEN), prompts(positive=ranges), BOTH),
    # All models have these prompts for a whole run, and a prompt that comes during it (ranges of steps); FLUX has both.
    Row(GROUP, "a prompt for an area, on some steps", Close(0.2, CAME),
        prompts(positive=partial(areas, **SOME_STEPS)), FLUX),
    Row(GROUP, "a prompt with a mask, on some steps", Close(0.2, CAME, UNEVEN),
        prompts(positive=partial(masked, **SOME_STEPS)), FLUX),
    Row(GROUP, "dual CFG, a prompt on some steps", Close(0.2, CAME, UNEVEN), guided(partial(dual_cfg, **SOME_STEPS)),
        FLUX),
    Row(GROUP, "PerpNeg, a prompt on some steps", Close(0.25, CAME, UNEVEN), guided(partial(perp_neg, **SOME_STEPS)),
        FLUX),
    Row(GROUP, "CFG that changes by step", Close(0.15, CAME), patched(_override), BOTH),
    Row(GROUP, "dual CFG", Close(0.15), guided(dual_cfg), BOTH),
    Row(GROUP, "PerpNeg", Close(0.25), guided(perp_neg), BOTH),
    Row(GROUP, "skip-layer guidance", Close(0.15, CAME),
        patched(lambda m: SkipLayerGuidanceDiT.execute(m, 2.0, 0.1, 0.7, "1", "")[0])),
    Row(GROUP, "skip-layer guidance of the negative prompt", Close(0.15, CAME, 0.6),
        patched(lambda m: SkipLayerGuidanceDiTSimple.execute(m, 0.1, 0.7, "1", "")[0])),
    Row(GROUP, "two second passes, each on some steps", Close(0.2, CAME), patched(two_second_passes)),
    Row(GROUP, "self-attention guidance", Close(0.2, CAME),
        patched(lambda m: SelfAttentionGuidance.execute(m, 0.5, 2.0)[0], cfg=2.0), ("UNet",)),
    Row(GROUP, "perturbed-attention guidance", Close(0.2),
        patched(lambda m: PerturbedAttentionGuidance.execute(m, 2.0)[0]), ("UNet",)),
    Row(GROUP, "NAG", Close(0.15), patched(lambda m: NAGuidance.execute(m, 3.0, 0.5, 1.5)[0], cfg=1.0)),
    Row(GROUP, "LoRA hook", Close(0.15), prompts(positive=steadily_hooked)),
    Row(GROUP, "LoRA hook with keyframes", Close(0.15, CAME), prompts(positive=hooked)),
    *(Row(GROUP, f"context windows, {kind.replace('_', ' ')}", Close(0.15, CAME),
          patched(windows(kind), latent=long_video), ("Wan",)) for kind in WINDOWED),
    Row(GROUP, "context windows of Wan at their defaults, 161 frames", Exact("lie elsewhere"),
        patched(windows_of_wan, latent=lambda s: torch.zeros(1, s.shape[0], 41, *s.shape[2:])), ("Wan",)),
    Row(GROUP, "the map of a video in context windows", Holds("covers all frames", Anchored.check), models=("Wan",)),
]
