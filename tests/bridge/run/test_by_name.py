"""Other nodes hand on ComfyUI's arguments by position or by name, as ComfyUI's own functions take them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from tiny_flux import Accelerated, sample, tiny_flux

NAMES = {
    WrappersMP.OUTER_SAMPLE: ("noise", "latent_image", "sampler", "sigmas", "denoise_mask", "callback", "disable_pbar",
                              "seed"),
    WrappersMP.PREPARE_SAMPLING: ("model", "noise_shape", "conds", "model_options", "force_full_load", "force_offload"),
    WrappersMP.SAMPLER_SAMPLE: ("model_wrap", "sigmas", "extra_args", "callback", "noise", "latent_image",
                                "denoise_mask", "disable_pbar"),
    WrappersMP.PREDICT_NOISE: ("x", "timestep", "model_options", "seed"),
    WrappersMP.CALC_COND_BATCH: ("model", "conds", "x_in", "timestep", "model_options"),
    WrappersMP.APPLY_MODEL: ("x", "t", "c_concat", "c_crossattn", "control", "transformer_options"),
}


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


def named(names: tuple[str, ...], by_position: int) -> Callable:
    """A wrapper that hands on the first arguments by position, and all others by name."""

    def wrapper(executor: Callable, *args: object, **kwargs: object) -> object:
        given = dict(zip(names, args, strict=False)) | kwargs
        first = [given.pop(name) for name in names[:by_position] if name in given]
        return executor(*first, **given)

    return wrapper


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("by_position", [0, 2, 4, 6])
@pytest.mark.parametrize("tap_first", [False, True])
def test_any_way_gives_the_same_run(model: ModelPatcher, kind: str, by_position: int, tap_first: bool) -> None:
    wrapper, other = named(NAMES[kind], by_position), model.clone()
    if not tap_first:
        other.add_wrapper_with_key(kind, "another node", wrapper)
    run = Accelerated(other, interval=3)
    if tap_first:
        run.model.add_wrapper_with_key(kind, "another node", wrapper)
    plain = Accelerated(model, interval=3)
    assert torch.equal(run.sample(8), plain.sample(8))
    assert run.record.full_steps == plain.record.full_steps and run.record.skipped_steps
    assert run.record.fallbacks == plain.record.fallbacks == []
    assert not torch.equal(plain.sample(8), sample(model, 8))
