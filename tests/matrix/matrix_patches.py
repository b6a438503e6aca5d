"""Rows: what other nodes put on the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from comfy.controlnet import ControlBase
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy_api.torch_helpers import set_torch_compile_wrapper
from comfy_extras.nodes_easycache import EasyCacheNode, LazyCacheNode
from comfy_extras.nodes_freelunch import FreeU_V2
from comfy_extras.nodes_model_merging import ModelMergeSimple
from torch import Tensor

import tiny_flux
from matrix_conditions import CAME, patched, prompts
from matrix_row import Close, Exact, Holds, Plugged, Row, accelerate, relative_error
from matrix_stage import STEPS, Stage
from tiles import in_tiles

GROUP = "Other nodes on the model"
NODE = Callable[[ModelPatcher], ModelPatcher]
Forward = Callable[..., Tensor]


class TinyControl(ControlBase):
    """A ControlNet that adds something to every block, and counts how often it is asked."""

    def __init__(self, strength: float = 0.3, **steps: tuple[float, float]) -> None:
        super().__init__()
        self.set_cond_hint(None, strength, **steps)
        self.asked = 0

    def get_control(self, x: Tensor, t: Tensor, *_: object) -> dict[str, list] | None:
        """Residuals for FLUX's blocks, or for the middle of a UNet."""
        if t[0] > self.timestep_range[0] or t[0] < self.timestep_range[1]:
            return None
        self.asked += 1
        wave = torch.linspace(-1, 1, 128).sin() * self.strength
        if x.shape[1] == 4:
            return {"middle": [wave[:64].reshape(1, 64, 1, 1).expand(len(x), 64, 4, 6)], "input": [], "output": []}
        return {name: [wave.expand(len(x), x.shape[-1] * x.shape[-2] // 4, 128)] * 2 for name in ("input", "output")}


def controlled(**steps: tuple[float, float]) -> Callable[[Stage], Plugged]:
    """A ControlNet on both prompts."""

    def plug(stage: Stage) -> Plugged:
        control = TinyControl(**steps)
        return prompts(positive=lambda s: s.prompt(control=control), negative=lambda s: s.prompt(2, control=control))(
            stage)

    return plug


def control_rests(stage: Stage) -> str:
    """The ControlNet is run as often as the blocks are."""
    control = TinyControl()
    model, holder = accelerate(stage.build())
    stage.sample(model, cfg=1.0, positive=stage.prompt(control=control))
    full = len(holder.latest.full_steps)
    assert control.asked == full < STEPS
    return f"run on {full} of {STEPS} steps"


def image_prompt(model: ModelPatcher) -> ModelPatcher:
    """A block is replaced by one that adds to the stream, as IP-adapters do it."""

    def block(args: dict, extra: dict) -> dict:
        made = extra["original_block"](args)
        return {**made, "img": made["img"] + 0.3 * made["img"].mean(-1, keepdim=True)}

    model = model.clone()
    model.set_model_patch_replace(block, "dit", "double_block", 0)
    model.set_model_patch_replace(block, "dit", "double_block", 1)
    return model


def lora(model: ModelPatcher) -> ModelPatcher:
    """Weights are patched as a LoRA loader does it."""
    random, model = torch.Generator().manual_seed(3), model.clone()
    weights = {name: weight for name, weight in model.model_state_dict().items() if weight.ndim == 2}
    model.add_patches({name: ("diff", (0.02 * torch.randn(w.shape, generator=random),)) for name, w in weights.items()})
    return model


def merged(model: ModelPatcher) -> ModelPatcher:
    """Two models mixed."""
    return ModelMergeSimple().merge(model, tiny_flux.tiny_flux(seed=1), 0.7)[0]


def compiled(*keys: str) -> NODE:
    """ComfyUI's torch.compile, without its slow code generator."""

    def patch(model: ModelPatcher) -> ModelPatcher:
        model = model.clone()
        set_torch_compile_wrapper(model, "eager", keys=list(keys) or ["diffusion_model"])
        return model

    return patch


def behind(node: NODE, **options: object) -> Callable[[Stage], Plugged]:
    """A node after TAP Accelerate."""

    def plug(stage: Stage) -> Plugged:
        base = prompts(**options)(stage)
        return Plugged(base.model, lambda model: base.sample(node(model)))

    return plug


def compiled_in_place(stage: Stage) -> Plugged:
    """The module compiles itself, as some packs do it."""
    plugged = prompts()(stage)
    plugged.model.model.diffusion_model.compile(backend="eager")
    return plugged


def compiled_once_before(stage: Stage) -> Plugged:
    """The graph is compiled before TAP is on the model."""
    model = compiled()(stage.build())
    stage.sample(model, 2)
    return Plugged(model, stage.sample)


def twice(stage: Stage) -> str:
    """With two TAP nodes in a row, the last one counts."""
    model = stage.build()
    first, first_holder = accelerate(model, interval=2)
    last, holder = accelerate(first, interval=4)
    single = stage.sample(accelerate(model, interval=4)[0])
    assert torch.equal(stage.sample(last), single)
    assert first_holder.latest is None and holder.latest is not None
    return "the last one counts"


def removed(stage: Stage) -> str:
    """After a run with TAP, the model without TAP is unchanged."""
    model = stage.build()
    before = stage.sample(model)
    assert relative_error(stage.sample(accelerate(model)[0]), before) > 0
    assert torch.equal(stage.sample(model), before)
    return "stock is back, bit for bit"


def easycache(model: ModelPatcher) -> ModelPatcher:
    """ComfyUI's own cache."""
    return EasyCacheNode.execute(model, 0.3, 0.1, 0.95, False)[0]


def lazycache(model: ModelPatcher) -> ModelPatcher:
    """ComfyUI's other cache."""
    return LazyCacheNode.execute(model, 0.3, 0.1, 0.95, False)[0]


def block_keys(stage: Stage) -> list[str]:
    """What a per-block compile node names."""
    model = stage.build().model.diffusion_model
    return [f"diffusion_model.{name}.{i}" for name in ("double_blocks", "single_blocks", "blocks")
            if hasattr(model, name) for i in range(len(getattr(model, name)))]


def by_block(place: Callable[..., Callable[[Stage], Plugged]]) -> Callable[[Stage], Plugged]:
    """Each block is compiled separately, before TAP or after TAP."""
    return lambda stage: place(compiled(*block_keys(stage)))(stage)


def one_at_a_time(args: dict[str, Any], calls: Forward) -> Tensor:
    """The batch is computed in single calls, as nodes that save memory do it."""
    x, whole = args["input"], len(args["input"])
    parts = [{name: part_of(value, i, whole) for name, value in args["c"].items()} for i in range(whole)]
    return torch.cat([calls(x[i : i + 1], args["timestep"][i : i + 1], **part) for i, part in enumerate(parts)])


def rolled(args: dict[str, Any], calls: Forward) -> Tensor:
    """The picture is rolled by another amount at every step, as nodes for seamless pictures do it."""
    by = int(1000 * args["timestep"].flatten()[0]) % args["input"].shape[-1]
    return calls(args["input"].roll(by, -1), args["timestep"], **args["c"]).roll(-by, -1)


def around_the_call(wrapper: Callable[[dict[str, Any], Forward], Tensor]) -> NODE:
    """A function around ComfyUI's call of the model, by its oldest hook."""

    def patch(model: ModelPatcher) -> ModelPatcher:
        model = model.clone()
        model.set_model_unet_function_wrapper(lambda calls, args: wrapper(args, calls))
        return model

    return patch


def rolled_by_wrapper(kind: str) -> NODE:
    """The picture is rolled at every step by one of ComfyUI's wrappers, in which it comes at another place."""
    place = 2 if kind == WrappersMP.CALC_COND_BATCH else 0

    def wrapper(executor: Forward, *args: Any, **kwargs: Any) -> Any:
        x, sigma = args[place : place + 2]
        by = int(1000 * sigma.flatten()[0]) % x.shape[-1]
        made = executor(*args[:place], x.roll(by, -1), *args[place + 1 :], **kwargs)
        return [each.roll(-by, -1) for each in made] if place else made.roll(-by, -1)

    def patch(model: ModelPatcher) -> ModelPatcher:
        model = model.clone()
        model.add_wrapper_with_key(kind, "rolls", wrapper)
        return model

    return patch


def forward_in_parts(stage: Stage) -> Plugged:
    """The model's own forward is replaced by one that splits the batch, as packs for several cards do it."""
    plugged = prompts()(stage)
    model = plugged.model.model.diffusion_model
    original = model.forward

    def forward(x: Tensor, *args: object, **options: object) -> Tensor:
        return torch.cat([original(
            x[i : i + 1], *(part_of(value, i, len(x)) for value in args),
            **{name: part_of(value, i, len(x)) for name, value in options.items()}) for i in range(len(x))])

    model.forward = forward
    return plugged


def part_of(value: object, i: int, whole: int) -> object:
    """Row i of a value that has one row for each of the batch; other values unchanged."""
    rows = isinstance(value, Tensor) and value.ndim and len(value) == whole
    return value[i : i + 1] if rows else value


REFERENCES = {"positive": lambda s: s.prompt(reference_latents=[s.latent(seed=3)]),
              "negative": lambda s: s.prompt(2, reference_latents=[s.latent(seed=3)])}
BOTH = ("FLUX", "Wan", "UNet")
COMPILED = ("FLUX", "Wan")

ROWS = [
    Row(GROUP, "ControlNet", Close(0.15), controlled(), ("FLUX", "UNet")),
    Row(GROUP, "ControlNet on some steps", Close(0.2, CAME), controlled(timestep_percent_range=(0.2, 0.6)),
        ("FLUX", "UNet")),
    Row(GROUP, "ControlNet, how often it runs", Holds("as often as the blocks", control_rests),
        models=("FLUX", "UNet")),
    Row(GROUP, "reference latents", Close(0.15), prompts(**REFERENCES), ("FLUX",)),
    Row(GROUP, "block patches, as IP-adapters set them", Close(0.15), patched(image_prompt)),
    Row(GROUP, "LoRA", Close(0.15), patched(lora), BOTH),
    Row(GROUP, "merged models", Close(0.15), patched(merged), ("FLUX",)),
    Row(GROUP, "FreeU", Close(0.2), patched(lambda m: FreeU_V2.execute(m, 1.3, 1.4, 0.9, 0.2)[0]), ("UNet",)),
    Row(GROUP, "torch.compile before TAP", Close(0.15), patched(compiled()), BOTH),
    Row(GROUP, "torch.compile after TAP", Close(0.15), behind(compiled()), BOTH),
    Row(GROUP, "torch.compile, compiled before TAP is added", Close(0.15), compiled_once_before, COMPILED),
    Row(GROUP, "torch.compile in place", Close(0.15), compiled_in_place, COMPILED),
    Row(GROUP, "torch.compile by block, before TAP", Close(0.15), by_block(patched), COMPILED),
    Row(GROUP, "torch.compile by block, after TAP", Close(0.15), by_block(behind), COMPILED),
    Row(GROUP, "torch.compile, target residual", Close(0.2, "run uncompiled"), patched(compiled()), COMPILED,
        {"target": "residual"}),
    Row(GROUP, "EasyCache before TAP", Exact("EasyCache is on the same model"), patched(easycache), COMPILED),
    Row(GROUP, "EasyCache after TAP", Exact("EasyCache is on the same model"), behind(easycache), COMPILED),
    Row(GROUP, "LazyCache", Exact("LazyCache is on the same model"), patched(lazycache), BOTH),
    Row(GROUP, "a wrapper that splits the batch", Exact("part of a batch"),
        patched(around_the_call(one_at_a_time), latent=lambda s: s.latent(2)), BOTH),
    Row(GROUP, "a wrapper that moves the picture at each step", Exact("moves the picture"),
        patched(around_the_call(rolled)), BOTH),
    *(Row(GROUP, f"a wrapper of {kind.upper()} that moves the picture", Exact("moves the picture"),
          plug(rolled_by_wrapper(kind)), BOTH) for kind, plug in (
        (WrappersMP.APPLY_MODEL, patched), (WrappersMP.CALC_COND_BATCH, behind), (WrappersMP.PREDICT_NOISE, behind))),
    Row(GROUP, "a model that splits the batch itself", Exact("several times in one call"), forward_in_parts, COMPILED),
    Row(GROUP, "tiled diffusion", Close(0.2), patched(around_the_call(in_tiles)), BOTH),
    Row(GROUP, "two TAP nodes in a row", Holds("the last one counts", twice), models=BOTH),
    Row(GROUP, "TAP taken out again", Holds("stock is back, bit for bit", removed), models=BOTH),
]
