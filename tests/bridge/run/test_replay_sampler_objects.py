"""Replay under samplers of other nodes: objects with another sampler inside, functions with ways of their own."""

from __future__ import annotations

from collections.abc import Callable

import comfy.samplers
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from custom_runs import custom, euler
from tiny_flux import tiny_flux
from watched_runs import assert_nobody_notices, watched_with_tap


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


class Around(comfy.samplers.Sampler):
    """A sampler object of another node, with one of ComfyUI inside."""

    def __init__(self, name: str) -> None:
        self.inner = comfy.samplers.sampler_object(name)

    def sample(self, model_wrap: object, sigmas: Tensor, *args: object, **kwargs: object) -> Tensor:
        """What the inner one does."""
        return self.inner.sample(model_wrap, sigmas, *args, **kwargs)


class Alone(comfy.samplers.Sampler):
    """A sampler object that calls the guider itself."""

    def sample(self, model_wrap: Callable, sigmas: Tensor, extra_args: dict, callback: Callable, noise: Tensor,
               latent_image: Tensor | None = None, denoise_mask: Tensor | None = None,
               disable_pbar: bool = False) -> Tensor:
        """Euler's method."""
        total = len(sigmas) - 1
        return euler(model_wrap, sigmas[0] * noise, sigmas, extra_args,
                     lambda step: callback(step["i"], step["denoised"], step["x"], total), disable_pbar)


class ToldLess:
    """A model that is told another sigma than the sampler's."""

    def __init__(self, model: Callable) -> None:
        self.model = model

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def __call__(self, x: Tensor, sigma: Tensor, **kwargs: object) -> Tensor:
        return self.model(x, sigma * 0.98, **kwargs)


def telling_less(model: Callable, x: Tensor, sigmas: Tensor, **options: object) -> Tensor:
    """A sampler function around one of ComfyUI, as nodes for more detail make it."""
    return comfy.samplers.ksampler("dpmpp_2m").sampler_function(ToldLess(model), x, sigmas, **options)


def careful(model: Callable, *args: object, **options: object) -> Tensor:
    """A sampler that tries each evaluation up to three times."""

    def tried(*args: object, **kwargs: object) -> Tensor:
        for _ in range(3):
            try:
                return model(*args, **kwargs)
            except Exception:
                continue
        raise AssertionError

    return euler(tried, *args, **options)


def catching_all(model: Callable, *args: object, **options: object) -> Tensor:
    """A sampler that tries each evaluation again, whatever happens."""

    def tried(*args: object, **kwargs: object) -> Tensor:
        try:
            return model(*args, **kwargs)
        except BaseException:
            return model(*args, **kwargs)

    return euler(tried, *args, **options)


def in_its_place(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, callback: Callable,
                 disable: bool) -> Tensor:
    """A sampler that works in the tensors that it got."""
    extra_args["seen"] = extra_args.get("seen", 0) + 1
    assert extra_args.pop("seen") == 1
    sigmas.mul_(0.995)
    x.mul_(0.995)
    made = euler(model, x, sigmas, extra_args, callback, disable)
    return x.copy_(made)


def options_of_its_own(model: Callable, x: Tensor, sigmas: Tensor, extra_args: dict, **options: object) -> Tensor:
    """A sampler that puts something into the options that it got."""
    for given in (extra_args["model_options"], extra_args["model_options"]["transformer_options"]):
        assert "of the sampler" not in given
        given["of the sampler"] = True
    return euler(model, x, sigmas, extra_args, **options)


class NoOptions(comfy.samplers.KSAMPLER):
    """A sampler object whose options are not those of its class."""

    def __init__(self) -> None:
        self.extra_options = None

    def sample(self, *args: object, **kwargs: object) -> Tensor:
        """Euler's method."""
        return comfy.samplers.KSAMPLER(euler).sample(*args, **kwargs)


OBJECTS: dict[str, Callable[[], object]] = {
    "around euler": lambda: Around("euler"), "around heun": lambda: Around("heun"),
    "around one with noise": lambda: Around("dpm_2_ancestral"), "alone": Alone,
    "telling less": lambda: comfy.samplers.KSAMPLER(telling_less),
    "no options": NoOptions,
    "careful": lambda: comfy.samplers.KSAMPLER(careful),
    "in its place": lambda: comfy.samplers.KSAMPLER(in_its_place),
    "options of its own": lambda: comfy.samplers.KSAMPLER(options_of_its_own),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_a_sampler_object_of_another_node(model: ModelPatcher, name: str) -> None:
    on = assert_nobody_notices(model, custom(OBJECTS[name]), replays=name != "alone")
    assert on.record.fallbacks == []
    off = watched_with_tap(model, custom(OBJECTS[name]), "off")
    assert not torch.equal(on.picture, off.picture)


def test_a_sampler_without_callbacks(model: ModelPatcher) -> None:
    def silent(model: Callable, x: Tensor, sigmas: Tensor, callback: Callable, **options: object) -> Tensor:
        return euler(model, x, sigmas, callback=lambda _: None, **options)

    assert_nobody_notices(model, custom(lambda: comfy.samplers.KSAMPLER(silent)))


def test_a_sampler_that_catches_everything_costs_no_call(model: ModelPatcher) -> None:
    run = custom(lambda: comfy.samplers.KSAMPLER(catching_all))
    on, off = (watched_with_tap(model, run, correction) for correction in ("on", "off"))
    assert torch.equal(on.picture, off.picture)
    assert (on.calls, on.steps, on.evaluations) == (off.calls, off.steps, off.evaluations)
