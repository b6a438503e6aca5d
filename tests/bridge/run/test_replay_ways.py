"""Replay in every way of sampling: parts of a run, masks, areas, windows, batches, video, two models."""

from __future__ import annotations

from collections.abc import Callable

import comfy.sample
import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy_extras import nodes_custom_sampler
from comfy_extras.nodes_context_windows import ContextWindowsManualNode
from comfy_extras.nodes_differential_diffusion import DifferentialDiffusion
from torch import Tensor

from custom_runs import SIZE, custom
from tiles import in_tiles
from tiny_flux import prompt, sample, tiny_flux
from tiny_image_models import ROWS_SD3 as OTHER
from tiny_models import patcher
from tiny_wan_family import T2V
from watched_runs import Callback, Sample, accelerated, assert_nobody_notices, watched, watched_with_tap

SAMPLERS = ["heun", "dpmpp_2m", "dpm_2_ancestral"]
PICTURE = torch.randn(SIZE, generator=torch.Generator().manual_seed(7))


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


@pytest.fixture(scope="module")
def video() -> ModelPatcher:
    """A Wan with random weights."""
    return patcher(T2V.build_anew())


def run(sampler: str, steps: int = 9, **options: object) -> Sample:
    """What a KSampler node does with these options."""
    given = {"cfg": 2.0, "size": SIZE[2:], **options}
    return lambda model, callback: sample(model, steps, sampler=sampler, callback=callback, **given)


def half() -> Tensor:
    """The mask of the right half, which is made."""
    mask = torch.zeros(1, 1, *SIZE[2:])
    mask[..., 3:] = 1
    return mask


def soft() -> Tensor:
    """A mask for differential diffusion: later further to the left."""
    return torch.linspace(0, 1, SIZE[3]).expand(1, 1, *SIZE[2:]).contiguous()


def area() -> list:
    """A prompt for the whole picture, and one for a part."""
    return prompt() + prompt(seed=4, area=(4, 4, 0, 0), strength=0.7)


def masked() -> list:
    """A prompt for the whole picture, and one with a mask."""
    return prompt() + prompt(seed=4, mask=half()[0], mask_strength=0.8)


WAYS = {
    "CFG 1": {"cfg": 1.0},
    "denoise 0.5": {"denoise": 0.5, "latent": PICTURE},
    "first half": {"start_step": 0, "last_step": 8, "steps": 16, "force_full_denoise": False},
    "second half, with noise that is left": {"start_step": 8, "last_step": 16, "steps": 16, "disable_noise": True,
                                             "latent": PICTURE},
    "an end without noise": {"start_step": 4, "last_step": 14, "steps": 20, "force_full_denoise": True,
                             "latent": PICTURE},
    "inpainting mask": {"noise_mask": half(), "latent": PICTURE},
    "inpainting mask, denoise 0.6": {"noise_mask": half(), "latent": PICTURE, "denoise": 0.6},
    "a prompt for an area": {"positive": area()},
    "a prompt with a mask": {"positive": masked()},
    "prompts of different lengths": {"negative": prompt(9, seed=2)},
    "batch of 2": {"batch": 2},
}


# test_replay.py has every sampler: here are one with noise and two evaluations a step, and one that remembers the step
# before.
@pytest.mark.parametrize("sampler", ["dpm_2_ancestral", "dpmpp_2m"])
@pytest.mark.parametrize("way", WAYS)
def test_nobody_notices_in_this_way_of_sampling(model: ModelPatcher, way: str, sampler: str) -> None:
    on = assert_nobody_notices(model, run(sampler, **WAYS[way]))
    if "mask" in WAYS[way]:
        assert torch.allclose(on.picture[..., :3], PICTURE[..., :3], atol=1e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_differential_diffusion(model: ModelPatcher, sampler: str) -> None:
    differs = DifferentialDiffusion.execute(model)[0]
    assert_nobody_notices(differs, run(sampler, noise_mask=soft(), latent=PICTURE))


def test_each_picture_of_a_batch_is_repaid_by_itself(model: ModelPatcher) -> None:
    """A batch's pictures are those of a batch of one, up to rounding."""
    noise = torch.randn(2, *SIZE[1:], generator=torch.Generator().manual_seed(1))

    def batch(part: slice) -> Sample:
        def sampled(model: ModelPatcher, callback: Callback) -> Tensor:
            return comfy.sample.sample(model, noise[part], 12, 1.0, "dpmpp_2m", "simple", prompt(), prompt(seed=2),
                                       torch.zeros_like(noise[part]), callback=callback, disable_pbar=True, seed=5)

        return sampled

    together = watched_with_tap(model, batch(slice(None))).picture
    for i in range(2):
        alone = watched_with_tap(model, batch(slice(i, i + 1))).picture
        assert torch.allclose(together[i : i + 1], alone, atol=1e-3)


def rising(model: ModelPatcher, callback: Callback) -> Tensor:
    """SamplerCustom with sigmas that fall, and go up again."""
    sigmas = torch.tensor([1.0, 0.97, 0.9, 0.85, 0.8, 0.6, 0.7, 0.5, 0.4, 0.3, 0.1, 0.0])
    return comfy.sample.sample_custom(model, comfy.sample.prepare_noise(torch.zeros(SIZE), 5), 2.0,
                                      comfy.samplers.sampler_object("heun"), sigmas, prompt(), prompt(seed=2),
                                      torch.zeros(SIZE), callback=callback, disable_pbar=True, seed=5)


def unsampling(model: ModelPatcher, callback: Callback) -> Tensor:
    """SamplerCustom with sigmas that rise."""
    sigmas = torch.linspace(0.02, 0.98, 13)
    return comfy.sample.sample_custom(model, torch.zeros(SIZE), 1.0, comfy.samplers.sampler_object("euler"), sigmas,
                                      prompt(), prompt(seed=2), PICTURE, callback=callback, disable_pbar=True, seed=5)


@pytest.mark.parametrize("way", [rising, unsampling])
def test_own_sigmas(model: ModelPatcher, way: Sample) -> None:
    assert_nobody_notices(model, way)


@pytest.mark.parametrize("sampler", ["res_multistep", "deis", "uni_pc"])
def test_own_sigmas_of_sampler_custom_advanced(model: ModelPatcher, sampler: str) -> None:
    sigmas = torch.cat([torch.linspace(1.0, 0.5, 6), torch.linspace(0.4, 0.0, 7)])
    assert_nobody_notices(model, custom(lambda: comfy.samplers.sampler_object(sampler), sigmas=sigmas))


def filmed(sampler: str, frames: int = 3) -> Sample:
    """A short video."""
    text, negative = ([[torch.randn(1, 7, T2V.context, generator=torch.Generator().manual_seed(seed)), {}]]
                      for seed in (1, 2))
    return run(sampler, positive=text, negative=negative, latent=torch.zeros(1, 16, frames, 4, 6))


@pytest.mark.parametrize("sampler", ["uni_pc", "dpmpp_2m", "dpm_2_ancestral"])
def test_video(video: ModelPatcher, sampler: str) -> None:
    assert_nobody_notices(video, filmed(sampler))


@pytest.mark.parametrize("free_noise", [False, True])
@pytest.mark.parametrize("kind", ["standard_static", "standard_uniform"])
@pytest.mark.parametrize("before", [True, False], ids=["before TAP", "after TAP"])
def test_context_windows(video: ModelPatcher, kind: str, free_noise: bool, before: bool) -> None:
    def windowed(model: ModelPatcher) -> ModelPatcher:
        return ContextWindowsManualNode.execute(model, 5, 2, kind, 1, False, "pyramid", 2, free_noise)[0]

    film = filmed("uni_pc", frames=9)
    stock = watched(windowed(video), film)
    seen = []
    for correction in ("on", "off"):
        made, holder = accelerated(windowed(video) if before else video, correction)
        seen.append((watched(made if before else windowed(made), film), holder.latest))
    (on, record), (off, _) = seen
    assert (on.calls, on.steps, on.drawn) == (off.calls, off.steps, off.drawn)
    assert on.steps == stock.steps and on.passes > 2 and record.skipped_steps
    errors = [(each.picture - stock.picture).norm() for each in (on, off)]
    assert errors[0] < 1.2 * errors[1]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_tiles(model: ModelPatcher, sampler: str) -> None:
    tiled = model.clone()
    tiled.set_model_unet_function_wrapper(lambda calls, args: in_tiles(args, calls))
    on = assert_nobody_notices(tiled, run(sampler))
    assert on.calls == 2 * assert_nobody_notices(model, run(sampler)).calls


def test_tiles_of_a_video(video: ModelPatcher) -> None:
    tiled = video.clone()
    tiled.set_model_unet_function_wrapper(lambda calls, args: in_tiles(args, calls))
    assert_nobody_notices(tiled, filmed("uni_pc"))


def test_tiles_that_lie_elsewhere_at_each_step_are_computed_and_the_report_says_so(model: ModelPatcher) -> None:
    def elsewhere(calls: Callable[..., Tensor], args: dict) -> Tensor:
        by = int(1000 * args["timestep"].flatten()[0]) % SIZE[3]
        return in_tiles({**args, "input": args["input"].roll(by, -1)}, calls).roll(-by, -1)

    moving = model.clone()
    moving.set_model_unet_function_wrapper(elsewhere)
    stock, on = watched(moving, run("dpmpp_2m")), watched_with_tap(moving, run("dpmpp_2m"))
    assert torch.equal(on.picture, stock.picture)
    assert any("moves the picture" in reason for reason in on.record.fallbacks)
    assert (on.calls, on.steps, on.drawn) == (stock.calls, stock.steps, stock.drawn)
    assert on.passes == stock.passes + 1  # before anything is computed, the sampler shows that it starts alike again


def dual(other: ModelPatcher) -> Callable[[ModelPatcher], comfy.samplers.CFGGuider]:
    """A guider with a second model for the negative prompt."""
    text = [[10 * torch.randn(1, 7, OTHER.context, generator=torch.Generator().manual_seed(2)),
             {"pooled_output": torch.zeros(1, OTHER.pooled or 64)}]]

    class Dual(nodes_custom_sampler.Guider_DualModel):
        """DualModelGuider."""

        def set_conds(self, positive: list, negative: list) -> None:
            super().set_conds(positive, text)

    return lambda model: Dual(model, other)


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
def test_two_models_in_one_guider(model: ModelPatcher, sampler: str) -> None:
    if not hasattr(nodes_custom_sampler, "Guider_DualModel"):
        pytest.skip("not in this ComfyUI")
    other = patcher(OTHER.build_anew())
    assert_nobody_notices(model, custom(lambda: comfy.samplers.sampler_object(sampler), dual(other)))
