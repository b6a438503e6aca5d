"""A pack only for tests: tiny models of ComfyUI's own classes as a node, and a list of what TAP has in memory."""

from __future__ import annotations

import ctypes
import gc
import hashlib
import sys
import threading
from functools import cache
from pathlib import Path

import torch
from aiohttp import web
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import ComfyExtension, io
from server import PromptServer

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from tiny_models import TinyModel, patcher, prompt
from tiny_table import ALL_ROWS

NAMES = ["FLUX.1 dev", "Chroma Radiance", "Qwen-Image", "HunyuanVideo", "Wan 2.1", "LTX-Video", "Stable Diffusion 3",
         "Z-Image", "Cosmos Predict2", "Stable Diffusion 1.5", "Stable Diffusion XL", "Stable Cascade, stage C"]
ROWS: dict[str, TinyModel] = {row.name: row for row in ALL_ROWS if row.name in NAMES}
# What lives as long as a run, or one call of the model.
MORTAL = {"TapRun", "MeasuringRun", "History", "RunState", "ModelCall", "BlockSeam", "CallSeam", "InOutSeam", "LiveRun",
          "LiveQueue", "WaitingControl"}
HOOKS = ("_forward_hooks", "_forward_pre_hooks")


@cache
def model_of(name: str) -> ModelPatcher:
    """The model that a loader makes once from a file."""
    return patcher(ROWS[name].build_anew())


class TinyModelNode(io.ComfyNode):
    """A model by name, and prompts and an empty latent that fit it."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """The node for prompts of the tests."""
        return io.Schema(
            node_id="TinyModel", category="tests",
            inputs=[io.Combo.Input("name", options=list(ROWS)), io.Int.Input("size", default=0, min=0, max=1),
                    io.Int.Input("batch", default=1, min=1, max=3)],
            outputs=[io.Model.Output(), io.Conditioning.Output(), io.Conditioning.Output(), io.Latent.Output()],
        )

    @classmethod
    def execute(cls, name: str, size: int, batch: int) -> io.NodeOutput:
        """The second prompt is the negative one."""
        row = ROWS[name]
        latent = torch.zeros(batch, *list(row.sizes)[size])
        return io.NodeOutput(model_of(name), prompt(row, latent, 1), prompt(row, latent, 2), {"samples": latent})


class LatentDigestNode(io.ComfyNode):
    """A digest that differs for every other latent, bit for bit."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """An output node."""
        return io.Schema(node_id="LatentDigest", category="tests", is_output_node=True,
                         inputs=[io.Latent.Input("latent")], outputs=[])

    @classmethod
    def execute(cls, latent: io.Latent.Type) -> io.NodeOutput:
        """Its digest, and whether it has no NaN and no infinity."""
        samples = latent["samples"].contiguous()
        digest = hashlib.sha256(samples.numpy().tobytes()).hexdigest()
        return io.NodeOutput(ui={"digest": [digest], "finite": [bool(samples.isfinite().all())]})


class TinyPack(ComfyExtension):
    """The nodes of this pack."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Both nodes."""
        return [TinyModelNode, LatentDigestNode]


async def comfy_entrypoint() -> TinyPack:
    """Called by ComfyUI."""
    return TinyPack()


@PromptServer.instance.routes.get("/tap_tests/state")
async def state(request: web.Request) -> web.Response:
    """What TAP has in memory while no prompt runs."""
    gc.collect()
    give_back_memory()
    things = gc.get_objects()
    tensors = {part.untyped_storage().data_ptr(): part.untyped_storage().nbytes() for part in things
               if type(part) in (torch.Tensor, torch.nn.Parameter)}
    models = [model_of(name) for name in ROWS]
    return web.json_response({
        "alive": sorted(type(thing).__name__ for thing in things
                        if type(thing).__name__ in MORTAL and "tap" in type(thing).__module__.lower()),
        "hooked": [name for name, model in zip(ROWS, models, strict=True) if hooked(model.model)],
        "wrapped": [name for name, model in zip(ROWS, models, strict=True)
                    if any("tap" in calls for calls in model.wrappers.values())],
        "threads": [thread.name for thread in threading.enumerate() if "tap" in thread.name],
        "tensor_bytes": sum(tensors.values()),
    })  # fmt: skip


def give_back_memory() -> None:
    """Makes the C library return freed memory: what it keeps for later varies by tens of megabytes."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def hooked(model: torch.nn.Module) -> bool:
    """Whether a module has a hook, or its own forward."""
    return any(getattr(part, kind) for part in model.modules() for kind in HOOKS) or any(
        "forward" in vars(part) for part in model.modules())
