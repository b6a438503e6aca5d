"""Rows: what samplers and sigmas do."""

from __future__ import annotations

from collections.abc import Callable

import comfy.sample
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_advanced_samplers import SamplerLCMUpscale
from comfy_extras.nodes_differential_diffusion import DifferentialDiffusion
from tap_pack.tap_core.sampling.levels import SEVERAL_LATENTS
from torch import Tensor

from custom_levels import guided_by_another, renoising
from matrix_conditions import patched, prompts
from matrix_row import LAYOUT_TOLERANCE, Close, Exact, Plugged, Row
from matrix_stage import STEPS, Stage
from watched_runs import adds_noise

GROUP = "Samplers and steps"
OWN_STEPS = {"dpm_fast", "dpm_adaptive"}
# They add noise: another forecast gives another picture, as another number of steps does.
NOISY = 0.35
DEMO = ("demo model",)
# They draw so much of their noise anew at each of 12 steps that a drift is buried before it could be repaid.
BURY = {"euler_ancestral", "exp_heun_2_x0_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu", "dpmpp_2m_sde_heun",
        "dpmpp_2m_sde_heun_gpu", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "lcm"}
# One sampler without noise and one with it show that the calls of an evaluation are nothing to a sampler.
IN_BOTH = {"euler", "euler_ancestral"}


def sampler_row(name: str) -> Row:
    """A sampler of ComfyUI's list, on the demo model."""
    if name in OWN_STEPS:
        expected = Exact("chooses its own steps")
    elif "cfg_pp" in name:
        expected = Exact("CFG++")
    else:
        expected = Close(NOISY if adds_noise(name) else 0.3, layouts=LAYOUT_TOLERANCE if name in IN_BOTH else None,
                         repaid=name not in BURY)
    return Row(GROUP, f"sampler {name}", expected, prompts(sampler=name), DEMO)


def scheduler_row(name: str) -> Row:
    """A scheduler of ComfyUI's list."""
    return Row(GROUP, f"scheduler {name}", Close(0.15, layouts=None), prompts(scheduler=name))


def custom(sigmas: Callable[[Tensor], Tensor], sampler: object = "euler",
           latent: Callable[[Stage], Tensor] | None = None) -> Callable[[Stage], Plugged]:
    """A SamplerCustom node with sigmas made from the usual ones."""

    def plug(stage: Stage) -> Plugged:
        model = stage.build()
        usual = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", STEPS)
        made = sampler() if callable(sampler) else sampler

        def sample(model: ModelPatcher) -> Tensor:
            guider = comfy.samplers.CFGGuider(model)
            guider.set_conds(stage.prompt(), stage.negative())
            guider.set_cfg(2.0)
            return stage.guided(guider, sampler=made, sigmas=sigmas(usual), latent=latent and latent(stage))

        return Plugged(model, sample)

    return plug


def chained(stage: Stage) -> Plugged:
    """Two KSamplerAdvanced nodes, one after the other."""

    def sample(model: ModelPatcher) -> Tensor:
        first = stage.sample(model, 24, start_step=0, last_step=12, force_full_denoise=False)
        return comfy.sample.sample(
            model, torch.zeros_like(first), 24, 2.0, "euler", "simple", stage.prompt(), stage.negative(), first,
            disable_noise=True, start_step=12, last_step=24, force_full_denoise=True, disable_pbar=True, seed=5)

    return Plugged(stage.build(), sample)


def churning() -> comfy.samplers.KSAMPLER:
    """Euler that goes back up a little at each step."""
    return comfy.samplers.ksampler("euler", {"s_churn": 4.0})


def half_mask(stage: Stage) -> Tensor:
    """The mask of the right half, which is made."""
    mask = torch.zeros(1, 1, *stage.shape[-2:])
    mask[..., stage.shape[-1] // 2 :] = 1
    return mask


def picture(stage: Stage) -> Tensor:
    """A latent to start from."""
    return stage.latent(seed=7)


INPAINTED = {"latent": picture, "noise_mask": half_mask}
BOTH = ("FLUX", "Wan", "UNet")

ROWS = [
    *map(sampler_row, comfy.samplers.KSampler.SAMPLERS),
    *map(scheduler_row, comfy.samplers.KSampler.SCHEDULERS),
    Row(GROUP, "1 step", Exact("too few"), prompts(steps=1), BOTH),
    Row(GROUP, "2 steps", Exact("too few"), prompts(steps=2), BOTH),
    Row(GROUP, "3 steps", Exact("too few"), prompts(steps=3), BOTH),
    Row(GROUP, "4 steps", Close(0.3), prompts(steps=4)),
    Row(GROUP, "denoise 0.5", Close(0.15), prompts(denoise=0.5, latent=picture), BOTH),
    Row(GROUP, "two KSamplerAdvanced, half of the steps each", Close(0.15), chained, BOTH),
    Row(GROUP, "SamplerCustom, sigmas that rise (unsampling)", Close(0.35),
        custom(lambda s: s.flip(0).clamp(0.02, 0.98), latent=picture)),
    Row(GROUP, "SamplerCustom, one sigma step", Exact("too few"), custom(lambda s: s[[0, -1]]), BOTH),
    Row(GROUP, "SamplerCustom, its own sigmas", Close(0.3),
        custom(lambda s: torch.tensor([1.0, 0.97, 0.9, 0.9, 0.8, 0.6, 0.7, 0.5, 0.3, 0.1, 0.0]))),
    Row(GROUP, "a sampler with churn", Exact("chooses its own steps"), custom(lambda s: s, churning), BOTH),
    Row(GROUP, "a sampler that makes the picture larger during the run", Exact("changes the size"),
        custom(lambda s: s, lambda: SamplerLCMUpscale.execute(2.0, 4, "bislerp").args[0])),
    Row(GROUP, "a sampler that draws a level's noise anew and evaluates again",
        Close(NOISY, SEVERAL_LATENTS, repaid=False), custom(lambda s: s, renoising), DEMO),
    Row(GROUP, "a sampler that follows a second latent at each level", Close(NOISY, SEVERAL_LATENTS, repaid=False),
        custom(lambda s: s, guided_by_another), DEMO),
    Row(GROUP, "inpainting mask", Close(0.25), prompts(**INPAINTED), BOTH),
    Row(GROUP, "differential diffusion", Close(0.2),
        patched(lambda m: DifferentialDiffusion.execute(m)[0], **INPAINTED)),
    Row(GROUP, "previews", Close(0.15), prompts(callback=lambda stage: lambda step, x0, x, steps: x0.mean().item())),
]
