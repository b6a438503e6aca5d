"""What the placement benchmark adds to the methods table: caches that ComfyUI has, and better solvers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

from comfy.patcher_extension import WrappersMP
from comfy_extras import nodes_easycache
from torch import Tensor

from models.stage import Patch

SOLVERS = ("euler", "dpmpp_2m", "res_multistep", "deis", "ipndm", "uni_pc")
# From and to which share of the run a cache may skip.
RANGES = (("", (0.15, 0.95)), ("from 6 % to the end", (0.06, 1.0)))


@dataclass(frozen=True)
class StockCache:
    """One of ComfyUI's own cache nodes, its threshold on the dial; more of it computes fewer steps."""

    name: str

    @property
    def dials(self) -> tuple[SimpleNamespace, ...]:
        """As a method of the table has them: the node's own range, then one in which few steps can be computed."""
        return tuple(SimpleNamespace(values=(), span=(0.001, 3.0), says=says) for says, _ in RANGES)

    def settings(self, threshold: float, dial: int = 0) -> Patch:
        """What puts it on a model.

        Both write into the model's input where that is float32, which changes the sampler's own x. They are given a
        copy of it here, so that they are compared as they are meant.
        """
        node = getattr(nodes_easycache, f"{self.name}Node")
        kind = WrappersMP.DIFFUSION_MODEL if self.name == "EasyCache" else WrappersMP.PREDICT_NOISE

        def put_on(model: object) -> object:
            model = model.clone()
            model.add_wrapper_with_key(kind, "bench copy", copied_input)
            return node.execute(model, threshold, *RANGES[dial][1], False).args[0]

        return put_on


def copied_input(executor: Callable, x: Tensor, *args: object, **kwargs: object) -> Tensor:
    """Hands on a copy of the model's input."""
    return executor(x.clone(), *args, **kwargs)
