"""What nodes of other packs do in their own way: each makes a model on which such a node was put.

They stand for kinds of nodes: caches, nodes that copy the options, that tell the model another sigma, that call it past
the wrappers. `tests/matrix` and `tests/bridge/run` say what TAP does about each; here they are drawn at random.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrapperExecutor, WrappersMP
from torch import Tensor

from rival_caches import LEAVE_NOTHING, RIVALS

Way = Callable[[ModelPatcher], ModelPatcher]


class Told:
    """A guider whose model is told another sigma; `shift` gives the factor at each step."""

    def __init__(self, model: Callable, sigmas: Tensor, shift: Callable[[int], float]) -> None:
        self.model, self.sigmas, self.shift = model, sigmas, shift

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def __call__(self, x: Tensor, sigma: Tensor, **kwargs: object) -> Tensor:
        step = int((self.sigmas - sigma[0]).abs().argmin())
        return self.model(x, sigma * self.shift(step), **kwargs)


class Past:
    """A guider whose evaluations never come to the PREDICT_NOISE wrappers."""

    def __init__(self, guider: Callable) -> None:
        self.guider = guider

    def __getattr__(self, name: str) -> object:
        return getattr(self.guider, name)

    def __call__(self, *args: object, **kwargs: object) -> Tensor:
        return self.guider.predict_noise(*args, **kwargs)


def copies_options(model: ModelPatcher) -> ModelPatcher:
    """The options are copied deeply at every step."""

    def copying(args: dict) -> list[Tensor]:
        copy.deepcopy(args["model_options"])
        return args["conds_out"]

    model = model.clone()
    model.set_model_sampler_pre_cfg_function(copying)
    return model


def _before_the_sampler(change: Callable[[object, Tensor], object]) -> Way:
    """A node that hands the sampler another guider."""

    def wrapper(executor: WrapperExecutor, guider: object, sigmas: Tensor, *args: object, **kwargs: object) -> Tensor:
        return executor(change(guider, sigmas), sigmas, *args, **kwargs)

    def put(model: ModelPatcher) -> ModelPatcher:
        model = model.clone()
        model.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, "another guider", wrapper)
        return model

    return put


WAYS: dict[str, Way] = {
    **{f"a cache that {does}": RIVALS[does] for does in LEAVE_NOTHING},
    "copies the options deeply": copies_options,
    "tells the model another sigma": _before_the_sampler(lambda guider, sigmas: Told(guider, sigmas, lambda _: 0.97)),
    "calls the model past the wrappers": _before_the_sampler(lambda guider, _: Past(guider)),
}
