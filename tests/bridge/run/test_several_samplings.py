"""A guider or another node that samples several times in one run: only the first sampling is forecast."""

from __future__ import annotations

from collections.abc import Callable

import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrapperExecutor, WrappersMP
from tap_pack.nodes.comfy_bridge.run.replaying import SEVERAL
from torch import Tensor

from custom_runs import STEPS, custom
from tiny_flux import distance, tiny_flux
from watched_runs import Watched, watched, watched_with_tap


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


class Tiles(comfy.samplers.CFGGuider):
    """Each tile of the picture is sampled by itself."""

    widths = (2, 4)

    def inner_sample(self, noise: Tensor, latent_image: Tensor, device: object, sampler: object, sigmas: Tensor,
                     denoise_mask: Tensor | None, *rest: object, latent_shapes: object = None) -> Tensor:
        conds, parts, left = self.conds, [], 0
        for width in self.widths:
            self.conds = {side: [one.copy() for one in found] for side, found in conds.items()}
            tile = (..., slice(left, left + width))
            left += width
            parts.append(super().inner_sample(noise[tile], latent_image[tile], device, sampler, sigmas, None, *rest,
                                              latent_shapes=[noise[tile].shape]))
        return torch.cat(parts, -1)


class Halves(Tiles):
    """Tiles of one size."""

    widths = (3, 3)


def twice(executor: WrapperExecutor, guider: object, sigmas: Tensor, extra_args: dict, callback: Callable,
          noise: Tensor, latent: Tensor, *rest: object) -> Tensor:
    """SAMPLER_SAMPLE of another node: the picture is sampled, and once more from a part of its noise."""
    first = executor(guider, sigmas, extra_args, callback, noise, latent, *rest)
    return executor(guider, sigmas[6:], extra_args, callback, noise.flip(-1), first, *rest)


def resampled(model: ModelPatcher) -> ModelPatcher:
    """The model with that node."""
    clone = model.clone()
    clone.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, "another node", twice)
    return clone


def assert_the_first_alone_was_forecast(on: Watched, stock: Watched) -> None:
    """Its picture is right, nothing is made up, and the report says why."""
    assert distance(on.picture, stock.picture) < 0.1
    assert on.record.fallbacks == [SEVERAL] and on.record.why_unknown == SEVERAL
    assert on.record.closeness is None and len(on.record.evaluations) > STEPS
    assert any(each.skipped for each in on.record.evaluations[:STEPS])
    assert all(each.full for each in on.record.evaluations[STEPS:])


@pytest.mark.parametrize("quality", ["fixed", "draft"])
@pytest.mark.parametrize("guider", [Tiles, Halves])
@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
def test_tiles_one_after_the_other(model: ModelPatcher, guider: type, sampler: str, quality: str) -> None:
    run = custom(lambda: comfy.samplers.sampler_object(sampler), guider)
    assert_the_first_alone_was_forecast(watched_with_tap(model, run, quality=quality), watched(model, run))


@pytest.mark.parametrize("correction", ["on", "off"])
def test_a_second_sampling_by_another_nodes_wrapper(model: ModelPatcher, correction: str) -> None:
    run = custom(lambda: comfy.samplers.sampler_object("euler"))
    on = watched_with_tap(resampled(model), run, correction)
    assert_the_first_alone_was_forecast(on, watched(resampled(model), run))
