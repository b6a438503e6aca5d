"""Replay beside what other nodes put around the sampler: guiders, wrappers, the bar in the log."""

from __future__ import annotations

import re
from collections.abc import Callable

import comfy.samplers
import pytest
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy_extras.nodes_custom_sampler import Guider_DualCFG
from torch import Tensor

from custom_runs import STEPS, custom, euler
from tiny_flux import sample, tiny_flux
from watched_runs import accelerated, assert_nobody_notices, watched, watched_with_tap


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


class Counts(comfy.samplers.CFGGuider):
    """A guider of another node, with what it notes and reads during the run."""

    def __init__(self, model: ModelPatcher) -> None:
        super().__init__(model)
        self.asked, self.strength, self.seen = 0, 2.0, []

    def predict_noise(self, x: Tensor, timestep: Tensor, *args: object, **kwargs: object) -> Tensor:
        self.asked += 1
        self.strength *= 0.99
        self.set_cfg(self.strength)
        return super().predict_noise(x, timestep, *args, **kwargs)

    @property
    def all_asked(self) -> int:
        """A property."""
        return self.asked


def test_a_guider_of_another_node_is_itself(model: ModelPatcher) -> None:
    made: list[Counts] = []

    def guider(model: ModelPatcher) -> Counts:
        made.append(Counts(model))
        return made[-1]

    def looks(model: Callable, x: Tensor, sigmas: Tensor, **options: object) -> Tensor:
        inner = model.inner_model
        assert isinstance(inner, Counts) and isinstance(inner, comfy.samplers.CFGGuider)
        assert inner.__class__.__name__ == "Counts" and callable(inner) and not hasattr(inner, "nothing")
        assert inner.model_patcher is made[-1].model_patcher and inner.inner_model is made[-1].inner_model
        assert inner.all_asked == made[-1].asked
        inner.seen.append(len(sigmas))
        inner.given_by_sampler = "kept"
        return euler(model, x, sigmas, **options)

    on = assert_nobody_notices(model, custom(lambda: comfy.samplers.KSAMPLER(looks), guider))
    stock, tapped, _ = made
    assert stock.asked == tapped.asked == STEPS and stock.seen == tapped.seen == [STEPS + 1]
    assert tapped.given_by_sampler == "kept" and tapped.strength == stock.strength
    assert type(tapped) is Counts and "__call__" not in vars(Counts)
    assert on.passes > 3


class Slots(comfy.samplers.CFGGuider):
    """A guider with an attribute that is not in its dict."""

    __slots__ = ("strength",)

    def __init__(self, model: ModelPatcher) -> None:
        super().__init__(model)
        self.strength = 0.0

    def predict_noise(self, *args: object, **kwargs: object) -> Tensor:
        self.strength += 0.1
        return super().predict_noise(*args, **kwargs)


class Registered(comfy.samplers.CFGGuider):
    """A guider whose subclasses need a name."""

    def __init_subclass__(cls, *, name: str) -> None:
        super().__init_subclass__()


@pytest.mark.parametrize("guider", [Slots, Registered])
def test_no_class_of_guider_ends_the_run(model: ModelPatcher, guider: type[comfy.samplers.CFGGuider]) -> None:
    def looks(model: Callable, *args: object, **options: object) -> Tensor:
        assert guider is not Slots or 0 <= model.inner_model.strength < 0.1 * STEPS
        return euler(model, *args, **options)

    assert_nobody_notices(model, custom(lambda: comfy.samplers.KSAMPLER(looks), guider))


def test_two_prompts_and_a_negative_one(model: ModelPatcher) -> None:
    class Dual(Guider_DualCFG):
        """DualCFGGuider."""

        def set_conds(self, positive: list, negative: list) -> None:
            super().set_conds(positive, positive, negative)

        def set_cfg(self, cfg: float) -> None:
            super().set_cfg(cfg, 1.5)

    assert_nobody_notices(model, custom(lambda: comfy.samplers.sampler_object("dpmpp_2m"), Dual))


@pytest.mark.parametrize("after", [False, True], ids=["before TAP", "after TAP"])
def test_wrappers_of_other_nodes_see_the_run_once(model: ModelPatcher, after: bool) -> None:
    kinds = (WrappersMP.OUTER_SAMPLE, WrappersMP.SAMPLER_SAMPLE, WrappersMP.PREDICT_NOISE)
    came: list[str] = []

    def counting(kind: str) -> Callable:
        def wrapper(executor: Callable, *args: object, **kwargs: object) -> Tensor:
            came.append(kind)
            return executor(*args, **kwargs)

        return wrapper

    def wrapped(model: ModelPatcher) -> ModelPatcher:
        clone = model.clone()
        for kind in kinds:
            clone.add_wrapper_with_key(kind, "other", counting(kind))
        return clone

    tapped, _ = accelerated(model if after else wrapped(model))
    run = custom(lambda: comfy.samplers.sampler_object("heun"))
    watched(wrapped(tapped) if after else tapped, run)
    assert [came.count(kind) for kind in kinds] == [1, 1, 2 * STEPS - 1]


def bar_of(errors: str) -> list[int]:
    """The steps that a bar showed, one after the other."""
    return [int(step) for step in re.findall(rf"(\d+)/{STEPS} ", errors)]


@pytest.mark.parametrize("sampler", ["euler", "heun", "uni_pc", "dpmpp_2m_sde"])
def test_the_bar_in_the_log_goes_forward_only(model: ModelPatcher, sampler: str,
                                              capfd: pytest.CaptureFixture[str]) -> None:
    run = custom(lambda: comfy.samplers.sampler_object(sampler), disable_pbar=False)
    shown = []
    for each in (model, accelerated(model)[0]):
        capfd.readouterr()
        watched(each, run)
        shown.append(capfd.readouterr().err)
    for errors in shown:
        steps = bar_of(errors)
        assert steps == sorted(steps) and steps[0] == 0 and steps[-1] == STEPS
        assert len(set(re.findall(r"/(\d+) \[", errors))) == 1
    assert shown[0].count("\n") == shown[1].count("\n")


def test_no_bar_where_none_is_wanted(model: ModelPatcher, capfd: pytest.CaptureFixture[str]) -> None:
    watched_with_tap(model, lambda model, callback: sample(model, callback=callback))
    assert "it/s" not in capfd.readouterr().err
