"""Replay and randomness: generators in use are put back; where a sampler has another one, the run does without."""

from __future__ import annotations

import random
from collections.abc import Callable

import comfy.k_diffusion.sampling as k_diffusion
import comfy.samplers
import numpy as np
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.run.replaying import NOT_ALIKE, OWN_NOISE
from torch import Tensor

from custom_runs import SIZE, STEPS, OwnGenerator, custom, stirred
from tiny_flux import tiny_flux
from watched_runs import Sample, assert_nobody_notices, watched, watched_with_tap

LITTLE, MUCH = 0.005, 0.2


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


COMMON = {
    "torch": torch.randn_like,
    "python": lambda x: x.new_tensor([random.gauss(0, 1) for _ in range(x.numel())]).reshape(x.shape),
    "numpy": lambda x: torch.from_numpy(np.random.standard_normal(x.shape)).to(x),
}


# Every generator from every place on, and every two of generator, place and amount together.
DRAWS = [(kind, (LITTLE, MUCH)[(i + j) % 2], first)
         for i, kind in enumerate(COMMON) for j, first in enumerate((-1, 0, 5))]


@pytest.mark.parametrize(("kind", "amount", "first"), DRAWS)
def test_common_generators_are_put_back(model: ModelPatcher, kind: str, amount: float, first: int) -> None:
    run = custom(lambda: stirred(COMMON[kind], amount, first))
    on = assert_nobody_notices(model, run)
    assert on.passes > 2 and on.record.fallbacks == []
    assert torch.equal(watched_with_tap(model, run).picture, on.picture)


@pytest.mark.parametrize("amount", [LITTLE, MUCH])
@pytest.mark.parametrize("first", [-1, 0])
def test_a_generator_that_is_not_put_back_is_seen_at_once(model: ModelPatcher, first: int, amount: float) -> None:
    draws = OwnGenerator()
    on = watched_with_tap(model, custom(lambda: stirred(draws, amount, first)))
    again = draws.drawn - (STEPS - first)  # steps that the sampler had done before it was called again
    assert 0 < again < 4 and on.passes == (2 if first < 0 else 4)
    off = watched_with_tap(model, custom(lambda: stirred(OwnGenerator(again), amount, first)), "off")
    assert torch.equal(on.picture, off.picture)
    assert (on.calls, on.steps, on.evaluations) == (off.calls, off.steps, off.evaluations)
    assert on.record.fallbacks == [NOT_ALIKE] and off.record.fallbacks == []


@pytest.mark.parametrize(("first", "amount", "is_seen"), [
    (2, LITTLE, True), (3, LITTLE, True), (6, LITTLE, False), (2, MUCH, True), (3, MUCH, True), (6, MUCH, True)])
def test_a_generator_that_comes_into_use_later_costs_no_call_and_is_seen_where_it_does_harm(
    model: ModelPatcher, first: int, amount: float, is_seen: bool
) -> None:
    draws = OwnGenerator()
    on = watched_with_tap(model, custom(lambda: stirred(draws, amount, first)))
    before = draws.drawn - (STEPS - first)  # numbers that were drawn before the pass that ended

    def run() -> Sample:
        return custom(lambda: stirred(OwnGenerator(before), amount, first))

    off, full = watched_with_tap(model, run(), "off"), watched(model, run())
    assert (on.calls, on.steps, on.evaluations) == (off.calls, off.steps, off.evaluations)
    assert on.record.fallbacks == [NOT_ALIKE] * is_seen
    # Steps that were computed before it was seen are of the way with other numbers.
    errors = [float((each.picture - full.picture).norm()) for each in (on, off)]
    assert errors[0] < 1.4 * errors[1]


def test_a_noise_sampler_that_is_handed_in_is_called_as_often_as_ever(model: ModelPatcher) -> None:
    def sampler() -> comfy.samplers.KSAMPLER:
        draw = OwnGenerator()
        noise = {"noise_sampler": lambda sigma, sigma_next: draw(torch.empty(SIZE))}
        return comfy.samplers.ksampler("euler_ancestral", noise)

    on, off = (watched_with_tap(model, custom(sampler), correction) for correction in ("on", "off"))
    assert torch.equal(on.picture, off.picture)
    assert on.passes == 1 and on.record.fallbacks == [OWN_NOISE] and off.record.fallbacks == []
    in_full, stock = watched_with_tap(model, custom(sampler), interval=1), watched(model, custom(sampler))
    assert torch.equal(in_full.picture, stock.picture)
    assert OWN_NOISE not in in_full.record.fallbacks


class Around(comfy.samplers.Sampler):
    """A sampler object of another node, with another one inside."""

    def __init__(self, inner: comfy.samplers.KSAMPLER) -> None:
        self.inner = inner

    def sample(self, *args: object, **kwargs: object) -> Tensor:
        """What the inner one does."""
        return self.inner.sample(*args, **kwargs)


def test_a_noise_sampler_of_an_inner_sampler_is_seen_by_what_it_does(model: ModelPatcher) -> None:
    def with_noise(noise: Callable) -> Sample:
        options = {"noise_sampler": noise, "eta": 0.01, "s_noise": 0.05}
        return custom(lambda: Around(comfy.samplers.ksampler("euler_ancestral", options)))

    draw = OwnGenerator()
    drawn = watched_with_tap(model, with_noise(lambda sigma, after: draw(torch.empty(SIZE))))
    assert drawn.record.fallbacks == [NOT_ALIKE] and drawn.picture.isfinite().all()
    x = torch.zeros(SIZE)
    tree = k_diffusion.BrownianTreeNoiseSampler(x, torch.tensor(0.01), torch.tensor(1.0), seed=4, cpu=True)
    assert_nobody_notices(model, with_noise(tree))
