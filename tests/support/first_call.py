"""The first model call of a picture as it reaches TAP, which can be made again."""

from __future__ import annotations

from collections.abc import Callable

import torch
from comfy.patcher_extension import WrappersMP
from tap_pack.nodes.comfy_bridge.adapters.find_adapter import find_adapter
from tap_pack.nodes.comfy_bridge.run.model_call import ModelCall
from tap_pack.nodes.comfy_bridge.run.run_state import RunState
from tap_pack.nodes.comfy_bridge.seam.cut import parts_of
from tap_pack.nodes.comfy_bridge.seam.seam import Seam
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor

from tiny_models import TinyModel, sample


class Call:
    """One model call as it reaches TAP, which can be made again."""

    def __init__(self, executor: Callable[..., Tensor], args: tuple, kwargs: dict) -> None:
        self.executor, self.args, self.kwargs = executor, args, kwargs
        self.base, self.x, self.sigma = executor.class_obj, args[0], args[1]
        self.model, self.options = self.base.diffusion_model, args[5]
        self.adapter = find_adapter(self.model)
        self.shapes = kwargs.get("latent_shapes")
        self.grid = self.adapter.grid(self.model, parts_of(self.x, self.shapes)[0])

    def seam(self, target: str, watch: bool = False, x: Tensor | None = None) -> Seam:
        """The seam that TAP would use."""
        state = RunState(TapRun(TapSettings(target=target), [1.0, 0.0], ""), self.adapter, self.model)
        state.checked = set() if watch else {id(self.model)}
        noisy = self.x if x is None else x
        call = ModelCall(state, self.base, self.adapter, (noisy, self.sigma), self.options, self.kwargs)
        state.run.record.grid = self.grid
        return call._seam()

    def forward(self, options: dict, x: Tensor | None = None) -> Tensor:
        x = self.x if x is None else x
        return self.executor(x.clone(), *self.args[1:5], options, **self.kwargs)


    def alone(self, place: int) -> Call:
        """The same call with only one of its conditions, of one picture each."""

        def one(value: object) -> object:
            return value[place : place + 1] if torch.is_tensor(value) and len(value) == len(self.x) else value

        options = {**self.options, **{key: self.options[key][place : place + 1] for key in ("uuids", "cond_or_uncond")}}
        args = (*(one(value) for value in self.args[:5]), options)
        return Call(self.executor, args, {key: one(value) for key, value in self.kwargs.items()})


def in_first_call(row: TinyModel, shape: tuple[int, ...], look: Callable[[Call], None]) -> None:
    """Give `look` the first model call of a picture, with positive and negative prompt in one batch.

    Nobody looks at the picture: the call itself is not made once more.
    """
    seen = []

    def wrapper(executor: Callable[..., Tensor], *args: object, **kwargs: object) -> Tensor:
        if not seen:
            seen.append(True)
            look(Call(executor, args, kwargs))
        return args[0]

    model = row.patcher()
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "look", wrapper)
    sample(row, model, shape, row.batch, cfg=1.0 if row.lone else 2.0)
    assert seen
