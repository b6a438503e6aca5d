"""Every model class that ComfyUI samples is run by a row of the table, or has a reason why no step is skipped."""

from __future__ import annotations

from collections import defaultdict
from unittest.mock import patch

import comfy.model_base
import comfy.supported_models
import torch
from tap_pack.nodes.comfy_bridge.adapters.find_adapter import ADAPTERS, NOT_REACHED, names_of
from torch import nn

from tiny_table import ALL_ROWS

# They look at pictures and make none, so they are never sampled.
NOT_SAMPLED = {
    "rt_detr.rtdetr_v4.RTv4", "sam3.detector.SAM3Model", "depth_anything_3.model.DepthAnything3Net",
}  # fmt: skip
# Values that some kinds would read from a model file.
DETECTED = {"in_channels": 4, "hidden_size": 128}


class Stopped(Exception):
    """A model is about to be built."""


def class_of(kind: type) -> type[nn.Module]:
    """The class of the diffusion model that a kind of `comfy.supported_models` builds, without building it."""

    def stop(self: object, config: object, model_type: object = None, device: object = None,
             unet_model: type = comfy.model_base.UNetModel) -> None:
        raise Stopped(unet_model)

    with patch.object(comfy.model_base.BaseModel, "__init__", stop):
        try:
            kind({**DETECTED, **kind.unet_config}).get_model(defaultdict(lambda: torch.zeros(1, 1)), "")
        except Stopped as stopped:
            return stopped.args[0]
    raise AssertionError(f"{kind.__name__} builds no model")


def run_classes() -> set[type[nn.Module]]:
    """The classes of all rows."""
    return {class_of(getattr(comfy.supported_models, row.kind)) for row in ALL_ROWS if row.known}


def test_every_class_that_comfyui_samples_is_accounted_for() -> None:
    accounted = {names_of(cls)[0] for cls in run_classes()} | NOT_REACHED.keys() | NOT_SAMPLED
    unknown = {names_of(class_of(kind))[0]: kind.__name__ for kind in comfy.supported_models.models}
    assert {name: kind for name, kind in unknown.items() if name not in accounted} == {}, (
        "ComfyUI has a new model: see nodes/comfy_bridge/README.md; a row is missing, an adapter, or a reason"
    )


def test_every_adapter_is_run() -> None:
    run = {name for cls in run_classes() for name in names_of(cls)}
    here = {names_of(class_of(kind))[0] for kind in comfy.supported_models.models}
    assert {name for name in ADAPTERS if name in here} <= run
    assert not ADAPTERS.keys() & NOT_REACHED.keys()
